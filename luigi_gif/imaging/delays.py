"""Delays in the hundredths of a second of a GIF. Pure code."""

from __future__ import annotations

from fractions import Fraction

from luigi_gif import gif

_HALF_MS = Fraction(5)


def nearest_cs(delay_ms: Fraction) -> int:
    """The hundredths of a second for some milliseconds; 0 only for none."""
    return min(max(round(delay_ms / 10), 1), gif.MAX_DELAY_CS) if delay_ms > 0 else 0


class DelayRounding:
    """The delays of one animation, rounded so that their sum stays right."""

    def __init__(self) -> None:
        self._missing_ms = Fraction(0)

    def to_cs(self, delay_ms: Fraction) -> int:
        """The hundredths of a second for the next delay, in milliseconds; 0 only for none."""
        if not delay_ms:
            return 0
        wanted = delay_ms + self._missing_ms
        rounded = max(nearest_cs(wanted), 1)
        # What is too short or too long for a GIF is not made up for by other frames.
        self._missing_ms = min(max(wanted - 10 * rounded, -_HALF_MS), _HALF_MS)
        return rounded
