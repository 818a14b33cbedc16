"""A file system that fsspec serves: every call to it ends in time."""

from __future__ import annotations

import functools
import io
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import IO, Any

AT_ONCE = 64
AT_ONCE_BYTES = 8 << 20
"""So many objects, and so many bytes, are on their way to or from a store at a time."""
ANSWER_S = 60.0
"""How long a call may take, but for what a large object takes at MIN_BYTES_PER_S."""
MIN_BYTES_PER_S = 1 << 18
LONG_S = 5.0
UNRESPONSIVE_S = 60.0
"""A store that made a call wait for LONG_S in vain is not called again for so long."""
_VERSIONS = ("ETag", "etag", "generation", "mtime", "created")
"""What file systems call that which changes whenever an object does."""
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
"""What file systems call the time when an object was changed last."""
_OPTIONS = {"s3": {"config_kwargs": {"max_pool_connections": AT_ONCE}}}
Translated = Callable[[], AbstractContextManager[None]]
"""A block in which what a store raises becomes an error for people."""


class _Unresponsive:
    """Stores that have just made a call wait in vain, by their URL and the run that called.

    Their own libraries try many times over, and each task would wait anew.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], tuple[str, float]] = {}

    def check(self, caller: tuple[str, str]) -> None:
        """Raise TimeoutError, a new one each time, where it is too early to call again."""
        reason, until = self._until.get(caller, ("", 0.0))
        if time.monotonic() < until:
            raise TimeoutError(reason)

    def add(self, caller: tuple[str, str], error: Exception) -> None:
        reason = str(error) or type(error).__name__
        self._until[caller] = reason, time.monotonic() + UNRESPONSIVE_S


# Of this process: folders are opened anew by each task and each batch.
_unresponsive = _Unresponsive()


class Store:
    """The file system of a URL, and ``root``, the URL's place in it.

    ``run`` names who asks: a worker that lives on asks anew for the next run.

    Raises what fsspec raises: ValueError, ImportError, or an error of its library.
    """

    def __init__(self, url: str, run: str = "") -> None:
        import fsspec

        self._caller = url, run
        scheme = url.partition("://")[0]
        if fsspec.get_filesystem_class(scheme.partition("::")[0]).async_impl:
            self._fs, self.root = fsspec.core.url_to_fs(url, **_OPTIONS.get(scheme, {}))
        else:
            self._fs, self.root = _connected(url, os.getpid(), threading.get_ident())

    def call(self, method: str, *args: Any, size: int = 0, **options: Any) -> Any:
        """Call a method of the file system that moves ``size`` bytes; raises what it raises.

        Raises TimeoutError where there is no answer.
        """
        from fsspec.exceptions import FSTimeoutError

        _unresponsive.check(self._caller)
        begin = time.monotonic()
        limit_s = ANSWER_S + size / MIN_BYTES_PER_S
        function = getattr(self._fs, method)
        try:
            if self._fs.async_impl:
                return function(*args, timeout=limit_s, **options)
            return _within(limit_s, function, *args, **options)
        except FileNotFoundError:
            raise
        except Exception as error:
            if isinstance(error, FSTimeoutError):
                error = TimeoutError(_no_answer(limit_s))
            if time.monotonic() - begin >= min(LONG_S, ANSWER_S):
                _unresponsive.add(self._caller, error)
            raise error from None

    def open(self, key: str, start: int = 0, translated: Translated = nullcontext) -> IO[bytes]:
        """An object to read from the byte at ``start``, some MiB at a time.

        Each call for its bytes is made in a block of ``translated()``.
        """
        return io.BufferedReader(_Object(self, key, start, translated), AT_ONCE_BYTES)

    def invalidate_cache(self) -> None:
        """Do not believe what was seen before: others write there too."""
        self._fs.invalidate_cache()


def object_version(info: dict[str, Any]) -> str | None:
    """A text that changes whenever an object does, from what a store tells of it, if it does."""
    found = next((info[key] for key in _VERSIONS if info.get(key)), None)
    return None if found is None else f"{info['size']}-{found}"


def object_time(info: dict[str, Any]) -> float | None:
    """When an object was changed last, in seconds since 1970 UTC, if a store tells it."""
    for key in _TIMES:
        time_ = info.get(key)
        if isinstance(time_, str):
            try:
                time_ = datetime.fromisoformat(time_)
            except ValueError:
                continue
        if isinstance(time_, datetime):
            return time_.timestamp()
        if isinstance(time_, int | float):
            return float(time_)
    return None


class _Object(io.RawIOBase):
    def __init__(self, store: Store, key: str, start: int, translated: Translated) -> None:
        self._store = store
        self._translated = translated
        self._key = key
        self._size = int(store.call("info", key)["size"])
        self._position = start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        begin = self._position
        end = min(self._size, begin + len(buffer))
        if begin == end:
            return 0
        with self._translated():
            data = self._store.call("cat_file", self._key, start=begin, end=end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


@functools.lru_cache(maxsize=64)
def _connected(url: str, process: int, thread: int) -> tuple[Any, str]:
    """The file system of a URL that may connect when it is made, and the URL's place in it.

    One for each thread: not all of these libraries let threads share a connection.
    """
    import fsspec

    system, root = _within(ANSWER_S, fsspec.core.url_to_fs, url, skip_instance_cache=True)
    return system, root


def _within(limit_s: float, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function that knows no time-out; raises what it raises, and TimeoutError.

    It is called on a thread of its own, which is left to itself where it does not come back.
    """
    answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def call() -> None:
        try:
            answers.put((function(*args, **options), None))
        except BaseException as error:
            answers.put((None, error))

    thread = threading.Thread(target=call, name="store", daemon=True)
    thread.start()
    try:
        value, error = answers.get(timeout=limit_s)
    except queue.Empty:
        raise TimeoutError(_no_answer(limit_s)) from None
    thread.join()
    if error is not None:
        raise error
    return value


def _no_answer(limit_s: float) -> str:
    return f"no answer within {limit_s:.3g} s"
