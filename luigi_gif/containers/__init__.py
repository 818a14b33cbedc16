"""The containers of animated WebP, APNG and video, and the note at the end of such a file.

Pure code, without NumPy and Pillow.
"""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.containers.apng import ApngFrames, apng_frame, apng_head, apng_with_plays
    from luigi_gif.containers.iso_times import without_times
    from luigi_gif.containers.matroska import raw_video_frame, raw_video_head
    from luigi_gif.containers.notes import NOTE_BYTES, FileNote, encode_note, find_note
    from luigi_gif.containers.png_chunks import png_chunk
    from luigi_gif.containers.webp import (
        MAX_WEBP_BYTES,
        MAX_WEBP_SIDE,
        riff_chunk,
        still_webp,
        webp_frame,
        webp_head,
        webp_pixels,
        webp_with_plays,
    )

__getattr__ = loads_on_use(
    __name__,
    {
        "apng": ("ApngFrames", "apng_frame", "apng_head", "apng_with_plays"),
        "iso_times": ("without_times",),
        "matroska": ("raw_video_frame", "raw_video_head"),
        "notes": ("NOTE_BYTES", "FileNote", "encode_note", "find_note"),
        "png_chunks": ("png_chunk",),
        "webp": (
            "MAX_WEBP_BYTES",
            "MAX_WEBP_SIDE",
            "riff_chunk",
            "still_webp",
            "webp_frame",
            "webp_head",
            "webp_pixels",
            "webp_with_plays",
        ),
    },
)
