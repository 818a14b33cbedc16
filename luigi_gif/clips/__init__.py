"""The frame files to one clip, and what a finished clip says of itself."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.clips.clip_batch_writer import BlockFile
    from luigi_gif.clips.clip_canvas import Canvas
    from luigi_gif.clips.clip_comment import (
        ClipStatus,
        check_place,
        clip_digest,
        read_clip_status,
    )
    from luigi_gif.clips.clip_encoder import WorkerBlocks
    from luigi_gif.clips.clip_options import ClipOptions
    from luigi_gif.clips.combining import CombinedClip, combine_frames
    from luigi_gif.clips.sequence import ClipSequence, Part, Step, group_by_steps, plan_sequence
    from luigi_gif.clips.timing import Timing, split_delay

__getattr__ = loads_on_use(
    __name__,
    {
        "clip_comment": ("ClipStatus", "check_place", "clip_digest", "read_clip_status"),
        "clip_batch_writer": ("BlockFile",),
        "clip_canvas": ("Canvas",),
        "clip_encoder": ("WorkerBlocks",),
        "clip_options": ("ClipOptions",),
        "combining": ("CombinedClip", "combine_frames"),
        "sequence": ("ClipSequence", "Part", "Step", "group_by_steps", "plan_sequence"),
        "timing": ("Timing", "split_delay"),
    },
)
