"""What a source holds: where its frames begin and end, and what data are by their first bytes.

Pure code: bytes in, values out.
"""

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

__all__ = [
    "BEGINNING_BYTES",
    "FORMATS",
    "LOOK_AHEAD_BYTES",
    "TIFF_TYPES",
    "TIFF_TYPE_BYTES",
    "WAYPOINT_WORK",
    "BadFrame",
    "BundleIndex",
    "Frame",
    "FrameError",
    "advice",
    "index_bundle",
    "iter_frames",
    "looks_like",
    "may_be_bundle",
    "tiff_structs",
]
