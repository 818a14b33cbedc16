"""The frame files to one clip, and what a finished clip says of itself."""

from luigi_gif.clips.combining import Style, combine, find

__all__ = [
    "Style",
    "combine",
    "find",
]
