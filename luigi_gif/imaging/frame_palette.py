"""At most 256 colors for a picture, and its pixels as indexes into them.

Where there are more, Pillow proposes colors and Lloyd's algorithm moves each
to the mean of the pixels that are nearest to it (S. P. Lloyd, "Least squares
quantization in PCM", IEEE Transactions on Information Theory 28, 1982). A few
colors are chosen by splitting (:mod:`luigi_gif.imaging.color_splitting`).
Dithering is only done if it is asked for: it costs time, bytes and PSNR.

Pure code. All arithmetic is on whole numbers that its types hold exactly, so
the result is the same on every machine.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from luigi_gif import gif
from luigi_gif.imaging import color_splitting, dithering

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Packed = NDArray[np.uint32]
"""Colors as one number each: red, green and blue from the lowest byte on."""
Counts = NDArray[np.intp]

_CHUNK_PIXELS = 1 << 18
_CHUNK_COLORS = 256
"""Few enough that their distances to a palette stay in the cache, and that OpenBLAS does not
start threads for them, beside those that work on other frames."""
PACKING = np.array((1, 1 << 8, 1 << 16), np.float32)
"""Times a color: that color as one number."""
_FULL = gif.MAX_COLORS - 1
"""A palette of as many colors as there can be beside a transparent one."""
_FAST_SAMPLE = 1 << 15
_FAST_STEPS = 1
_FEW_FOUND = 0.75
_BEST_PROPOSAL_SAMPLE = 1 << 16
_BEST_SAMPLE = 1 << 18
_BEST_STEPS = 3
_BEST_ROUNDS = 2
_MOVED_COLORS = 16


class DistinctColors(NamedTuple):
    """The distinct colors among some pixels."""

    values: Floats
    """One color a row: red, green, blue, 0 to 255."""
    counts: Counts
    """How many pixels have each."""


def quantize(
    picture: Image.Image,
    shown: Mask | None,
    max_colors: int,
    quality: str,
    *,
    dithered: bool = False,
) -> tuple[Bytes, Bytes]:
    """For each pixel of an RGB picture a color index, and at most ``max_colors`` colors, n x 3.

    Only the pixels that are ``shown`` count, height x width; None stands for
    all. Where they have no more than that, all are kept. Else
    "fast" ``quality`` looks at a sample, and finds the nearest colors with
    some error; "best", which small pictures always get, takes four times as long.
    ``dithered`` mixes two of them where one is not near enough.
    """
    sample = sample_pixels(picture, shown, _FAST_SAMPLE)
    colors = distinct_colors(sample)
    found = picture.getcolors(max_colors) if len(colors.values) <= max_colors else None
    if found is not None:
        few = np.array(sorted((color for _, color in found), reverse=True), np.uint8)
        return _exactly_indexed(picture, few), few
    best = quality == "best" or picture.width * picture.height <= _FAST_SAMPLE
    palette = _best(picture, shown, max_colors) if best else fast_of(sample, colors, max_colors)
    if best or dithered:
        return _indexed(picture, palette, dithered), palette.astype(np.uint8)
    return _roughly_indexed(picture, palette.astype(np.uint8)), palette.astype(np.uint8)


def least_significant_color(indexes: Bytes, color_table: bytes) -> tuple[int, int]:
    """The index whose pixels change least if they take another's color, and that other index."""
    palette = np.frombuffer(color_table, np.uint8).reshape(-1, 3).astype(np.float32)
    counts = np.bincount(indexes.ravel(), minlength=len(palette))
    distances = _distances(palette)
    index = int(np.argmin(counts * distances.min(axis=1)))
    return index, int(np.argmin(distances[index]))


def fast_of(sample: Packed, colors: DistinctColors, size: int) -> Floats:
    """``size`` colors for the pixels of a sample, of which ``colors`` are the distinct ones.

    An octree finds few where the picture's are all alike; a median cut takes longer.
    """
    if size < _FULL:
        palette = fast_of(sample, colors, gif.MAX_COLORS)
        nearest = nearest_indexes(colors.values, palette)
        counts = np.bincount(nearest, colors.counts, len(palette)).astype(np.intp)
        used = DistinctColors(palette[counts > 0], counts[counts > 0])
        return _refined(colors, few_of(used, size), _FAST_STEPS)
    palette = _octree(sample, size)
    if len(np.unique(palette @ PACKING)) < _FEW_FOUND * size:
        palette = _median_cut(sample, size)
    return _refined(colors, palette, _FAST_STEPS)


def _best(picture: Image.Image, shown: Mask | None, size: int) -> Floats:
    proposal_sample = sample_pixels(picture, shown, _BEST_PROPOSAL_SAMPLE)
    return best_of(proposal_sample, sample_pixels(picture, shown, _BEST_SAMPLE), size)


def best_of(proposal_sample: Packed, sample: Packed, size: int) -> Floats:
    """``size`` colors for the pixels of a sample; proposals come from a smaller one, or the same.

    An octree's colors fit the range of a picture, a median cut's its large areas: half of each.
    Which of them matter least, and where colors are missing, shows afterwards.
    """
    if size < _FULL:
        return few_of(distinct_colors(proposal_sample), size)
    half = size // 2
    palette = np.concatenate(
        (_median_cut(proposal_sample, half), _octree(proposal_sample, size - half))
    )
    colors = distinct_colors(sample)
    palette = _refined(colors, palette, _BEST_STEPS)
    for _ in range(_BEST_ROUNDS):
        palette = _refined(colors, _rearranged(colors, palette), _BEST_STEPS)
    return palette


def few_of(colors: DistinctColors, size: int) -> Floats:
    """At most ``size`` colors for pixels of these colors; the very colors if they are no more.

    Fewer than a full palette are better so than by an octree, a median cut, or both: by up to
    a dB. It takes longer the more there are.
    """
    if len(colors.values) <= size:
        return colors.values
    return _refined(colors, color_splitting.split_colors(*colors, size), _BEST_STEPS)


def _roughly_indexed(picture: Image.Image, colors: Bytes) -> Bytes:
    carrier = Image.new("P", (1, 1))
    carrier.putpalette(colors.tobytes())
    return np.asarray(picture.quantize(palette=carrier, dither=Image.Dither.NONE))


def _exactly_indexed(picture: Image.Image, colors: Bytes) -> Bytes:
    """For each pixel the index of its color, which is one of these."""
    # Few of its pages are used. For one of its own NumPy asks for huge pages, and to make room for
    # them takes the system up to 50 ms.
    pages = mmap.mmap(-1, 1 << 24, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    table = np.frombuffer(pages, np.uint8)
    table[(colors @ PACKING).astype(np.uint32)] = np.arange(len(colors))
    indexes = np.empty((picture.height, picture.width), np.uint8)
    for rows, packed in row_chunks(picture):
        indexes[rows] = table[packed]
    return indexes


def _indexed(picture: Image.Image, palette: Floats, dithered: bool = False) -> Bytes:
    """For each pixel the index of the nearest color in the palette, or of one of two."""
    table: NDArray[Any] = np.empty(1 << 24, np.uint32 if dithered else np.uint8)
    indexes = np.empty((picture.height, picture.width), np.uint8)
    for rows, packed in row_chunks(picture):
        colors = each_once(packed)
        values = unpack_colors(colors)
        nearest = nearest_indexes(values, palette)
        table[colors] = dithering.mixes(values, nearest, palette) if dithered else nearest
        found = table[packed]
        indexes[rows] = dithering.pick(found, rows.start) if dithered else found
    return indexes


def sample_pixels(picture: Image.Image, shown: Mask | None, pixels: int) -> Packed:
    """The colors of about ``pixels`` of the pixels that are shown, at regular distances."""
    count = picture.width * picture.height if shown is None else np.count_nonzero(shown)
    step = max(1, round((count / pixels) ** 0.5))
    if step > 1:
        size = -(-picture.width // step), -(-picture.height // step)
        picture = picture.resize(size, Image.Resampling.NEAREST)
        if shown is not None:
            shown = np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.NEAREST))
    if shown is None or not shown.any():
        return np.concatenate([packed.ravel() for _, packed in row_chunks(picture)])
    return np.concatenate([packed[shown[rows]] for rows, packed in row_chunks(picture)])


def row_chunks(picture: Image.Image) -> Iterator[tuple[slice, Packed]]:
    """Some rows of an RGB picture at a time, and the colors of their pixels, height x width."""
    height = max(1, _CHUNK_PIXELS // picture.width)
    for top in range(0, picture.height, height):
        bottom = min(top + height, picture.height)
        strip = picture.crop((0, top, picture.width, bottom)).convert("RGBA")
        yield slice(top, bottom), np.asarray(strip).view("<u4")[..., 0] & np.uint32(0xFFFFFF)


def each_once(packed: Packed) -> Packed:
    """The distinct ones of some colors, in ascending order, at least one.

    As numpy.unique, whose hashing takes fifty times as long for a photograph.
    """
    ordered = np.sort(packed, axis=None)
    is_new = np.ones(ordered.size, np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    return ordered[is_new]


def unpack_colors(packed: Packed) -> Floats:
    """Red, green and blue, 0 to 255, n x 3."""
    channels = packed.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3]
    return channels.astype(np.float32)


def distinct_colors(sample: Packed) -> DistinctColors:
    """The colors of a sample, each once."""
    packed, counts = np.unique(sample, return_counts=True)
    return DistinctColors(unpack_colors(packed), counts)


def _octree(sample: Packed, size: int) -> Floats:
    return _proposal(sample, size, Image.Quantize.FASTOCTREE)


def _median_cut(sample: Packed, size: int) -> Floats:
    return _proposal(sample, size, Image.Quantize.MEDIANCUT)


def _proposal(sample: Packed, size: int, method: Image.Quantize) -> Floats:
    """``size`` colors that Pillow finds; the first again and again where it finds fewer."""
    channels = sample.astype("<u4").view(np.uint8).reshape(1, -1, 4)
    picture = Image.fromarray(channels, "RGBX").convert("RGB")
    quantized = picture.quantize(size, method=method, dither=Image.Dither.NONE)
    found = np.array(quantized.getpalette(), np.float32)[: 3 * size].reshape(-1, 3)
    return np.concatenate((found, np.repeat(found[:1], size - len(found), axis=0)))


def _refined(colors: DistinctColors, palette: Floats, steps: int) -> Floats:
    """The palette after some steps of Lloyd's algorithm, in whole numbers."""
    weighted = colors.values * colors.counts[:, np.newaxis]
    for _ in range(steps):
        nearest = nearest_indexes(colors.values, palette)
        counts = np.bincount(nearest, colors.counts, len(palette))
        sums = [np.bincount(nearest, weighted[:, i], len(palette)) for i in range(3)]
        used = counts > 0
        palette = palette.copy()
        palette[used] = np.rint(np.stack(sums, axis=1)[used] / counts[used, np.newaxis])
    return palette


def _rearranged(colors: DistinctColors, palette: Floats) -> Floats:
    """The palette with the colors that matter least moved to where the error is largest."""
    nearest = nearest_indexes(colors.values, palette)
    errors = colors.counts * ((colors.values - palette[nearest]) ** 2).sum(axis=1)
    uses = np.bincount(nearest, colors.counts, len(palette))
    loss = uses * _distances(palette).min(axis=1)
    unimportant = np.argsort(loss, kind="stable")[:_MOVED_COLORS]
    worst = np.argsort(-np.bincount(nearest, errors, len(palette)), kind="stable")
    worst = worst[~np.isin(worst, unimportant)]
    palette = palette.copy()
    for color, neighbor in zip(unimportant, worst, strict=False):
        its_own = np.flatnonzero(nearest == neighbor)
        if len(its_own):
            palette[color] = colors.values[its_own[np.argmax(errors[its_own])]]
    return palette


def _distances(palette: Floats) -> Floats:
    """Between every two colors of the palette, squared; from none to itself."""
    distances: Floats = ((palette[:, np.newaxis] - palette) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return distances


def nearest_indexes(colors: Floats, palette: Floats) -> Bytes:
    """For each of the colors the index of the nearest in the palette, the first of equals.

    |c - p|^2 is smallest where 2cp - |p|^2 is largest: whole numbers below 2^24,
    which float32 holds exactly. That is the product of (c, 1) and (2p, -|p|^2).
    """
    extended = np.ones((len(colors), 4), np.float32)
    extended[:, :3] = colors
    weights = np.empty((4, len(palette)), np.float32)
    weights[:3] = 2 * palette.T
    weights[3] = -(palette**2).sum(axis=1)
    scores = np.empty((_CHUNK_COLORS, len(palette)), np.float32)
    nearest = np.empty(len(colors), np.uint8)
    for start in range(0, len(colors), _CHUNK_COLORS):
        chunk = extended[start : start + _CHUNK_COLORS]
        score = scores[: len(chunk)]
        np.matmul(chunk, weights, out=score)
        nearest[start : start + _CHUNK_COLORS] = score.argmax(axis=1)
    return nearest
