"""The frame files: plan them, write a batch of them, keep their manifest."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.frames.batches import group_by_work
    from luigi_gif.frames.bundle_errors import bad_frame_error, changed_bundle_error
    from luigi_gif.frames.caption_text import parse_caption
    from luigi_gif.frames.captions import (
        CaptionPlan,
        TextsOfFrames,
        find_item_texts,
        shared_captions,
        with_font,
    )
    from luigi_gif.frames.changed_frames import (
        ChangedFrame,
        DamagedPixels,
        MissingBundle,
        StaleFrames,
        have_rewritten,
    )
    from luigi_gif.frames.claims import claim_existing_files
    from luigi_gif.frames.frame_files import SUBFOLDER, digits_for, frame_file_name
    from luigi_gif.frames.frame_warnings import warn_of_altered_files, warn_of_duplicates
    from luigi_gif.frames.item_names import (
        NAMES_SUFFIX,
        FrameItem,
        item_name,
        items_checksum,
        note_items,
        noted_items,
        with_item_names,
    )
    from luigi_gif.frames.item_sources import (
        SOURCES_SUFFIX,
        ItemSource,
        note_item_sources,
        noted_item_sources,
    )
    from luigi_gif.frames.manifest import (
        MANIFEST,
        Chunk,
        ChunkResult,
        Manifest,
        load_manifest,
        new_manifest,
    )
    from luigi_gif.frames.missing_chunks import find_missing_chunks
    from luigi_gif.frames.removal import frame_files_to_remove
    from luigi_gif.frames.render_options import RenderOptions
    from luigi_gif.frames.true_color import ChunkSource, TrueColorReader
    from luigi_gif.frames.unwanted import Unwanted
    from luigi_gif.frames.write_frames import write_missing_frames

__getattr__ = loads_on_use(
    __name__,
    {
        "batches": ("group_by_work",),
        "bundle_errors": ("bad_frame_error", "changed_bundle_error"),
        "caption_text": ("parse_caption",),
        "captions": (
            "CaptionPlan",
            "TextsOfFrames",
            "find_item_texts",
            "shared_captions",
            "with_font",
        ),
        "changed_frames": (
            "ChangedFrame",
            "DamagedPixels",
            "MissingBundle",
            "StaleFrames",
            "have_rewritten",
        ),
        "claims": ("claim_existing_files",),
        "frame_files": ("SUBFOLDER", "digits_for", "frame_file_name"),
        "frame_warnings": ("warn_of_altered_files", "warn_of_duplicates"),
        "item_names": (
            "NAMES_SUFFIX",
            "FrameItem",
            "item_name",
            "items_checksum",
            "note_items",
            "noted_items",
            "with_item_names",
        ),
        "item_sources": (
            "SOURCES_SUFFIX",
            "ItemSource",
            "note_item_sources",
            "noted_item_sources",
        ),
        "manifest": (
            "MANIFEST",
            "Chunk",
            "ChunkResult",
            "Manifest",
            "load_manifest",
            "new_manifest",
        ),
        "missing_chunks": ("find_missing_chunks",),
        "removal": ("frame_files_to_remove",),
        "render_options": ("RenderOptions",),
        "unwanted": ("Unwanted",),
        "write_frames": ("write_missing_frames",),
        "true_color": (
            "ChunkSource",
            "TrueColorReader",
        ),
    },
)
