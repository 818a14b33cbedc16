"""The GIF container: its blocks and its compressed pixels.

Pure code, without NumPy.
"""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.gif.block_reader import (
        has_several_images,
        is_one_image,
        iterate_images,
        read_first_comment,
        read_first_image,
    )
    from luigi_gif.gif.block_writer import encode_header, encode_image_blocks, encode_single
    from luigi_gif.gif.blocks import (
        DISPOSE_NOT,
        DISPOSE_TO_BACKGROUND,
        DISPOSE_TO_PREVIOUS,
        MAX_COLORS,
        MAX_DELAY_CS,
        MAX_SIDE_PIXELS,
        MIN_DELAY_CS,
        TRAILER,
        Image,
        displayed_cs,
        is_gray_ramp,
        minimum_code_size,
        pad_color_table,
    )
    from luigi_gif.gif.color_tables import join_color_tables, split_colors
    from luigi_gif.gif.gif_end import end_of_gif, find_end
    from luigi_gif.gif.lzw import PixelCount, count_image_pixels, looks_whole

__getattr__ = loads_on_use(
    __name__,
    {
        "block_reader": (
            "has_several_images",
            "is_one_image",
            "iterate_images",
            "read_first_comment",
            "read_first_image",
        ),
        "block_writer": ("encode_header", "encode_image_blocks", "encode_single"),
        "blocks": (
            "DISPOSE_NOT",
            "DISPOSE_TO_BACKGROUND",
            "DISPOSE_TO_PREVIOUS",
            "MAX_COLORS",
            "MAX_DELAY_CS",
            "MAX_SIDE_PIXELS",
            "MIN_DELAY_CS",
            "TRAILER",
            "Image",
            "displayed_cs",
            "is_gray_ramp",
            "minimum_code_size",
            "pad_color_table",
        ),
        "color_tables": ("join_color_tables", "split_colors"),
        "gif_end": ("end_of_gif", "find_end"),
        "lzw": ("PixelCount", "count_image_pixels", "looks_whole"),
    },
)
