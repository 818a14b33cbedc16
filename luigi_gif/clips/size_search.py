"""Which of ever smaller clips is the largest below a limit: what to try next.

The clips stand in a row: each position from 0 on gives up a little more than
the one before (see luigi_gif.clips.reduction), and sizes fall about evenly
with it on a scale of logarithms. To encode one takes long, so the size is
estimated first, from a few frames. The estimate is off by a factor that
changes little along the row: each clip that was encoded tells it.

Pure code: how a clip is encoded and a size is estimated is the caller's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

MAX_ENCODINGS = 6
"""Of the whole clip, the first included, until one fits; fewer where one is close."""
CLOSE = 0.95
"""Of the limit: a clip that takes so much of it is not improved any more."""
_AIM = (0.975, 0.975, 0.975, 0.97, 0.94)
"""What is aimed at, as parts of the limit, by the number of encodings that were searched."""
_LAST_AIM = 0.7
"""Where none of so many fits: sizes jump."""
_MAX_ESTIMATES = 8
"""For one encoding."""
_ESTIMATE_ERROR = 0.005
"""That is near enough, as logarithm."""


class Encoding(NamedTuple):
    """A clip that was encoded."""

    position: float
    """In the row; 0 gives up nothing."""
    size: int
    """In bytes."""


class SizeSearch:
    """Finds the largest clip in a row that is no larger than a limit.

    Parameters
    ----------
    limit : int
        In bytes.
    end : float
        The position of the smallest clip.
    first_size : int
        Of the clip at position 0, the largest one, which is over the limit.
    encode : callable
        Encodes the clip at a position; its size in bytes.
    estimate : callable
        About how many bytes that will be, up to a factor.
    """

    def __init__(
        self,
        limit: int,
        end: float,
        first_size: int,
        encode: Callable[[float], int],
        estimate: Callable[[float], float],
    ) -> None:
        self._limit = limit
        self._end = end
        self._encode = encode
        self._estimate = estimate
        self._estimated: dict[float, float] = {}
        self._encoded = {0.0: first_size}
        self._low = 0.0
        self._high = end

    def run(self) -> Encoding:
        """Find it.

        Returns
        -------
        Encoding
            One that takes :data:`CLOSE` to all of the limit where one of :data:`MAX_ENCODINGS`
            does, else the largest that fits; or, if the smallest clip does not fit, that one.
        """
        while True:
            position = self.next_position()
            if position in self._encoded:  # nothing is left between
                return self._best() or self._encode_at(self._end)
            encoding = self._encode_at(position)
            fits = encoding.size <= self._limit
            if fits and encoding.size >= CLOSE * self._limit:
                return encoding
            if fits:
                self._high = position
            elif position == self._end:
                return self._best() or encoding
            else:
                self._low = position
            best = self._best()
            if best is not None and len(self._encoded) >= MAX_ENCODINGS:
                return best

    def _encode_at(self, position: float) -> Encoding:
        size = self._encoded[position] = self._encode(position)
        return Encoding(position, size)

    def _best(self) -> Encoding | None:
        """The largest that fits so far."""
        fitting = [Encoding(*each) for each in self._encoded.items() if each[1] <= self._limit]
        return max(fitting, key=lambda each: each.size, default=None)

    def is_close(self, position: float) -> bool:
        """Whether the clip at a position is estimated to be close to the limit."""
        return abs(self._predicted(position) - math.log(self._limit)) < -math.log(CLOSE)

    def next_position(self) -> float:
        """The position to encode next, between the two that are known to be beside it."""
        searched = len(self._encoded) - 1
        wanted = math.log(self._limit * (_AIM[searched] if searched < len(_AIM) else _LAST_AIM))
        low, high = self._low, self._high
        over, under = self._predicted(low) - wanted, self._predicted(high) - wanted
        if under > 0:  # only the end may be so, as it was not encoded
            return high
        position = low
        for count in range(_MAX_ESTIMATES):
            part = over / (over - under) if over > under else 0.5
            if count % 3 == 2:  # where the row bends, one side would stay for long
                part = 0.5
            position = low + min(max(part, 0.02), 0.98) * (high - low)
            error = self._predicted(position) - wanted
            if abs(error) <= _ESTIMATE_ERROR:
                break
            if error > 0:
                low, over = position, error
            else:
                high, under = position, error
        return position

    def _predicted(self, position: float) -> float:
        """The logarithm of the size at a position, by the estimate and what it missed so far."""
        estimated = self._estimated.get(position)
        if estimated is None:
            estimated = self._estimated[position] = math.log(self._estimate(position))
        return estimated + self._missed(position)

    def _missed(self, position: float) -> float:
        """The logarithm of the factor, between those of the encoded clips beside it."""
        if position in self._encoded:
            return math.log(self._encoded[position]) - self._estimated[position]
        below = max((each for each in self._encoded if each < position), default=None)
        above = min((each for each in self._encoded if each > position), default=None)
        if above is None:
            assert below is not None  # the first clip was encoded
            return self._missed(below)
        if below is None:
            return self._missed(above)
        part = (position - below) / (above - below)
        return (1 - part) * self._missed(below) + part * self._missed(above)
