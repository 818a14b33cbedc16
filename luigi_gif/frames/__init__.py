"""The frame files: plan them, write a batch of them, keep their manifest."""

from luigi_gif.frames.batches import group_chunks, total_work
from luigi_gif.frames.bundle_errors import bad_frame_error, changed_bundle_error
from luigi_gif.frames.claims import claim_existing_files
from luigi_gif.frames.frame_files import SUBFOLDER, digits_for, frame_file_name
from luigi_gif.frames.frame_warnings import warn_of_altered_files
from luigi_gif.frames.manifest import (
    MANIFEST,
    Chunk,
    ChunkResult,
    Manifest,
    find_chunk_index,
    load_manifest,
    new_manifest,
)
from luigi_gif.frames.missing_chunks import find_missing_chunks
from luigi_gif.frames.render_options import RenderOptions
from luigi_gif.frames.write_frames import write_missing_frames

__all__ = [
    "MANIFEST",
    "SUBFOLDER",
    "Chunk",
    "ChunkResult",
    "Manifest",
    "RenderOptions",
    "bad_frame_error",
    "changed_bundle_error",
    "claim_existing_files",
    "digits_for",
    "find_chunk_index",
    "find_missing_chunks",
    "frame_file_name",
    "group_chunks",
    "load_manifest",
    "new_manifest",
    "total_work",
    "warn_of_altered_files",
    "write_missing_frames",
]
