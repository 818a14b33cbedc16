"""One image of any format to a GIF of one image: decode, colors, size, palette, encode.

Imported where an image is decoded, not before: it loads NumPy and Pillow.
"""

from luigi_gif.imaging.common_palette import SAMPLED_FRAMES, CommonPalette, choose
from luigi_gif.imaging.decode import decoded
from luigi_gif.imaging.differences import Decoded, smaller
from luigi_gif.imaging.encode import clearable, reindexed, resized, sample, to_gif

__all__ = [
    "SAMPLED_FRAMES",
    "CommonPalette",
    "Decoded",
    "choose",
    "clearable",
    "decoded",
    "reindexed",
    "resized",
    "sample",
    "smaller",
    "to_gif",
]
