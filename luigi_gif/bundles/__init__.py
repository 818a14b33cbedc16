"""What a source holds: where its frames begin and end, and what data are by their first bytes.

Pure code: bytes in, values out.
"""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.bundles.boxes import (
        Box,
        end_of_heif,
        end_of_jpeg2000,
        heif_brands,
        iterate_boxes,
    )
    from luigi_gif.bundles.bundle_frames import (
        LOOK_AHEAD_BYTES,
        WAYPOINT_WORK,
        BadFrame,
        BundleIndex,
        Frame,
        FrameError,
        IndexBuilder,
        begins_as_image,
        frames_in,
        index_bundle,
        iter_frames,
        may_be_bundle,
        whole_format,
    )
    from luigi_gif.bundles.bundle_window import FRAME_DELIMITER
    from luigi_gif.bundles.ico_structure import IconPicture, read_icon_pictures
    from luigi_gif.bundles.image_ends import (
        end_of_jpeg,
        end_of_padding,
        images_behind_jpeg,
        read_beginning,
        size_of_jpeg,
    )
    from luigi_gif.bundles.image_formats import FORMATS, format_of
    from luigi_gif.bundles.placeholders import make_placeholder
    from luigi_gif.bundles.pnm_structure import (
        PnmHeader,
        end_of_pnm,
        plain_text,
        read_pnm_header,
    )
    from luigi_gif.bundles.signatures import (
        BEGINNING_BYTES,
        RAW_IMAGE,
        advice,
        describe,
        looks_like,
        unusable_pictures,
    )
    from luigi_gif.bundles.tiff_structure import TIFF_TYPE_BYTES, TIFF_TYPES, tiff_structs

__getattr__ = loads_on_use(
    __name__,
    {
        "boxes": ("Box", "end_of_heif", "end_of_jpeg2000", "heif_brands", "iterate_boxes"),
        "bundle_frames": (
            "LOOK_AHEAD_BYTES",
            "WAYPOINT_WORK",
            "BadFrame",
            "BundleIndex",
            "Frame",
            "FrameError",
            "IndexBuilder",
            "begins_as_image",
            "frames_in",
            "index_bundle",
            "iter_frames",
            "may_be_bundle",
            "whole_format",
        ),
        "bundle_window": ("FRAME_DELIMITER",),
        "ico_structure": ("IconPicture", "read_icon_pictures"),
        "image_ends": (
            "end_of_jpeg",
            "end_of_padding",
            "images_behind_jpeg",
            "read_beginning",
            "size_of_jpeg",
        ),
        "image_formats": ("FORMATS", "format_of"),
        "placeholders": ("make_placeholder",),
        "pnm_structure": ("PnmHeader", "end_of_pnm", "plain_text", "read_pnm_header"),
        "signatures": (
            "BEGINNING_BYTES",
            "RAW_IMAGE",
            "advice",
            "describe",
            "looks_like",
            "unusable_pictures",
        ),
        "tiff_structure": ("TIFF_TYPE_BYTES", "TIFF_TYPES", "tiff_structs"),
    },
)
