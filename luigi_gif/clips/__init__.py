"""TODO."""

from luigi_gif.clips.combining import Style, combine, find

__all__ = [
    "Style",
    "combine",
    "find",
]
