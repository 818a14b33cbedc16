"""Threads that fetch, a few for each host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from luigi_gif import urls

ResultT = TypeVar("ResultT")


class HostThreads:
    """Threads for each host that is asked, at most ``per_host``.

    Use it as a context: it ends with those calls that are under way. One thread submits.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._waiting: Counter[str] = Counter()
        """How many calls for a host have been submitted, and are not finished with."""

    def __enter__(self) -> HostThreads:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in self._pools.values():
            pool.shutdown()

    def submit(self, url: str, function: Callable[[], ResultT]) -> Future[ResultT]:
        """Have a function called in a thread of the URL's host."""
        host = urls.host_of(url)
        if host not in self._pools:
            self._pools[host] = ThreadPoolExecutor(self._per_host, "fetch")
        self._waiting[host] += 1
        return self._pools[host].submit(function)

    def finish(self, url: str) -> None:
        """Take note that a call has returned: the last one of a host ends its threads."""
        host = urls.host_of(url)
        self._waiting[host] -= 1
        if not self._waiting[host]:
            del self._waiting[host]
            self._pools.pop(host).shutdown()
