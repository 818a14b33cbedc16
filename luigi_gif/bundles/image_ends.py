"""Where an image ends, by its own structure; GIF and TIFF have modules of their own.

PNG: W3C Recommendation, Portable Network Graphics, section 5.3. JPEG: ITU-T
T.81, annex B. WebP: RFC 9649, section 2. BMP: Microsoft, Bitmap Storage.

Pure code: bytes in, values out. Each function returns the offset just behind
the image that starts at ``start``, and raises Truncated if the data end first
(more of them may help), Malformed if they cannot be such an image.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from luigi_gif.errors import Malformed, Truncated

_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK = struct.Struct(">I4s")
_PNG_CRC_BYTES = 4
_MAX_PNG_CHUNK_BYTES = (1 << 31) - 1

_JPEG_MARKER = re.compile(rb"\xff++[^\x00\xd0-\xd7]")
_JPEG_SCAN_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""Any marker but those within entropy-coded data: stuffed zeros and restarts."""
_JPEG_FILL = re.compile(rb"\xff*\Z")
_JPEG_PADDING = re.compile(rb"[\0\r\n]*+")
_JPEG_START = b"\xff\xd8"
_JPEG_END = 0xD9
_JPEG_START_OF_SCAN = 0xDA
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NEWLINE = 0x0A
_MPF_MARK = b"MPF\x00"
_MPF_NUMBER_OF_IMAGES = 0xB001
_MAX_MPF_TAGS = 64
_MAX_MPF_IMAGES = 64
_XMP_ITEM = b"Item:Mime"
_MAX_METADATA_BYTES = 1 << 20
_MAX_BEGINNING_BYTES = 1 << 26

_RIFF_CHUNK = struct.Struct("<4sI")

_BMP_FILE_HEADER = struct.Struct("<2sIHHI")
_BMP_CORE_HEADER = struct.Struct("<IHHHH")
_BMP_INFO_HEADER = struct.Struct("<IiiHHII")
_BMP_UNCOMPRESSED = (0, 3, 6)
"""BI_RGB, BI_BITFIELDS and BI_ALPHABITFIELDS."""
_MAX_PROFILE_BYTES = 1 << 22


def end_of_png(data: bytes, start: int = 0) -> int:
    """Behind the IEND chunk."""
    position = start + _PNG_SIGNATURE_BYTES
    while True:
        if position + _PNG_CHUNK.size > len(data):
            raise Truncated
        length, kind = _PNG_CHUNK.unpack_from(data, position)
        if length > _MAX_PNG_CHUNK_BYTES or not kind.isalpha():
            raise Malformed(position - start, "a chunk of a PNG", f"{length:,} bytes of {kind!r}")
        position += _PNG_CHUNK.size + length + _PNG_CRC_BYTES
        if position > len(data):
            raise Truncated
        if kind == b"IEND":
            return position


def end_of_jpeg(data: bytes, start: int = 0) -> int:
    """Behind the End Of Image marker.

    One that is missing at the end of the last scan, as in what some webcams
    send, is accepted where another image starts; newlines in front of that
    one are no part of this.
    """
    if not data.startswith(_JPEG_START, start):
        if len(data) < start + len(_JPEG_START):
            raise Truncated
        raise Malformed(0, "the start of a JPEG", repr(data[start : start + 2]))
    position = start + len(_JPEG_START)
    while True:
        marker = _JPEG_MARKER.match(data, position)
        if marker is None or data[marker.end() - 1] == _JPEG_START[1]:
            if _JPEG_FILL.match(data, position):
                raise Truncated
            got = repr(data[position : position + 2])
            raise Malformed(position - start, "a marker of a JPEG", got)
        position = marker.end()
        code = data[position - 1]
        if code == _JPEG_END:
            return position
        if position + 2 > len(data):
            raise Truncated
        position += int.from_bytes(data[position : position + 2], "big")
        if code == _JPEG_START_OF_SCAN:
            behind = _JPEG_SCAN_END.search(data, position)
            if behind is None:
                raise Truncated
            position = behind.start()
            if data.startswith(_JPEG_START, position):
                while data[position - 1] == _NEWLINE:
                    position -= 1
                return position


def read_beginning(read: Callable[[int], bytes], size: int) -> bytes:
    """So many bytes of a file; more where these end within a JPEG or previews of it."""
    data = read(size)
    while len(data) < _MAX_BEGINNING_BYTES and _ends_within_jpeg(data):
        more = read(len(data))
        if not more:
            break
        data += more
    return data


def _ends_within_jpeg(data: bytes) -> bool:
    try:
        return end_of_jpeg(data) + _MAX_METADATA_BYTES > len(data)
    except Truncated:
        return True
    except Malformed:
        return False


def size_of_jpeg(data: bytes, start: int = 0) -> tuple[int, int] | None:
    """Width and height in pixels of the JPEG that starts there; None where it does not say."""
    position = start + len(_JPEG_START)
    while marker := _JPEG_MARKER.match(data, position):
        position = marker.end()
        if data[position - 1] in _JPEG_FRAME_MARKERS and position + 7 <= len(data):
            height, width = struct.unpack_from(">HH", data, position + 3)
            return width, height
        position += int.from_bytes(data[position : position + 2], "big") or len(data)
    return None


def end_of_padding(data: bytes, position: int) -> int:
    """Behind the zeros and line ends there, which may stand between JPEGs one behind another."""
    padding = _JPEG_PADDING.match(data, position)
    assert padding is not None
    return padding.end()


def images_behind_jpeg(data: bytes, start: int, end: int) -> int:
    """How many further images the JPEG there announces, that stand behind its end.

    Cameras and phones add previews, depth and gain maps, and list them in an index
    (CIPA DC-007, Multi-Picture Format) or in XMP (Google's dynamic depth).
    """
    announced = data.count(_XMP_ITEM, start, min(end, start + _MAX_METADATA_BYTES)) - 1
    index = data.find(_MPF_MARK, start, min(end, start + _MAX_METADATA_BYTES))
    if index >= 0:
        announced = max(announced, _mpf_images(data[index + len(_MPF_MARK) : end]) - 1)
    return max(announced, 0)


def _mpf_images(tiff: bytes) -> int:
    order = ">" if tiff.startswith(b"MM") else "<"
    try:
        (directory,) = struct.unpack_from(f"{order}4xI", tiff)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for entry in range(min(entries, _MAX_MPF_TAGS)):
            tag, number = struct.unpack_from(f"{order}H6xI", tiff, directory + 2 + 12 * entry)
            if tag == _MPF_NUMBER_OF_IMAGES:
                return int(min(number, _MAX_MPF_IMAGES))
    except struct.error:
        pass
    return 0


def end_of_webp(data: bytes, start: int = 0) -> int:
    """Behind the RIFF chunk and its padding to an even number of bytes."""
    if start + _RIFF_CHUNK.size > len(data):
        raise Truncated
    _, length = _RIFF_CHUNK.unpack_from(data, start)
    end = start + _RIFF_CHUNK.size + length + length % 2
    if end > len(data):
        raise Truncated
    return end


def end_of_bmp(data: bytes, start: int = 0) -> int:
    """Behind the pixels, or where the file's size field says, if that can be.

    The field is wrong in many files; others hold a color profile behind the pixels.
    """
    info = start + _BMP_FILE_HEADER.size
    if info + _BMP_CORE_HEADER.size > len(data):
        raise Truncated
    _, file_size, _, _, pixel_offset = _BMP_FILE_HEADER.unpack_from(data, start)
    header_size, width, height, _, depth = _BMP_CORE_HEADER.unpack_from(data, info)
    compression = image_size = 0
    if header_size != _BMP_CORE_HEADER.size:
        if info + _BMP_INFO_HEADER.size > len(data):
            raise Truncated
        _, width, height, _, depth, compression, image_size = _BMP_INFO_HEADER.unpack_from(
            data, info
        )
    if pixel_offset < _BMP_FILE_HEADER.size + header_size:
        raise Malformed(10, "pixels behind the headers of a BMP", f"pixels at byte {pixel_offset}")
    if width <= 0:
        raise Malformed(_BMP_FILE_HEADER.size, "a BMP with pixels", f"{width}x{height}")
    if compression in _BMP_UNCOMPRESSED:
        image_size = (width * depth + 31) // 32 * 4 * abs(height)
    pixel_end = pixel_offset + image_size
    end = start + (file_size if 0 <= file_size - pixel_end <= _MAX_PROFILE_BYTES else pixel_end)
    if end > len(data):
        raise Truncated
    return end
