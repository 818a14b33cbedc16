"""The pages of a TIFF, each as a TIFF of its own with the same pixel data.

Adobe, TIFF 6.0, section 2; BigTIFF (https://bigtiff.org). Pure code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode, decode_tiff, tiff_directories
from luigi_gif.imaging.single_frame import SingleFrame, encode_png
from luigi_gif.imaging.tiff_directories import Entry, Layout

_SUBFILE_TYPE, _OLD_SUBFILE_TYPE = 254, 255
_REDUCED_OR_MASK = 0b101
_OLD_REDUCED = 2
_KEPT = decode_tiff.PIXEL_TAGS | {274, decode_tiff.PROFILE_TAG}
"""With the orientation."""
_TABLES_ELSEWHERE = {519, 520, 521}
"""Of an old kind of JPEG in a TIFF: what they hold are offsets of tables."""
_LONG, _LONG8 = 4, 16
_SAMPLES = 277
_MAX_SAMPLE_BYTES = 8
_SPARE_BYTES = 1 << 20
"""For tables, and the ends of strips."""

Tags = dict[int, Entry]


def tiff_pages(data: bytes, max_pixels: int) -> Iterator[SingleFrame] | None:
    """Each page in full resolution; None where that is one, and the file's first image.

    Previews, overviews and masks are no pages.
    """
    layout = tiff_directories.read_layout(data)
    if layout is None:
        return None
    pages = _pages(data, layout)
    offset, several = layout.first, False
    try:
        offset, _ = next(pages, (layout.first, {}))
        several = next(pages, None) is not None
    except Undecodable:
        pass  # there is no directory: the file is judged as it stands
    if not several and offset == layout.first:
        return None
    first, _ = tiff_directories.read_directory(data, layout, layout.first)
    decode_tiff.check_is_developed(data, layout, first)
    return (
        SingleFrame(_single(data, layout, offset, tags, max_pixels), None)
        for offset, tags in _pages(data, layout)
    )


def _pages(data: bytes, layout: Layout) -> Iterator[tuple[int, Tags]]:
    """Where the directory of each page is, and its tags."""
    offset, seen = layout.first, {0}
    while offset not in seen:
        seen.add(offset)
        tags, following = tiff_directories.read_directory(data, layout, offset)
        if not tags:
            expected = f"a directory of a TIFF at byte {offset:,}"
            raise Undecodable(expected, f"{len(data):,} bytes without one")
        kind, old_kind = (
            _numbers(tags, number, layout) for number in (_SUBFILE_TYPE, _OLD_SUBFILE_TYPE)
        )
        if not (kind and kind[0] & _REDUCED_OR_MASK) and old_kind != (_OLD_REDUCED,):
            yield offset, tags
        offset = following
    if offset:
        raise Undecodable("a last page of a TIFF", f"one that leads back to byte {offset:,}")


def _single(data: bytes, layout: Layout, offset: int, tags: Tags, max_pixels: int) -> bytes:
    """An image file of the page whose directory is there."""
    decode.check_size(decode_tiff.size_of(tags, layout), max_pixels)
    kept = {number: entry for number, entry in tags.items() if number in _KEPT}
    places = [pair for pair in decode_tiff.DATA_TAGS.items() if pair[0] in tags]
    if kept.keys() & _TABLES_ELSEWHERE or any(lengths not in tags for _, lengths in places):
        return _decoded(data, layout, offset, max_pixels)
    pixels: list[bytes] = []
    position = _header_bytes(layout)
    stop = position + _most_bytes(tags, layout)
    for number, lengths in places:
        starts = []
        for start, length in zip(
            _numbers(tags, number, layout), _numbers(tags, lengths, layout), strict=False
        ):
            if start + length > len(data):
                raise Undecodable(f"pixels up to byte {start + length:,}", f"{len(data):,} bytes")
            pixels.append(data[start : start + length] + bytes(length % 2))
            starts.append(position)
            position += len(pixels[-1])
            if position > stop:
                raise Undecodable(f"a page of at most {stop:,} bytes", "more, in its strips")
        kept[number] = _offsets(starts, layout)
    directory = tiff_directories.encode_directory(kept, layout, position)
    return b"".join((_header(data, layout, position), *pixels, directory))


def _most_bytes(tags: Tags, layout: Layout) -> int:
    """As its pixels may take: strips that lie one over another may seem to be many times more."""
    width, height = decode_tiff.size_of(tags, layout)
    samples = max((1, *_numbers(tags, _SAMPLES, layout)))
    return _MAX_SAMPLE_BYTES * samples * width * height + _SPARE_BYTES


def _decoded(data: bytes, layout: Layout, offset: int, max_pixels: int) -> bytes:
    """A page as a PNG, where its pixels are found by more than the usual tags."""
    header = _header(data, layout, offset)
    return encode_png(decode.decode_image(header + data[len(header) :], max_pixels).picture, None)


def _header(data: bytes, layout: Layout, first: int) -> bytes:
    """That of the file with its first directory at another offset."""
    size = _header_bytes(layout)
    return data[: size // 2] + struct.pack(layout.order + ("Q" if layout.big else "L"), first)


def _header_bytes(layout: Layout) -> int:
    return 16 if layout.big else 8


def _offsets(values: list[int], layout: Layout) -> Entry:
    packed = struct.pack(f"{layout.order}{len(values)}{'Q' if layout.big else 'L'}", *values)
    return Entry(_LONG8 if layout.big else _LONG, len(values), packed)


def _numbers(tags: Tags, number: int, layout: Layout) -> tuple[int, ...]:
    entry = tags.get(number)
    return tiff_directories.read_values(entry, layout) if entry else ()
