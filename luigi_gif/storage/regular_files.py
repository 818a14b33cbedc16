"""The operating system's files: only regular ones are opened, and what cannot last is tolerated.

Many file systems lack an ability (fsync of folders, posix_fadvise): that costs
certainty or speed, never the run.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import logging
import os
import stat
import time
from collections.abc import Iterator

from luigi_gif.errors import LUIGI_LOGGER, ForeignFileError

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_NO_REGULAR_FILE = {errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ENODEV}
"""What opening a link with O_NOFOLLOW, a socket, a folder or a device without a driver gives."""
_NOT_EMPTY = {
    errno.ENOTEMPTY,
    errno.EEXIST,  # Solaris, and others as POSIX allows it
    errno.EBUSY,  # a mount point
    errno.EINVAL,  # the current folder as "."
}
_STEP_NS, _COARSE_STEP_NS = 10**7, 2 * 10**9
"""In which file systems note times: a tick of the kernel, or 2 s as on FAT, of whole seconds."""
_CANNOT_SYNC = {
    errno.EINVAL,  # VirtualBox's and old CIFS mounts
    errno.ENOSYS,
    errno.ENOTSUP,  # gocryptfs
    errno.EOPNOTSUPP,
    errno.EBADF,
    errno.EACCES,  # a folder that may be written, but not listed
    errno.EPERM,
}


def foreign_error(path: str, kind: str) -> ForeignFileError:
    """What to tell the user of something that stands in the place of a file of the pipeline."""
    return ForeignFileError(
        "the place of a file is taken by something that this pipeline did not make",
        where=path,
        expected="a file, or nothing",
        got=f"{kind}, which is left as it is",
        next_step="move it away, or name another --workdir",
    )


def check_regular(path: str, mode: int) -> None:
    """Raise ForeignFileError unless ``mode``, of the file at ``path``, is that of a regular one."""
    if not stat.S_ISREG(mode):
        raise foreign_error(path, _KINDS.get(stat.S_IFMT(mode), "no regular file"))


def check_path(root: str, name: str) -> None:
    """Raise ForeignFileError where writing ``name`` would lead out of ``root`` or replace a link.

    ``root`` itself may be reached through links: the user named it.
    """
    check_subfolders(root, name)
    check_file(f"{root}/{name}")


def check_subfolders(root: str, name: str) -> None:
    """Raise ForeignFileError where one that ``name`` goes through is a link."""
    path = root
    for folder in name.split("/")[:-1]:
        path = f"{path}/{folder}"
        mode = _own_mode(path)
        if mode is None:
            return
        if stat.S_ISLNK(mode):
            raise foreign_error(path, _KINDS[stat.S_IFLNK])


def is_own_file(root: str, name: str) -> bool:
    """Whether ``name`` is a regular file in ``root``, and no link on the way there."""
    try:
        check_subfolders(root, name)
    except ForeignFileError:
        return False
    mode = _own_mode(f"{root}/{name}")
    return mode is not None and stat.S_ISREG(mode)


def check_file(path: str) -> None:
    """Raise ForeignFileError where something else than a regular file is there."""
    if (mode := _own_mode(path)) is not None:
        check_regular(path, mode)


def status(path: str) -> os.stat_result | None:
    """What the system says of a regular file; None where there is none.

    Raises ForeignFileError where the path is something else, or a link to nothing, and OSError.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):  # to nothing
            check_regular(path, os.lstat(path).st_mode)
        return None
    check_regular(path, found.st_mode)
    return found


def version_of(status: os.stat_result) -> str:
    """A text that changes whenever a file does, as far as the system tells.

    The time of change alone is kept by cp -p, and by some file systems in steps of 2 s. A device's
    number does not count: it may be another one after the machine starts.
    """
    times = f"{status.st_mtime_ns}-{status.st_ctime_ns}"
    return f"{status.st_size}-{times}-{status.st_ino}"


def content_of_unnumbered(path: str, status: os.stat_result) -> str:
    """The SHA-256 of a file where the system tells no file from another by a number, else nothing.

    So it is on some network and FUSE mounts. Raises OSError.
    """
    if status.st_ino:
        return ""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settled_status(path: str) -> os.stat_result:
    """What the system says of a file, so late that another change has another time.

    Without that, what is written into a file just after it was read, as many bytes as before,
    would have the time of what was read. Raises OSError.
    """
    status = os.stat(path)
    is_coarse = status.st_ctime_ns % 10**9 == 0
    step_ns = _COARSE_STEP_NS if is_coarse else _STEP_NS
    age_ns = time.time_ns() - status.st_ctime_ns
    if 0 <= age_ns < step_ns:
        time.sleep((step_ns - age_ns) / 1e9)
        status = os.stat(path)
    return status


def open_descriptor(path: str, flags: int = os.O_RDONLY) -> int:
    """A descriptor of a regular file; nothing else is waited for.

    Raises ForeignFileError where the path is something else, and OSError.
    """
    return open_with_size(path, flags)[0]


def open_with_size(path: str, flags: int = os.O_RDONLY) -> tuple[int, int]:
    """As :func:`open_descriptor`, and the size of the file in bytes."""
    try:
        # A FIFO would wait for its other end, some devices for a line.
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
    except OSError as error:
        mode = _own_mode(path) if error.errno in _NO_REGULAR_FILE else None
        if mode is not None:
            check_regular(path, mode)
        raise
    try:
        found = os.fstat(descriptor)
        check_regular(path, found.st_mode)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, found.st_size


@contextlib.contextmanager
def open_regular_file(path: str) -> Iterator[int]:
    """A descriptor of a regular file to read from. Raises ForeignFileError and OSError."""
    descriptor = open_descriptor(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def create(path: str, flags: int) -> int:
    """A descriptor of a file that is never reached by a link, its folders made where needed."""
    flags |= os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return _create(path, flags)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return _create(path, flags)


def open_to_update(path: str) -> int:
    """A descriptor of a file to read and write in place, made where there is none."""
    descriptor = create(path, 0)
    if os.fstat(descriptor).st_nlink > 1:  # a backup may hold it under another name
        os.close(descriptor)
        os.unlink(path)
        descriptor = create(path, os.O_EXCL)
    return descriptor


def _create(path: str, flags: int) -> int:
    """A descriptor; what was not there before is a regular file."""
    return os.open(path, flags, 0o666) if flags & os.O_EXCL else open_descriptor(path, flags)


def pread(descriptor: int, start: int, end: int) -> bytes:
    """Bytes ``start`` to ``end``, or fewer where the file ends before."""
    pieces = []
    while start < end and (piece := os.pread(descriptor, end - start, start)):
        pieces.append(piece)
        start += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def sync_file(descriptor: int) -> None:
    """Let a file outlive a power cut, where its file system can do that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
        _say_once("a file", os.strerror(error.errno))


def sync_folder(path: str) -> None:
    """Let the names in a folder outlive a power cut, where its file system can do that."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
        _say_once("a folder", os.strerror(error.errno))


def remove_empty_folder(path: str) -> None:
    """Remove a folder, unless it holds something, or somebody holds it."""
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in _NOT_EMPTY:
            raise


def _own_mode(path: str) -> int | None:
    """Of the path itself, were it a link; None where there is nothing."""
    try:
        return os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


@functools.cache
def _say_once(what: str, why: str) -> None:
    logger.debug("%s cannot be flushed to the disk here (%s): a power cut may lose it", what, why)
