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
        index_bundle,
        iter_frames,
        may_be_bundle,
    )
    from luigi_gif.bundles.image_formats import FORMATS
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
            "index_bundle",
            "iter_frames",
            "may_be_bundle",
        ),
        "image_formats": ("FORMATS",),
        "signatures": ("BEGINNING_BYTES", "advice", "looks_like"),
        "tiff_structure": ("TIFF_TYPE_BYTES", "TIFF_TYPES", "tiff_structs"),
    },
)
