"""What a source gives of a bundle, and how far an earlier run has come with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Validators(NamedTuple):
    """By which a source can be asked whether it has changed since it was fetched."""

    etag: str | None = None
    last_modified: str | None = None
    """As a server says it, where a change would change it."""
    version: str | None = None
    """Of an object of a store."""
    resource: str | None = None
    """Digest of the URL that these are of, behind all redirects: another one may have the same."""


class NotModified(Exception):
    """The source has not changed since it was fetched."""


class ResumeState(NamedTuple):
    """What has arrived before."""

    size: int
    """In bytes."""
    total: int | None
    """How many bytes there are in all."""
    validator: str | None
    """A text that changes whenever the bundle does; without one nothing can be added."""
    resource: str | None = None
    """As that of :class:`Validators`."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.size) and self.size == self.total


class Response(NamedTuple):
    """What a source gives of a bundle."""

    start: int
    """Offset of the first byte: 0, or what is known already."""
    total: int | None
    """How many bytes there are in all, those that are known included."""
    validator: str | None
    etag: str | None
    last_modified: str | None
    pieces: Iterator[bytes]
    has_packed_length: bool = False
    """Whether the source says how long the bundle is while it is compressed."""
    place: str | None = None
    """The URL to which redirects have led; with its login, if that is for its host."""
    charset: str | None = None
    """How a server says that text is encoded."""
    validators: Validators = Validators()
    time: float | None = None
    """When it was changed last, as the source says, in seconds since 1970 UTC."""

    @property
    def is_bounded(self) -> bool:
        """Whether a break can be told from the end."""
        return self.total is not None or self.has_packed_length
