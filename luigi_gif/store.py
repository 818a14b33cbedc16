"""A file system that fsspec serves: every call to it ends in time."""

from __future__ import annotations

import io
import time
from typing import IO, Any

AT_ONCE = 64
AT_ONCE_BYTES = 8 << 20
"""So many objects, and so many bytes, are on their way to or from a store at a time."""
ANSWER_S = 60.0
"""How long a call may take, but for what a large object takes at LEAST_BYTES_PER_S."""
LEAST_BYTES_PER_S = 1 << 18
LONG_S = 5.0
SILENT_S = 60.0
"""A store that made one wait so long for nothing is not asked again for a while: its own library
tries many times over, and each task would wait anew."""
_VERSIONS = ("ETag", "etag", "generation", "mtime", "created")
"""What file systems call that which changes whenever an object does."""
_OPTIONS = {"s3": {"config_kwargs": {"max_pool_connections": AT_ONCE}}}
_silent: dict[tuple[str, str], tuple[Exception, float]] = {}


class Store:
    """The file system of a URL, and ``root``, the URL's place in it.

    ``run`` names who asks: a worker that lives on asks anew for the next run.

    Raises what fsspec raises: ValueError, ImportError, or an error of its library.
    """

    def __init__(self, url: str, run: str = "") -> None:
        import fsspec

        self._asker = url, run
        options = _OPTIONS.get(url.partition("://")[0], {})
        self._fs, self.root = fsspec.core.url_to_fs(url, **options)

    def ask(self, method: str, *args: Any, size: int = 0, **options: Any) -> Any:
        """Call a method of the file system that moves ``size`` bytes; raises what it raises.

        Raises TimeoutError where there is no answer.
        """
        from fsspec.exceptions import FSTimeoutError

        begin = time.monotonic()
        refusal, until = _silent.get(self._asker, (None, 0.0))
        if refusal is not None and begin < until:
            raise refusal
        limit_s = ANSWER_S + size / LEAST_BYTES_PER_S
        if self._fs.async_impl:
            options["timeout"] = limit_s
        try:
            return getattr(self._fs, method)(*args, **options)
        except FileNotFoundError:
            raise
        except Exception as error:
            if isinstance(error, FSTimeoutError):
                error = TimeoutError(f"no answer within {limit_s:.3g} s")
            if time.monotonic() - begin >= min(LONG_S, ANSWER_S):
                _silent[self._asker] = error, time.monotonic() + SILENT_S
            raise error from None

    def open(self, key: str, start: int = 0) -> IO[bytes]:
        """An object to read from the byte at ``start``, some MiB at a time."""
        return io.BufferedReader(_Object(self, key, start), AT_ONCE_BYTES)

    def forget(self) -> None:
        """Do not believe what was seen before: others write there too."""
        self._fs.invalidate_cache()


def version(info: dict[str, Any]) -> str | None:
    """A text that changes whenever an object does, from what a store tells of it, if it does."""
    found = next((info[key] for key in _VERSIONS if info.get(key)), None)
    return None if found is None else f"{info['size']}-{found}"


class _Object(io.RawIOBase):
    def __init__(self, store: Store, key: str, start: int) -> None:
        self._store = store
        self._key = key
        self._size = int(store.ask("info", key)["size"])
        self._position = start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        begin = self._position
        end = min(self._size, begin + len(buffer))
        if begin == end:
            return 0
        data = self._store.ask("cat_file", self._key, start=begin, end=end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
