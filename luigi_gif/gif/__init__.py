"""The GIF container: its blocks and its compressed pixels.

Pure code, without NumPy.
"""

from luigi_gif.gif.container import (
    DISPOSE_NOT,
    DISPOSE_TO_BACKGROUND,
    LEAST_DELAY_CS,
    MOST_COLORS,
    MOST_PIXELS,
    TRAILER,
    Image,
    end_of_gif,
    first_comment,
    first_image,
    header,
    image_blocks,
    is_ramp,
    padded_table,
    shown_cs,
    single,
    walked,
)
from luigi_gif.gif.lzw import Counted, counted, looks_whole

__all__ = [
    "DISPOSE_NOT",
    "DISPOSE_TO_BACKGROUND",
    "LEAST_DELAY_CS",
    "MOST_COLORS",
    "MOST_PIXELS",
    "TRAILER",
    "Counted",
    "Image",
    "counted",
    "end_of_gif",
    "first_comment",
    "first_image",
    "header",
    "image_blocks",
    "is_ramp",
    "looks_whole",
    "padded_table",
    "shown_cs",
    "single",
    "walked",
]
