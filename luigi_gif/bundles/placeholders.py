"""What stands in a bundle in the place of a picture that could not be had: why, in words.

So its frame keeps its number, and is a bad one like any other.
"""

from __future__ import annotations

import json

from luigi_gif.bundles.frame_span import FrameError

MARK = b"luigi_gif item: "


def make_placeholder(name: str, expected: str, got: str) -> bytes:
    """A frame that says what is wrong with the picture ``name``."""
    return MARK + json.dumps([name, expected, got]).encode()


def read_placeholder(data: bytes) -> FrameError | None:
    """What a placeholder says; None for other data."""
    if not data.startswith(MARK):
        return None
    try:
        name, expected, got = json.loads(data[len(MARK) :])
    except ValueError:
        return None
    return FrameError(str(expected), f"{got} ({name})")
