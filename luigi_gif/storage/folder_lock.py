"""The lock of a work directory: the kernel holds it for one run, others wait for a while."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import time

from luigi_gif.errors import LUIGI_LOGGER, StorageError
from luigi_gif.storage import process_owner, regular_files
from luigi_gif.storage.layout import LOCK

logger = logging.getLogger(f"{LUIGI_LOGGER}.storage")

MIN_PAUSE_S, MAX_PAUSE_S = 0.01, 0.5
"""How long it is waited before the lock is tried again: longer each time."""
STRANGER_S = 20.0
"""A run says in the lock file who it is. Nobody knows when another program will be done."""
_NOTE_BYTES = 4096
_STRANGER = "a program that is no run of this pipeline"
_CANNOT_LOCK = {
    errno.ENOSYS,  # Lustre without -o flock
    errno.ENOLCK,  # NFS without lockd
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EINVAL,
}


class Lock:
    """A lock that this process holds until :meth:`release`, or until it dies."""

    def __init__(self, path: str, timeout_s: float) -> None:
        """Wait for the lock file at ``path`` for so many seconds at the most.

        Raises StorageError where another run holds it for longer, ForeignFileError and OSError.
        """
        self._descriptor = regular_files.create(path, 0)
        try:
            self.is_held = self._wait(path, timeout_s)
            """Whether the kernel keeps others out; some file systems cannot."""
            if self.is_held:
                self._note(process_owner.this_process().to_json())
        except BaseException:
            os.close(self._descriptor)
            raise

    def is_of(self, path: str) -> bool:
        """Whether it still locks what lies there: who had it before may have removed that."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others have it."""
        try:
            if self.is_held:
                self._note(b"")
        finally:
            os.close(self._descriptor)

    def _wait(self, path: str, timeout_s: float) -> bool:
        import fcntl

        begin = time.monotonic()
        pause_s = MIN_PAUSE_S
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                pass
            except OSError as error:
                if error.errno not in _CANNOT_LOCK:
                    raise
                logger.warning(
                    "%s cannot be locked (%s): let one run at a time use this work directory",
                    path,
                    errno.errorcode[error.errno],
                )
                return False
            waited_s = time.monotonic() - begin
            holder = self._holder()
            limit_s = timeout_s if holder else min(timeout_s, STRANGER_S)
            if waited_s >= limit_s:
                raise _timeout(path, limit_s, holder)
            if pause_s == MIN_PAUSE_S:
                logger.info("waiting for %s, which holds %s", holder or _STRANGER, path)
            time.sleep(min(pause_s, limit_s - waited_s))
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    def _holder(self) -> str:
        """Who holds it, in words for people; nothing where it is no run of the pipeline."""
        holder = process_owner.parse_owner(os.pread(self._descriptor, _NOTE_BYTES, 0))
        return str(holder) if holder else ""

    def _note(self, text: bytes) -> None:
        """Say who holds it, for people. A file that holds something else is the user's."""
        try:
            existing = os.pread(self._descriptor, _NOTE_BYTES, 0)
            if not existing or process_owner.parse_owner(existing):
                os.truncate(self._descriptor, 0)
                os.pwrite(self._descriptor, text, 0)
        except OSError:
            pass  # a full disk: the lock is held all the same


def acquire(root: str, timeout_s: float) -> Lock:
    """The lock of the folder ``root``, which is made if need be. Raises as :class:`Lock`."""
    path = os.path.join(root, LOCK)
    while True:
        os.makedirs(root, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # removed by another run just now
            lock = Lock(path, timeout_s)
            if lock.is_of(path):
                return lock
            lock.release()


def holder(path: str) -> str:
    """Who holds the lock file at ``path``, in words for people; nothing where that is nobody.

    The file is neither made nor changed. Raises OSError.
    """
    import fcntl

    try:
        descriptor = regular_files.open_descriptor(path)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = process_owner.parse_owner(os.pread(descriptor, _NOTE_BYTES, 0))
        return str(owner) if owner else _STRANGER
    except OSError as error:
        if error.errno not in _CANNOT_LOCK:
            raise
    finally:
        os.close(descriptor)
    return ""


def is_own_lock(content: bytes) -> bool:
    """Whether a lock file with this content is the pipeline's."""
    return not content or process_owner.parse_owner(content) is not None


def remove_if_empty(root: str) -> None:
    """Leave no folder behind that holds nothing but the lock, which goes while it is held."""
    with contextlib.suppress(OSError):
        if os.listdir(root) == [LOCK]:
            os.unlink(os.path.join(root, LOCK))
            os.rmdir(root)


def _timeout(path: str, limit_s: float, holder: str) -> StorageError:
    setting = " (see --storage-lock-timeout)" if holder else ""
    return StorageError(
        "another run holds the work directory" if holder else "another program holds the lock",
        where=path,
        expected=f"its end within {limit_s:g} s{setting}",
        got=f"{holder or _STRANGER} still holds it",
        next_step="wait for it, or end it if it hangs, and run again",
    )
