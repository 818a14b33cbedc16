"""What a source holds: where its frames begin and end, and what data are by their first bytes.

Pure code: bytes in, values out.
"""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.bundles.bundle_frames import (
        LOOK_AHEAD_BYTES,
        WAYPOINT_WORK,
        BadFrame,
        BundleIndex,
        Frame,
        FrameError,
        begins_as_image,
        frames_in,
        index_bundle,
        iter_frames,
        may_be_bundle,
    )
    from luigi_gif.bundles.bundle_window import FRAME_DELIMITER
    from luigi_gif.bundles.image_ends import (
        end_of_jpeg,
        end_of_padding,
        images_behind_jpeg,
        size_of_jpeg,
    )
    from luigi_gif.bundles.image_formats import FORMATS
    from luigi_gif.bundles.placeholders import make_placeholder
    from luigi_gif.bundles.signatures import BEGINNING_BYTES, advice, looks_like
    from luigi_gif.bundles.tiff_structure import TIFF_TYPE_BYTES, TIFF_TYPES, tiff_structs

__getattr__ = loads_on_use(
    __name__,
    {
        "bundle_frames": (
            "LOOK_AHEAD_BYTES",
            "WAYPOINT_WORK",
            "BadFrame",
            "BundleIndex",
            "Frame",
            "FrameError",
            "begins_as_image",
            "frames_in",
            "index_bundle",
            "iter_frames",
            "may_be_bundle",
        ),
        "bundle_window": ("FRAME_DELIMITER",),
        "image_ends": ("end_of_jpeg", "end_of_padding", "images_behind_jpeg", "size_of_jpeg"),
        "image_formats": ("FORMATS",),
        "placeholders": ("make_placeholder",),
        "signatures": ("BEGINNING_BYTES", "advice", "looks_like"),
        "tiff_structure": ("TIFF_TYPE_BYTES", "TIFF_TYPES", "tiff_structs"),
    },
)
