"""Frames that a later step finds to be other than was written, and how WriteFrames hears of it."""

from __future__ import annotations

from luigi_gif import storage
from luigi_gif.errors import DamagedFileError
from luigi_gif.frames.manifest import Manifest, find_chunk_index


class FrameToRewrite(DamagedFileError):
    """Frame ``number`` has to be written once more."""

    number: int


class ChangedFrame(FrameToRewrite):
    """Its file is not what was written."""

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


class DamagedPixels(FrameToRewrite):
    """It was copied, as it looked whole, but its pixels cannot be decoded."""

    def __init__(self, number: int, path: str, expected: str, got: str, sha256: str) -> None:
        super().__init__(
            f"frame {number} has damaged pixels",
            where=path,
            expected=expected,
            got=got,
            next_step="run again: it is a bad frame then (see --on-bad-frame)",
        )
        self.number = number
        self.sha256 = sha256
        """Of its file."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.where, self.expected, self.got, self.sha256)


def have_rewritten(folder: storage.Folder, manifest: Manifest, error: FrameToRewrite) -> None:
    """Note that the frame is missing, so that WriteFrames, when called again, writes it."""
    if isinstance(error, DamagedPixels):
        manifest.damaged.add(error.sha256)
    manifest.results[find_chunk_index(manifest, error.number)] = None
    manifest.save(folder)
