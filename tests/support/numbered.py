"""Pictures that tell their numbers, and the numbers that a clip shows."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageSequence

from support.images import saved


def picture(number: int) -> bytes:
    """A PNG of one color that tells a number up to 12."""
    return saved(Image.new("RGB", (8, 6), (20 * number, 0, 0)), "PNG")


def shown(clip: Path) -> list[int]:
    """The numbers of the frames of a clip."""
    with Image.open(clip) as image:
        frames = (frame.convert("RGB") for frame in ImageSequence.Iterator(image))
        return [round(frame.getpixel((0, 0))[0] / 20) for frame in frames]  # type: ignore[index]
