"""What a later step finds to be other than WriteFrames left it, and how that hears of it."""

from __future__ import annotations

from luigi_gif import storage
from luigi_gif.errors import DamagedFileError
from luigi_gif.frames.manifest import Manifest, find_chunk_index


class StaleFrames(DamagedFileError):
    """WriteFrames has to run once more, though its output was current."""

    number = 0
    """The frame that it is to look at."""

    def noted_in(self, manifest: Manifest) -> Manifest:
        """The manifest that has it do so: it finds a file missing, and looks at its chunk."""
        manifest.results[find_chunk_index(manifest, self.number)] = None
        return manifest


class ChangedFrame(StaleFrames):
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


class DamagedPixels(StaleFrames):
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

    def noted_in(self, manifest: Manifest) -> Manifest:
        """Where one frame only looked whole others may, too: all are counted."""
        return manifest._replace(damaged=True)


class MissingBundle(StaleFrames):
    """The bundle was removed, and what is made of it beside the clip is not there yet."""

    def __init__(self, path: str) -> None:
        super().__init__(
            "the bundle is gone, of which the files beside the clip are made",
            where=path,
            expected="the bundle that the frames are of",
            got="no file",
            next_step="run again: it is fetched again",
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.where,)


def have_rewritten(folder: storage.Folder, manifest: Manifest, error: StaleFrames) -> None:
    """Note what WriteFrames is to do when it is called again."""
    error.noted_in(manifest).save(folder)
