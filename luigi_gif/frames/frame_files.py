"""What the frame files are called, and which of them a work directory holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from luigi_gif import storage

SUBFOLDER = "frames"

_FRAME_NAME = re.compile(r"frame_([0-9]+)\.gif")


class FrameFile(NamedTuple):
    """A file with the name of a frame."""

    name: str
    """In the folder of the frames."""
    number: int
    digits: int
    """Of the number in its name."""
    size_bytes: int


def frame_file_name(number: int, digits: int) -> str:
    """The name of a frame's file inside the work directory."""
    return f"{SUBFOLDER}/frame_{number:0{digits}d}.gif"


def digits_for(frame_count: int) -> int:
    """How many digits the names of so many frame files have."""
    return max(2, len(str(frame_count - 1)))


def list_frame_files(folder: storage.Folder, digits: int) -> Iterator[FrameFile]:
    """The frame files that exist, in any order. Files under other names are the user's."""
    for name, size in folder.entries(SUBFOLDER, _prefixes(digits)):
        if match := _FRAME_NAME.fullmatch(name):
            yield FrameFile(name, int(match[1]), len(match[1]), size)


def _prefixes(digits: int) -> Iterator[str]:
    """Beginnings of the names of all frame files.

    A listing is held in memory, so each is the beginning of 100,000 names at the most.
    """
    leading = digits - 5
    if leading <= 0:
        yield ""
    else:
        yield from (f"frame_{number:0{leading}d}" for number in range(10**leading))
