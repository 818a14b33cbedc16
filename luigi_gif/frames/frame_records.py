"""What is noted of each frame file, so that a later run need not make it again.

A worker takes a file that lies there only if the record of its name says that it was made of the
same bytes in the same way, and if size and checksum say that nobody has changed it since.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from isal import isal_zlib

if TYPE_CHECKING:
    from luigi_gif import bundles
    from luigi_gif.frames.render_options import RenderOptions


class FrameRecord(NamedTuple):
    """A frame, its file, and what that was made of."""

    digest: str = ""
    """That of :func:`frame_digest`; empty for a frame that has no file."""
    size_bytes: int = 0
    crc32: int = 0
    pixels_sha256: str = ""
    """Of its pixels, where they were looked at."""
    extra_images: int = 0
    """Images behind the first, which is shown."""
    notes: tuple[str, ...] = ()
    """What the user is to know of it."""

    def is_of(self, file: bytes) -> bool:
        """Whether a file is as it was written."""
        return len(file) == self.size_bytes and isal_zlib.crc32(file) == self.crc32


class ExistingFile(NamedTuple):
    """A file that has the name of a frame, and the record of that name, if there is one."""

    file: bytes
    record: FrameRecord | None

    @property
    def is_as_recorded(self) -> bool:
        """Whether it is a frame file that nobody has changed."""
        return self.record is not None and self.record.is_of(self.file)


def frame_digest(frame: bundles.Frame, options: RenderOptions) -> str:
    """A digest of all that one frame's file depends on, where the recipes are the same.

    The ``options`` are those for this frame, with its caption.
    """
    digest = hashlib.sha256(frame.data)
    caption = options.look.caption and options.look.caption.text
    counted = frame.format == "GIF" and options.count_codes
    digest.update(repr((frame.is_whole, counted, caption, options.clip_palette)).encode())
    return digest.hexdigest()
