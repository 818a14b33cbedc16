"""One image of any format to a GIF of one image: decode, colors, size, palette, encode.

Imported where an image is decoded, not before: it loads NumPy and Pillow.
"""

from luigi_gif.imaging.common_palette import SAMPLED_FRAMES, CommonPalette, choose_palette
from luigi_gif.imaging.decode import decode_image
from luigi_gif.imaging.differences import IndexedImage, encode_delta
from luigi_gif.imaging.encode import (
    make_clearable,
    reorder_colors,
    resize_image,
    sample_colors,
    to_gif,
)

__all__ = [
    "SAMPLED_FRAMES",
    "CommonPalette",
    "IndexedImage",
    "choose_palette",
    "decode_image",
    "encode_delta",
    "make_clearable",
    "reorder_colors",
    "resize_image",
    "sample_colors",
    "to_gif",
]
