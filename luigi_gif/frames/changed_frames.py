"""Frames that a later step finds to be other than was written, and how WriteFrames hears of it."""

from __future__ import annotations

from luigi_gif import storage
from luigi_gif.errors import DamagedFileError
from luigi_gif.frames.manifest import Manifest, find_chunk_index


class ChangedFrame(DamagedFileError):
    """The file of frame ``number`` is not what was written."""

    def __init__(self, number: int, path: str, got: str) -> None:
        super().__init__(
            "a frame file is not what was written",
            where=path,
            expected="the bytes that WriteFrames wrote",
            got=got,
            next_step="run again: it is written anew",
        )
        self.number = number

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.where, self.got)


class DamagedPixels(DamagedFileError):
    """A GIF was copied, as it looked whole, but its pixels cannot be decoded."""

    def __init__(self, number: int, path: str, expected: str, got: str) -> None:
        super().__init__(
            f"frame {number} has damaged pixels",
            where=path,
            expected=expected,
            got=got,
            next_step="run again: it is a bad frame then (see --on-bad-frame)",
        )
        self.number = number

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.where, self.expected, self.got)


def have_rewritten(
    folder: storage.Folder, manifest: Manifest, error: ChangedFrame | DamagedPixels
) -> None:
    """Note what WriteFrames is to do when it is called again.

    A changed file is missing, and written anew. Where one frame only looked whole others may, too:
    all are counted.
    """
    if isinstance(error, DamagedPixels):
        manifest = manifest._replace(damaged=True)
    else:
        manifest.results[find_chunk_index(manifest, error.number)] = None
    manifest.save(folder)
