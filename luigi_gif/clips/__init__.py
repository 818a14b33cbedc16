"""The frame files to one clip, and what a finished clip says of itself."""

from luigi_gif.clips.clip_comment import ClipStatus, read_clip_status
from luigi_gif.clips.clip_options import ClipOptions
from luigi_gif.clips.combining import combine_frames

__all__ = [
    "ClipOptions",
    "ClipStatus",
    "combine_frames",
    "read_clip_status",
]
