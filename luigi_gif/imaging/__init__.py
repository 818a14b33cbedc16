"""One image of any format to a GIF of one image: decode, colors, size, palette, encode.

Whatever is used of it loads Pillow, which plain GIFs do without; NumPy is loaded for more colors
than a GIF has.
"""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.imaging.animation_frames import WebpEncoder, encode_png_part
    from luigi_gif.imaging.animations import single_frames
    from luigi_gif.imaging.canvas_picture import (
        changed_box,
        on_background,
        on_canvas,
        repeat_edges,
    )
    from luigi_gif.imaging.caption import check_font, missing_characters
    from luigi_gif.imaging.caption_style import CAPTION_POSITIONS, Caption, CaptionStyle
    from luigi_gif.imaging.changed_gif import change_image
    from luigi_gif.imaging.common_palette import (
        CommonPalette,
        choose_palette,
        largest_error,
        sampling,
        still_fits,
    )
    from luigi_gif.imaging.decode import DecodedImage, decode_image
    from luigi_gif.imaging.delays import DelayRounding
    from luigi_gif.imaging.differences import IndexedImage, encode_delta
    from luigi_gif.imaging.encode import to_gif, to_picture
    from luigi_gif.imaging.encode_avif import encode_avif
    from luigi_gif.imaging.frame_palette import DistinctColors
    from luigi_gif.imaging.gif_pictures import (
        gif_to_picture,
        make_clearable,
        pixel_facts_of_gif,
        reorder_colors,
    )
    from luigi_gif.imaging.look import Crop, Length, Look
    from luigi_gif.imaging.losses import LossyEncoder
    from luigi_gif.imaging.many_colors import sample_colors
    from luigi_gif.imaging.picture_files import image_file
    from luigi_gif.imaging.pixel_data import used_colors
    from luigi_gif.imaging.pixel_facts import PixelFacts
    from luigi_gif.imaging.recoloring import choose_colors
    from luigi_gif.imaging.shrinking import shown_colors, smaller_image
    from luigi_gif.imaging.single_frame import SingleFrame, with_delay
    from luigi_gif.imaging.small_still import SmallStill, small_webp
    from luigi_gif.imaging.structural_similarity import Likeness, likeness

__getattr__ = loads_on_use(
    __name__,
    {
        "animations": ("single_frames",),
        "caption": ("check_font", "missing_characters"),
        "caption_style": ("CAPTION_POSITIONS", "Caption", "CaptionStyle"),
        "changed_gif": ("change_image",),
        "common_palette": (
            "CommonPalette",
            "choose_palette",
            "largest_error",
            "sampling",
            "still_fits",
        ),
        "decode": ("DecodedImage", "decode_image"),
        "delays": ("DelayRounding",),
        "differences": ("IndexedImage", "encode_delta"),
        "encode": ("to_gif", "to_picture"),
        "frame_palette": ("DistinctColors",),
        "gif_pictures": (
            "gif_to_picture",
            "make_clearable",
            "pixel_facts_of_gif",
            "reorder_colors",
        ),
        "look": ("Crop", "Length", "Look"),
        "losses": ("LossyEncoder",),
        "many_colors": ("sample_colors",),
        "picture_files": ("image_file",),
        "pixel_data": ("used_colors",),
        "pixel_facts": ("PixelFacts",),
        "recoloring": ("choose_colors",),
        "shrinking": ("shown_colors", "smaller_image"),
        "single_frame": ("SingleFrame", "with_delay"),
        "small_still": ("SmallStill", "small_webp"),
        "structural_similarity": ("Likeness", "likeness"),
        "animation_frames": ("WebpEncoder", "encode_png_part"),
        "canvas_picture": ("changed_box", "on_background", "on_canvas", "repeat_edges"),
        "encode_avif": ("encode_avif",),
    },
)
