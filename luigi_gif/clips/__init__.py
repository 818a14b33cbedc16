"""The frame files to one clip, and what a finished clip says of itself."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.clips.clip_comment import (
        ClipStatus,
        check_place,
        clip_digest,
        read_clip_status,
    )
    from luigi_gif.clips.clip_options import ClipOptions
    from luigi_gif.clips.combining import CombinedClip, combine_frames

__getattr__ = loads_on_use(
    __name__,
    {
        "clip_comment": ("ClipStatus", "check_place", "clip_digest", "read_clip_status"),
        "clip_options": ("ClipOptions",),
        "combining": ("CombinedClip", "combine_frames"),
    },
)
