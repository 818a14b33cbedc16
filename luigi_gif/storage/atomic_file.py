"""A local file appears whole: written under a temporary name beside it, flushed, renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from luigi_gif.storage import regular_files
from luigi_gif.storage.error_translation import ErrorTranslation
from luigi_gif.storage.temporary_names import temporary_name


def write_whole(
    root: str,
    name: str,
    data: bytes | memoryview,
    token: str,
    errors: ErrorTranslation,
    *,
    durable: bool,
) -> None:
    """Let ``data`` appear as ``name`` in the folder ``root``. Raises as :func:`replacing`."""
    # As that does it, in one block: it is called for each frame.
    path = os.path.join(root, name)
    temporary = temporary_name(path, token)
    with errors.during("write", name):
        regular_files.check_file(path)
        try:
            _fill(regular_files.create(temporary, os.O_EXCL), data, durable)
            if durable:
                regular_files.check_path(root, name)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _fill(descriptor: int, data: bytes | memoryview, durable: bool) -> None:
    """Write all of a file, and close it."""
    try:
        size = os.write(descriptor, data)
        while size < len(data):
            size += os.write(descriptor, memoryview(data)[size:])
        if durable:
            regular_files.sync_file(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(
    root: str, name: str, token: str, errors: ErrorTranslation, *, durable: bool
) -> Iterator[int]:
    """A descriptor of a file that is renamed to ``name``, or removed if the block raises.

    If ``durable``, its bytes are on the disk by then. Raises StorageError or
    ForeignFileError.
    """
    path = os.path.join(root, name)
    temporary = temporary_name(path, token)
    with errors.during("write", name):
        regular_files.check_file(path)
    try:
        with errors.during("write", name):
            descriptor = regular_files.create(temporary, os.O_EXCL)
        try:
            yield descriptor
            if durable:
                with errors.during("write", name):
                    regular_files.sync_file(descriptor)
        finally:
            with errors.during("write", name):  # NFS tells of a full disk only here
                os.close(descriptor)
        with errors.during("write", name):
            if durable:  # for which much time may have passed
                regular_files.check_path(root, name)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
