"""Which good frames a clip does not show, as the user asks for it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

IGNORED = "ignore-sha256"
BLANK = "drop-blank"


class Unwanted(NamedTuple):
    """Which good frames a clip does not show."""

    sha256: frozenset[str] = frozenset()
    """Those whose bytes have one of these checksums."""
    blank: bool = False
    """Those of one color."""
    duplicates: bool = False
    """Those with the same pixels as the one before."""

    @property
    def needs_pixels(self) -> bool:
        """Whether each frame has to be decoded to tell."""
        return self.blank or self.duplicates

    def ignored_sha256(self, data: bytes) -> str | None:
        """The checksum of a frame's bytes, if it is one of these."""
        sha256 = hashlib.sha256(data).hexdigest() if self.sha256 else ""
        return sha256 if sha256 in self.sha256 else None
