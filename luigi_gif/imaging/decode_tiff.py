"""A TIFF as Pillow reads it right.

Pillow is given the first image with the tags that its pixels need, and no
others. Where it would give wrong pixels without a word (16 bits a channel in
planes of their own; 12 or 16 bits of gray where 0 is white), it reads each
plane as gray, and what the values mean is made of them here. So it is with
values whose range is not known: see decode_tiff_values.py.

Adobe, TIFF 6.0. Pure code.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from luigi_gif import bundles
from luigi_gif.errors import Undecodable
from luigi_gif.imaging import decode_tiff_values, tiff_directories
from luigi_gif.imaging.bit_depth import to_eight_bit
from luigi_gif.imaging.decode_tiff_values import ValueLayout
from luigi_gif.imaging.opened_image import OpenedImage, Values, load
from luigi_gif.imaging.tiff_directories import Entry, Layout

_WIDTH, _TILE_WIDTH, _BITS, _PHOTOMETRIC, _SAMPLES = 256, 322, 258, 262, 277
_PLANAR, _PREDICTOR, _EXTRA, _SAMPLE_FORMAT = 284, 317, 338, 339
_OFFSETS = (273, 279, 324, 325)
"""Of strips and of tiles, and their sizes."""
PROFILE_TAG = 34675
PIXEL_TAGS = {
    _WIDTH, 257, _BITS, 259, _PHOTOMETRIC, 266, *_OFFSETS, _SAMPLES, 278, _PLANAR, 292, 293,
    _PREDICTOR, 320, _TILE_WIDTH, 323, 332, 333, 334, 336, _EXTRA, _SAMPLE_FORMAT, 347, 512, 513,
    514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532,
}  # fmt: skip
DATA_TAGS = {273: 279, 324: 325, 513: 514}
"""Tags of where strips, tiles or a JPEG begin, and of their lengths."""
_SHORT, _LONG, _LONG8 = 3, 4, (16, 18)
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_IN_PLANES = 2
_ASSOCIATED, _UNASSOCIATED = 1, 2
_MODES = {_WHITE_IS_ZERO: "L", _BLACK_IS_ZERO: "L", _RGB: "RGB", _CMYK: "CMYK"}
_WIDE = (12, 16)
_SUB_DIRECTORIES, _DNG_VERSION = 330, 50706
_RAW_PHOTOMETRICS = {(32803,), (34892,)}
"""Of the mosaic of a sensor, and of values in proportion to light."""

Tags = dict[int, Entry]
Read = Callable[..., tuple[int, ...]]
"""Gives the values of a tag; a second argument is what counts where it is missing."""


def open_tiff(data: bytes) -> OpenedImage:
    """The first image of a TIFF. Raises whatever Pillow does."""
    layout = tiff_directories.read_layout(data)
    if layout is None:
        raise ValueError("a header that is cut off")
    tags, _ = tiff_directories.read_directory(data, layout, layout.first)
    read = functools.partial(_values, tags, layout)
    check_is_developed(data, layout, tags)
    _check_reach(read, len(data))
    needed = {number: entry for number, entry in tags.items() if number in PIXEL_TAGS}
    profile = tags.get(PROFILE_TAG)
    return OpenedImage(
        size_of(tags, layout),
        _pixel_loader(data, layout, needed, read),
        tiff_directories.count_directories(data, layout),
        tiff_directories.tagged_orientation(tags, layout),
        profile and profile.data,
    )


def _pixel_loader(
    data: bytes, layout: Layout, needed: Tags, read: Read
) -> Callable[[], Image.Image | Values]:
    """What decodes the image of these tags."""
    bits, (photometric,) = read(_BITS, 1), read(_PHOTOMETRIC, 0)[:1]
    samples, planar = read(_SAMPLES, 1)[0], read(_PLANAR, 1)[0]
    extra = read(_EXTRA)
    if value_layout := decode_tiff_values.value_layout(read, layout.order):
        return functools.partial(_load_values, data, layout, needed, value_layout)
    if planar == _IN_PLANES and samples > 1 and bits[0] == 16 and photometric in _MODES:
        planes = [
            _image(data, layout, _plane(needed, layout, index, samples, bits=16))
            for index in range(samples)
        ]
    elif bits[0] in _WIDE and samples == 1 and photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO):
        planes = [_image(data, layout, needed | _shorts(layout, {_PHOTOMETRIC: _BLACK_IS_ZERO}))]
    elif bits == (8, 8) and extra == (_ASSOCIATED,) and photometric in _MODES:
        change = {_EXTRA: _UNASSOCIATED, _PHOTOMETRIC: _BLACK_IS_ZERO}
        premultiplied = _image(data, layout, needed | _shorts(layout, change))
        return functools.partial(_divided, premultiplied, photometric == _WHITE_IS_ZERO)
    else:
        return functools.partial(load, _image(data, layout, needed))
    return functools.partial(_merged, planes, bits[0], photometric, extra)


def check_is_developed(data: bytes, layout: Layout, tags: Tags) -> None:
    """Raise Undecodable for a raw image of a camera: it would be shown as its preview is."""
    further = (
        tiff_directories.read_directory(data, layout, offset)[0]
        for offset in _values(tags, layout, _SUB_DIRECTORIES)
    )
    photometrics = [_values(each, layout, _PHOTOMETRIC) for each in (tags, *further)]
    if _DNG_VERSION in tags or not _RAW_PHOTOMETRICS.isdisjoint(photometrics):
        raise Undecodable("an image that can be decoded", bundles.RAW_IMAGE)


def _check_reach(read: Read, size: int) -> None:
    """Raise ValueError where pixels are cut off: what stands behind would be shown for them."""
    for offsets, lengths in DATA_TAGS.items():
        ends = [sum(each) for each in zip(read(offsets), read(lengths), strict=False)]
        if max(ends, default=0) > size:
            raise ValueError(f"pixels that go on to byte {max(ends):,} of {size:,}")


def _values(tags: Tags, layout: Layout, number: int, default: int | None = None) -> tuple[int, ...]:
    entry = tags.get(number)
    found = tiff_directories.read_values(entry, layout) if entry else ()
    return found or (() if default is None else (default,))


def size_of(tags: Tags, layout: Layout) -> tuple[int, int]:
    """Width and height in pixels that the tags of a directory tell; 0 where they do not."""
    width, height = (int(_values(tags, layout, number, 0)[0]) for number in (256, 257))
    return width, height


def _image(data: bytes, layout: Layout, tags: Tags) -> TiffImageFile:
    """The image that these tags describe, as the only one of the file.

    A BigTIFF becomes a TIFF: Pillow knows not all of them, and its offsets fit.
    """
    if layout.big:
        tags = {number: _in_four_bytes(entry, layout) for number, entry in tags.items()}
        layout = layout._replace(big=False)
    offset = len(data) + len(data) % 2
    head = data[:2] + struct.pack(f"{layout.order}HL", 42, offset)
    parts = (head, data[len(head) :], bytes(offset - len(data)))
    return TiffImageFile(
        io.BytesIO(b"".join((*parts, tiff_directories.encode_directory(tags, layout, offset))))
    )


def _in_four_bytes(entry: Entry, layout: Layout) -> Entry:
    if entry.type not in _LONG8:
        return entry
    numbers = tiff_directories.read_values(entry, layout)
    return Entry(_LONG, entry.number, struct.pack(f"{layout.order}{len(numbers)}L", *numbers))


def _shorts(layout: Layout, values: dict[int, int]) -> Tags:
    pack = struct.Struct(f"{layout.order}H").pack
    return {number: Entry(_SHORT, 1, pack(value)) for number, value in values.items()}


def _load_values(data: bytes, layout: Layout, tags: Tags, value_layout: ValueLayout) -> Values:
    """Its values, made of the bytes of each plane, which stand for gray pixels."""
    as_bytes = {number: entry for number, entry in tags.items() if number != _PREDICTOR}
    as_bytes[_WIDTH] = _long(layout, value_layout.row_bytes)
    if _TILE_WIDTH in tags:
        as_bytes[_TILE_WIDTH] = _long(layout, value_layout.tile_bytes)
    count = value_layout.planes
    planes = [
        load(_image(data, layout, _plane(as_bytes, layout, index, count, bits=8)))
        for index in range(min(count, value_layout.shown))
    ]
    return decode_tiff_values.join_values(planes, value_layout)


def _long(layout: Layout, value: int) -> Entry:
    return Entry(_LONG, 1, struct.pack(f"{layout.order}L", value))


def _plane(tags: Tags, layout: Layout, index: int, planes: int, *, bits: int) -> Tags:
    """The tags of a gray image that is one plane of another."""
    left_out = (_EXTRA, _SAMPLE_FORMAT)
    plane = {number: entry for number, entry in tags.items() if number not in left_out}
    for number in _OFFSETS:
        if entry := tags.get(number):
            count = entry.number // planes
            size = len(entry.data) // entry.number * count
            plane[number] = Entry(entry.type, count, entry.data[index * size :][:size])
    return plane | _shorts(
        layout, {_BITS: bits, _PHOTOMETRIC: _BLACK_IS_ZERO, _SAMPLES: 1, _PLANAR: 1}
    )


def _merged(
    planes: list[TiffImageFile], bits: int, photometric: int, extra: tuple[int, ...]
) -> Image.Image:
    """One picture of 8 bits a channel, of planes of more."""
    mode = _MODES[photometric]
    channels = [to_eight_bit(np.asarray(plane), (1 << bits) - 1) for plane in planes]
    colors = channels[: len(mode)]
    if photometric == _WHITE_IS_ZERO:
        colors = [Image.eval(channel, lambda level: 255 - level) for channel in colors]
    picture = colors[0] if mode == "L" else Image.merge(mode, colors)
    if len(channels) == len(mode) or not extra or extra[0] not in (_ASSOCIATED, _UNASSOCIATED):
        return picture
    if mode == "CMYK":
        picture = picture.convert("RGB")
    picture.putalpha(channels[len(mode)])
    return _divided(picture, inverted=False) if extra[0] == _ASSOCIATED else picture


def _divided(picture: Image.Image, inverted: bool) -> Image.Image:
    """The colors of a picture, LA or RGBA, that were multiplied with its alpha."""
    rgba = picture.convert("RGBA")
    straight = Image.frombytes("RGBa", rgba.size, rgba.tobytes()).convert("RGBA")
    if inverted:
        alpha = straight.getchannel("A")
        straight = Image.eval(straight, lambda level: 255 - level)
        straight.putalpha(alpha)
    return straight
