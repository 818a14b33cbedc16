"""How long each image of a clip shows, in the hundredths of a second of a GIF."""

from __future__ import annotations

from luigi_gif import gif
from luigi_gif.clips.clip_canvas import Canvas


class Timing:
    """Gives the images of a clip their delays, one after another.

    The roundings of a duration do not add up: delays are differences of rounded times. What is
    held takes no part in that, so that it shows for exactly as long as asked, to 10 ms.
    """

    def __init__(self, canvas: Canvas, timed_before: int) -> None:
        self._canvas = canvas
        self._timed = timed_before
        """How many frames have shown that are not held."""

    def next_delay_cs(self, number: int, frame_count: int, own_cs: int) -> int:
        """For the frame ``number``, which stands for ``frame_count`` with these delays in sum."""
        hold_ms = self._canvas.holds_ms.get(number)
        if hold_ms is not None:
            return round(hold_ms / 10)
        begin, self._timed = self._timed, self._timed + frame_count
        duration_ms = self._canvas.options.frame_duration_ms
        if duration_ms is None:
            return own_cs
        return round(self._timed * duration_ms / 10) - round(begin * duration_ms / 10)


def split_delay(delay_cs: int) -> list[int]:
    """The delays of as many images as it takes to show a frame for so long."""
    if delay_cs <= gif.MAX_DELAY_CS:
        return [delay_cs]
    count = -(-delay_cs // gif.MAX_DELAY_CS)
    return [(index + 1) * delay_cs // count - index * delay_cs // count for index in range(count)]
