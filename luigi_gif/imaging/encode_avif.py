"""Pictures to an AVIF, one after another: Pillow is given one at a time.

Pure code: pictures in, bytes out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image

from luigi_gif import containers
from luigi_gif.imaging.look import Size

_QUALITY = 80
_SPEED = 8
"""Of the encoder, 0 to 10. Its 6, the default of Pillow, takes many times as long."""


def encode_avif(
    pictures: Iterator[tuple[Image.Image, int]], count: int, size: Size, *, has_alpha: bool
) -> bytes:
    """Encode pictures, of which only one is held at a time.

    Parameters
    ----------
    pictures : iterator of Image and int
        Each, and for how many milliseconds it shows.
    count : int
        How many there are.
    size : tuple of int
        Width and height of all of them, in pixels.
    has_alpha : bool
        Whether they are RGBA, or RGB.

    Returns
    -------
    bytes
        An AVIF, an image sequence where there are several.
    """
    file = io.BytesIO()
    sequence = _Sequence(pictures, count, size, "RGBA" if has_alpha else "RGB")
    sequence.save(
        file,
        "AVIF",
        save_all=True,
        duration=sequence.durations_ms,
        quality=_QUALITY,
        speed=_SPEED,
    )
    return containers.without_times(file.getvalue())


class _Sequence(Image.Image):
    """As Pillow knows an animated image: it seeks each frame, and takes the pixels there."""

    def __init__(
        self, pictures: Iterator[tuple[Image.Image, int]], count: int, size: Size, mode: str
    ) -> None:
        super().__init__()
        self.durations_ms: list[int] = []
        """Of the frames that were sought."""
        self.n_frames = count
        self.is_animated = count > 1
        self._size = size
        self._mode = mode
        self._pictures = pictures

    def seek(self, frame: int) -> None:
        """Go to a frame, the next one or one before."""
        if frame >= self.n_frames:
            raise EOFError
        if frame == len(self.durations_ms):
            picture, duration_ms = next(self._pictures)
            self.durations_ms.append(duration_ms)
            self.im = picture.convert(self._mode).im
