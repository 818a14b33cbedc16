"""The project's own sample is what its script draws, and the README shows what becomes of it."""

from __future__ import annotations

import io
import runpy
from pathlib import Path

from PIL import Image
from support.clips import make_clip
from support.images import DELIMITER
from support.paths import ROOT


def test_the_readme_shows_the_clip_of_the_sample(sample: bytes, tmp_path: Path) -> None:
    """Byte for byte what `make gif` makes, but for the comment that says where its source lies."""
    made = make_clip(sample, tmp_path / "work").read_bytes()
    shown = (ROOT / "docs" / "sample.gif").read_bytes()
    assert without_comment(made) == without_comment(shown)


def without_comment(clip: bytes) -> bytes:
    """A clip of this pipeline without its Comment Extension, of one sub-block."""
    begin = clip.index(b"\x21\xfe")
    end = begin + 3 + clip[begin + 2]
    assert clip[end] == 0
    return clip[:begin] + clip[end:]


def test_the_sample_is_what_its_script_draws(sample: bytes) -> None:
    """Pixel for pixel, whichever Pillow encodes it; 24 frames or more, under 400 KB."""
    drawn = runpy.run_path(str(ROOT / "examples" / "draw_sample.py"))["draw"]()
    frames = sample.split(DELIMITER)
    assert len(frames) - 1 >= 24
    assert len(sample) < 400_000
    assert [_pixels(frame) for frame in drawn.split(DELIMITER) if frame] == [
        _pixels(frame) for frame in frames if frame
    ]


def _pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB").tobytes()
