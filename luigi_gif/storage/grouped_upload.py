"""Small objects go to a store several at a time: each call to it costs a round trip."""

from __future__ import annotations

from collections.abc import Callable

from luigi_gif.storage.store_calls import AT_ONCE, AT_ONCE_BYTES


class GroupedUpload:
    """Takes objects one by one, and hands them to ``send`` in groups, by their names."""

    def __init__(self, send: Callable[[dict[str, bytes]], None]) -> None:
        self._send = send
        self._waiting: dict[str, bytes] = {}

    def add(self, name: str, data: bytes) -> None:
        """Send it with others, now or later. Raises what ``send`` raises."""
        self._waiting[name] = data
        size = sum(map(len, self._waiting.values()))
        if len(self._waiting) >= AT_ONCE or size >= AT_ONCE_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what still waits. Raises what ``send`` raises."""
        if self._waiting:
            self._send(self._waiting)
            self._waiting = {}
