"""How a clip plays and is stored."""

from __future__ import annotations

from typing import NamedTuple


class ClipOptions(NamedTuple):
    """How a clip plays and is stored."""

    plays: int
    """How often; 0 is forever."""
    frame_duration_ms: int | None
    """For every frame; None leaves each its own."""
    only_changes: bool
    """Whether what did not change since the frame before is left out."""
    max_pixels: int
    """Of its canvas."""
