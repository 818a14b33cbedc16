"""The image data of a GIF from a picture of color indexes: Pillow's LZW, without the GIF around it.

Pure code: pictures in, bytes out.
"""

from __future__ import annotations

import io
import os
from typing import IO

from PIL import Image, ImageFile


def encode_picture(picture: Image.Image, minimum_code_size: int = 8) -> memoryview:
    """Encode color indexes.

    Parameters
    ----------
    picture : Image
        Of mode L or P: its pixels are the indexes.
    minimum_code_size : int
        2 to 8: the bits of the largest index, at least. Fewer give fewer bytes.

    Returns
    -------
    memoryview
        As in :class:`luigi_gif.gif.Image`: GIF89a, section 22.
    """
    picture.encoderconfig = (minimum_code_size, 0)  # not interlaced
    with _scratch_file() as file:
        file.write(bytes((minimum_code_size,)))
        # What Image.save calls, which would always take 8 bits, and write a GIF around it.
        tile = ImageFile._Tile("gif", (0, 0, *picture.size), 0, picture.mode)
        ImageFile._save(picture, file, [tile])
        file.write(b"\0")
        file.seek(0)
        return memoryview(file.read())


def _scratch_file() -> IO[bytes]:
    """A file in memory: Pillow lets other threads run while it writes to one that has a number."""
    if hasattr(os, "memfd_create"):
        try:
            return os.fdopen(os.memfd_create("luigi_gif"), "w+b")
        except OSError:  # forbidden by a sandbox, or too many files
            pass
    return io.BytesIO()
