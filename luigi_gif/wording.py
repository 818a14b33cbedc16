"""Words for people that several rooms need."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things, such as ``1 frame`` or ``1,200 frames``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
