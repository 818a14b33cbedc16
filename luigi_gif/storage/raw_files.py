"""Local files to read and write: their errors are for people, and large ones go to disk early."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_WRITEBACK_BYTES = 8 << 20

Translated = Callable[[str], contextlib.AbstractContextManager[None]]
"""Of a verb, such as "read": a block in which an OSError becomes an error for people."""


def drop_pages(descriptor: int, start: int, size: int) -> None:
    """Start the writeback of dirty pages and drop clean ones; a hint, which may be refused."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(descriptor, start, size, os.POSIX_FADV_DONTNEED)


class TranslatedFile(io.FileIO):
    """A raw file that raises errors for people. Its descriptor stays open."""

    def __init__(self, descriptor: int, mode: str, translated: Translated) -> None:
        super().__init__(descriptor, mode, closefd=False)
        self._translated = translated

    def read(self, size: int | None = -1, /) -> bytes:
        with self._translated("read"):
            return super().read(-1 if size is None else size) or b""

    def readall(self) -> bytes:
        with self._translated("read"):
            return super().readall() or b""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        with self._translated("read"):
            return super().readinto(buffer) or 0

    def write(self, data: ReadableBuffer, /) -> int:
        with self._translated("write"):
            return super().write(data) or 0

    def truncate(self, size: int | None = None, /) -> int:
        with self._translated("write"):
            return super().truncate(size)


class EarlyWriteback(TranslatedFile):
    """A file whose pages go to the disk while it grows, not all at the fsync.

    Unless it is to keep them, the kernel drops those that have arrived there,
    and takes them for what is written next.
    """

    def __init__(self, descriptor: int, translated: Translated, *, keep: bool) -> None:
        super().__init__(descriptor, "r+b", translated)
        self._keep = keep
        self._written_back = 0

    def write(self, data: ReadableBuffer, /) -> int:
        count = super().write(data)
        end = self.tell()
        if end - self._written_back >= _WRITEBACK_BYTES:
            start = self._written_back if self._keep else 0
            drop_pages(self.fileno(), start, end - start)
            self._written_back = end
        return count

    def truncate(self, size: int | None = None, /) -> int:
        self._written_back = 0
        return super().truncate(size)
