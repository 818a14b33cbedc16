"""Damaged bundles: each gives a right clip or one clear error, in 10 s and 500 MB.

usage: python tests/campaigns/fuzz.py [--cases 10000] [--seed 1] [--only N] [--keep FOLDER]

A case is a few small images as Pillow writes them, damaged or not, and parameters, all drawn from
the seed and the number of the case. A clip is right if a walker that knows nothing of luigi_gif
finds a whole GIF of as many images as are shown, and Pillow shows each in it as in its frame file;
a GIF's pixels are not decoded, so those that are damaged themselves may show anything.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import faulthandler
import io
import json
import logging
import multiprocessing
import random
import re
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import luigi
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from luigi_gif.errors import PipelineError
from luigi_gif.frames.manifest import ChunkResult
from luigi_gif.tasks import CombineGif

Pixels = NDArray[np.uint8]
"""Height x width x RGBA."""
DELIMITER = b"\n" * 4
MAX_SECONDS = 10
"""Of the processor, however many others want it."""
SKIPPED = ChunkResult._fields.index("skipped")
PATIENCE_S = 600
"""After which a case that does nothing is ended."""
MAX_MIB = 500
MAX_PIXELS_COMPARED = 1 << 23
"""Of a canvas; Pillow composes no larger one."""
BATCH = 250
RUNNING = "running"
"""The file that names the case that runs."""
MACOS = sys.platform == "darwin"
FLOODS = (
    b"\0", b"\1", b"\n", b"\xff", b"\1\7", b"!\xfe\0", b"!\xfe", b"\xff\xd8\xff\xd9",
    b"GIF89a\1\0\1\0\0\0\0x" + DELIMITER, b"BM" + DELIMITER, b"II*\0" + DELIMITER,
)  # fmt: skip
FORMATS = (
    "GIF", "GIF", "GIF", "PNG", "JPEG", "WEBP", "BMP", "TIFF",
    "AVIF", "JPEG2000", "PPM", "TGA", "ICO",
)  # fmt: skip
FIELDS = {
    "GIF": ((6, 2), (8, 2), (10, 1), (11, 1)),
    "PNG": ((8, 4), (16, 4), (20, 4), (24, 1), (25, 1), (28, 1), (33, 4)),
    "WEBP": ((4, 4), (16, 4), (20, 4), (21, 4), (24, 3), (26, 2), (27, 3), (28, 2)),
    "BMP": ((2, 4), (10, 4), (14, 4), (18, 4), (22, 4), (28, 2), (30, 4), (34, 4), (46, 4)),
    "TIFF": ((4, 4),),
    "TGA": ((0, 1), (1, 1), (2, 1), (3, 2), (5, 2), (7, 1), (12, 2), (14, 2), (16, 1), (17, 1)),
    "ICO": ((4, 2), (6, 1), (7, 1), (12, 2), (14, 4), (18, 4), (22, 4), (26, 4), (30, 4)),
    "JPEG2000": ((0, 4), (12, 4), (32, 4), (48, 4), (52, 4), (56, 2), (85, 4), (96, 4), (100, 4)),
    "AVIF": ((0, 4), (32, 4), (44, 4), (80, 4), (150, 4), (200, 2), (230, 4), (260, 4)),
}
"""Offset and length of what a header says."""


class Outcome(NamedTuple):
    number: int
    kind: str
    """What came of the case, the same for the same kind of error."""
    failure: str
    """What is not as promised; empty where all is."""
    seconds: float
    peak_mib: int


class Hang(BaseException):
    """A case takes longer than it may; no decoder's error handling stops this."""


class Block(NamedTuple):
    """An image of a GIF."""

    offset: int
    box: tuple[int, int, int, int]
    """Left, top, right, bottom."""
    colors: int
    """In the table in force."""
    delay_cs: int | None
    transparent: int | None
    data: int
    """Offset of the LZW minimum code size."""
    lzw: bytes


def draw(seed: int, number: int) -> tuple[bytes, dict[str, Any]]:
    """The bundle and the parameters of a case."""
    r = random.Random(f"{seed}/{number}")
    one_size = (r.randint(1, 40), r.randint(1, 40)) if r.random() < 0.5 else None
    one_format = r.choice(FORMATS) if r.random() < 0.3 else None
    images = []
    for _ in range(r.randint(2, 6)):
        format_ = one_format or r.choice(FORMATS)
        data = encoded(r, format_, one_size or (r.randint(1, 40), r.randint(1, 40)))
        for _ in range(r.choice((0, 0, 1, 1, 2))):
            data = damaged(r, data) if r.random() < 0.5 else header_changed(r, format_, data)
        images.append(data)
    bundle = DELIMITER.join(images)
    return damaged(r, bundle) if r.random() < 0.2 else bundle, {
        "on_bad_frame": r.choice(("fail", "skip", "skip")),
        "optimize": r.choice(("none", "lossless")),
        "size": r.choice((None, None, None, "16x", "20x20")),
        "quality": r.choice(("fast", "best")),
        "frame_duration_ms": r.choice((None, 20, 33, 655_350)),
        "max_megapixels": 1,
        "range": r.choice((None, (0, 255))),
    }


def picture(r: random.Random, size: tuple[int, int]) -> Image.Image:
    mode = r.choice(("RGB", "RGB", "RGBA"))
    palette = [r.randbytes(len(mode)) for _ in range(r.choice((1, 2, 4, 200, 256, 5000)))]
    pixels = b"".join(r.choices(palette, k=size[0] * size[1]))
    image = Image.frombytes(mode, size, pixels)
    if r.random() < 0.3:
        image = image.resize((5, 5)).resize(size)
    return image


def encoded(r: random.Random, format_: str, size: tuple[int, int]) -> bytes:
    """An image of that format, in one of the ways Pillow writes it."""
    images = [picture(r, size) for _ in range(r.choice((1, 1, 1, 3)))]
    options: dict[str, Any] = {}
    if len(images) > 1 and format_ in ("GIF", "PNG", "WEBP", "TIFF"):
        options = {"save_all": True, "append_images": images[1:]}
    match format_:
        case "GIF":
            images[0] = images[0].quantize(r.choice((2, 16, 128, 256)))
            options |= {"interlace": r.random() < 0.5, "optimize": False}
            options |= {"include_color_table": r.random() < 0.5, "duration": r.choice((0, 10, 70))}
            options |= {"comment": b"c" * r.choice((1, 300))} if r.random() < 0.3 else {}
            options |= {"transparency": r.randrange(256)} if r.random() < 0.3 else {}
            options |= {"disposal": r.randrange(4)} if r.random() < 0.3 else {}
        case "PNG":
            mode = r.choice(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"))
            images[0] = images[0].convert("L").convert(mode)
        case "JPEG":
            images[0] = images[0].convert(r.choice(("L", "RGB", "CMYK")))
            options |= {"progressive": r.random() < 0.5}
        case "WEBP":
            options |= {"lossless": r.random() < 0.5}
        case "BMP":
            images[0] = images[0].convert(r.choice(("1", "L", "P", "RGB", "RGBA")))
        case "TGA":
            images[0] = images[0].convert(r.choice(("L", "LA", "P", "RGB", "RGBA")))
            options |= {"compression": r.choice((None, "tga_rle"))}
        case "PPM":
            images[0] = images[0].convert(r.choice(("1", "L", "RGB")))
        case "ICO":
            options |= {"sizes": [size], "bitmap_format": r.choice(("png", "bmp"))}
        case "AVIF":
            options |= {"speed": 10, "quality": r.choice((30, 90))}
        case "JPEG2000":
            options |= {"no_jp2": r.random() < 0.5}
        case "TIFF":
            images[0] = images[0].convert(r.choice(("1", "L", "RGB", "RGBA", "F", "I")))
            options |= {"compression": r.choice((None, "tiff_lzw", "tiff_deflate", "packbits"))}
    file = io.BytesIO()
    images[0].save(file, format_, **options)
    return file.getvalue()


def damaged(r: random.Random, data: bytes) -> bytes:
    """Bits flipped, cut off, a slice gone, moved, twice or another byte's flood."""
    if not data:
        return data
    begin, length = r.randrange(len(data)), r.choice((1, 2, 4, 40, 400))
    piece = data[begin : begin + length]
    match r.randrange(6):
        case 0:
            changed = bytearray(data)
            for _ in range(r.choice((1, 1, 3, 30))):
                changed[r.randrange(len(data))] ^= 1 << r.randrange(8)
            return bytes(changed)
        case 1:
            return data[:begin]
        case 2:
            return data[:begin] + data[begin + length :]
        case 3:
            return data[:begin] + piece * r.choice((2, 2, 2, 1000)) + data[begin + length :]
        case 4:
            other = r.randrange(len(data))
            return data[:other] + piece + data[other + (length if r.random() < 0.5 else 0) :]
    flood = r.choice(FLOODS)
    max_repeats = 1000 if DELIMITER in flood else 100_000
    return data[:begin] + flood * r.choice((10, 1000, max_repeats)) + data[begin:]


def header_changed(r: random.Random, format_: str, data: bytes) -> bytes:
    """One of the header's fields at an extreme."""
    fields = list(FIELDS.get(format_, ()))
    if format_ == "GIF":
        with contextlib.suppress(AssertionError, IndexError, struct.error):
            for block in walk(data)[1]:
                fields += [(block.offset + 1 + 2 * n, 2) for n in range(4)] * 2
                fields += [(block.offset + 9, 1), (block.data, 1), (block.data, 2)]
    elif format_ == "TIFF" and len(data) > 8:
        entry = struct.unpack_from("<I", data, 4)[0] + 2 + 12 * r.randrange(12)
        fields += [(entry, 2), (entry + 2, 2), (entry + 4, 4), (entry + 8, 4), (entry + 8, 2)]
    elif format_ == "JPEG" and (start := re.search(rb"\xff[\xc0\xc2]", data)):
        fields = [(start.end() + n, length) for n, length in ((0, 2), (3, 2), (5, 2), (7, 1))]
    if not fields:
        return data
    offset, length = r.choice(fields)
    top = 1 << 8 * length
    value = r.choice((0, 1, 2, 9, 300 % top, 3000 % top, top // 2 - 1, top // 2, top - 2, top - 1))
    order: Any = "big" if format_ in ("PNG", "JPEG", "JPEG2000", "AVIF") else "little"
    data = data[:offset] + value.to_bytes(length, order) + data[offset + length :]
    if format_ == "PNG" and 16 <= offset < 29:
        data = data[:29] + zlib.crc32(data[12:29]).to_bytes(4, "big") + data[33:]
    return data


def walk(data: bytes, *, strict: bool = False) -> tuple[tuple[int, int], list[Block]]:
    """Logical screen and images of a GIF. Raises AssertionError where it is none.

    ``strict`` is for a clip: every image lies inside the screen, and nothing
    is missing at the end or stands behind it.
    """
    signature, width, height, flags = struct.unpack_from("<6sHHB", data)
    assert signature in (b"GIF87a", b"GIF89a"), signature
    global_colors = 2 << (flags & 7) if flags & 0x80 else 0
    position = 13 + 3 * global_colors
    blocks: list[Block] = []
    delay_cs, transparent = None, None
    while position < len(data) and data[position] in b"!,":
        begin = position
        if data[begin] == 0x21:
            position, content = _sub_blocks(data, begin + 2)
            if data[begin + 1] == 0xF9 and (strict or len(content) == 4):
                packed, delay_cs, index = struct.unpack("<BHB", content)
                transparent = index if packed & 1 else None
            continue
        left, top, w, h, flags = struct.unpack_from("<HHHHB", data, begin + 1)
        colors = 2 << (flags & 7) if flags & 0x80 else 0
        start = begin + 10 + 3 * colors
        position, lzw = _sub_blocks(data, start + 1)
        box = (left, top, left + w, top + h)
        colors = colors or global_colors
        blocks.append(Block(begin, box, colors, delay_cs, transparent, start, lzw))
        delay_cs, transparent = None, None
    if strict:
        assert data[position:] == b";", f"{data[position : position + 20]!r} at {position}"
        for block in blocks:
            assert block.box[0] < block.box[2] <= width, (block.box, width)
            assert block.box[1] < block.box[3] <= height, (block.box, height)
            assert (block.transparent or 0) < block.colors, (block.transparent, block.colors)
            assert (block.delay_cs or 0) >= 2, block.delay_cs
            assert 2 <= data[block.data] <= 8, data[block.data]
    return (width, height), blocks


def _sub_blocks(data: bytes, position: int) -> tuple[int, bytes]:
    pieces = []
    while length := data[position]:
        pieces.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return position + 1, b"".join(pieces)


def lzw_pixels(code_size: int, data: bytes) -> int:
    """How many pixels LZW codes stand for; -1 where one of them stands for none."""
    clear, bits = 1 << code_size, code_size + 1
    if len(data) > 1 << 16:
        return -1  # too long to look at: such are damaged on purpose
    lengths, last, pixels = [1] * (clear + 2), 0, 0
    position, max_bits = 0, 8 * len(data)
    while position + bits <= max_bits:
        chunk = int.from_bytes(data[position >> 3 : (position >> 3) + 3], "little")
        code = chunk >> (position & 7) & (1 << bits) - 1
        position += bits
        if code == clear:
            lengths, last, bits = [1] * (clear + 2), 0, code_size + 1
            continue
        if code == clear + 1:
            break
        if code > (len(lengths) if last and len(lengths) < 4096 else len(lengths) - 1):
            return -1
        if last and len(lengths) < 4096:
            lengths.append(last + 1)
            bits = min(12, len(lengths).bit_length())
        last = lengths[code]
        pixels += last
    return pixels


def check_clip(workdir: Path) -> None:
    """Raises AssertionError where the clip is not right."""
    canvas, blocks = walk((workdir / "clip.gif").read_bytes(), strict=True)
    manifest = json.loads((workdir / "frames" / "manifest.json").read_bytes())
    frames = sum(chunk[1] for chunk in manifest["stretches"])
    files = sorted((workdir / "frames").glob("frame_*.gif"))
    assert len(blocks) == len(files), f"{len(blocks)} images of {len(files)} files"
    assert len(files) == frames - sum(len(written[SKIPPED]) for written in manifest["written"])
    assert not list(workdir.rglob("*.luigi-gif-tmp"))
    if canvas[0] * canvas[1] > MAX_PIXELS_COMPARED:
        raise AssertionError(f"a canvas of {canvas[0]}x{canvas[1]} pixels")
    alone = [frame_pixels(file.read_bytes(), canvas) for file in files]
    ImageFile.LOAD_TRUNCATED_IMAGES = any(pixels is None for pixels in alone)
    try:
        with Image.open(workdir / "clip.gif") as clip:
            assert clip.size == canvas
            for number, expected in enumerate(alone):
                clip.seek(number)
                if expected is not None:
                    _compare(np.array(clip.convert("RGBA")), expected, f"image {number}")
                else:
                    clip.load()
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _compare(shown: Pixels, expected: Pixels, where: str) -> None:
    """Equal, but for colors where all 256 are in use: one may stand for transparency."""
    opaque = expected[..., 3] == 255
    assert not shown[~opaque][..., 3].any(), f"{where} shows something where nothing is"
    assert (shown[opaque][..., 3] == 255).all(), f"{where} shows nothing where something is"
    difference = np.abs(shown[opaque].astype(int) - expected[opaque])
    if len(np.unique(expected[opaque], axis=0)) == 256:
        assert difference.mean() < 16, f"{where} in quite other colors"
    else:
        assert not difference.any(), f"{where} in other colors"


def frame_pixels(data: bytes, canvas: tuple[int, int]) -> Pixels | None:
    """What a clip is to show of a frame file; None where its pixels are damaged."""
    screen, (block, *_) = walk(data)
    left, top, right, bottom = block.box
    if lzw_pixels(data[block.data], block.lzw) != (right - left) * (bottom - top):
        return None
    try:
        with Image.open(io.BytesIO(data)) as image:
            indexes = np.asarray(image)[top:bottom, left:right]
            own = np.array(image.convert("RGBA"))[top:bottom, left:right]
    except (OSError, ValueError, SyntaxError, EOFError):
        return None
    if indexes.max() >= block.colors and indexes.max() != block.transparent:
        return None
    x = left + (canvas[0] - max(screen[0], right)) // 2
    y = top + (canvas[1] - max(screen[1], bottom)) // 2
    pixels = np.zeros((canvas[1], canvas[0], 4), np.uint8)
    pixels[y : y + bottom - top, x : x + right - left] = own
    return pixels


def run_case(seed: int, number: int, folder: Path) -> Outcome:
    """Run a case in ``folder``, where its bundle stays if it fails."""
    data, parameters = draw(seed, number)
    workdir = folder / f"seed-{seed}-case-{number}"
    shutil.rmtree(workdir, ignore_errors=True)
    workdir.mkdir(parents=True)
    (folder / RUNNING).write_text(str(number))
    (workdir / "image-data.img").write_bytes(data)
    kind, failure = "failure", ""
    begin = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
    try:
        kind = _kind(workdir, parameters)
    except (Exception, Hang):
        failure = f"{parameters}\n{traceback.format_exc(limit=-6)}"
        kind = f"failure: {_no_digits(failure.splitlines()[-1])}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()
    seconds = time.process_time() - begin
    peak = _peak_mib()
    if peak > MAX_MIB:
        failure += f"{peak} MiB of memory"
    if not failure:
        shutil.rmtree(workdir)
    return Outcome(number, kind, failure, seconds, peak)


def _peak_mib() -> int:
    """The most memory that this process has had.

    Linux counts with it, where it is asked for usage, what had the one that began it.
    """
    with contextlib.suppress(FileNotFoundError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
        if found:
            return int(found[1]) >> 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if MACOS else 10)


def _kind(workdir: Path, parameters: dict[str, Any]) -> str:
    task = CombineGif(url="unused", workdir=str(workdir), **parameters)
    written = task.requires()
    try:
        for step in (written.requires(), written, task):
            step.run()
    except PipelineError as error:
        clear = error
    else:
        check_clip(workdir)
        return "clip"
    assert len(clear.args) == 5, clear.args
    assert all(isinstance(part, str) and part.strip() for part in clear.args), clear.args
    assert not (workdir / "clip.gif").exists()
    return f"{type(clear).__name__}, {parameters['on_bad_frame']}: {_no_digits(clear.what)}"


def _no_digits(text: str) -> str:
    return re.sub("[0-9]+", "N", text)


def run_batch(seed: int, numbers: list[int], folder: Path) -> list[Outcome]:
    """In a process of its own, up to the first case that takes too much memory."""

    def hang(*_: object) -> None:
        raise Hang

    signal.signal(signal.SIGPROF, hang)
    logging.disable()
    warnings.simplefilter("error", append=True)
    luigi.configuration.get_config().set("dask", "workers", "0")
    outcomes: list[Outcome] = []
    for number in numbers:
        outcomes.append(run_case(seed, number, folder))
        if outcomes[-1].peak_mib > MAX_MIB:
            break
    return outcomes


def campaign(seed: int, numbers: range, folder: Path) -> Iterator[Outcome]:
    """The outcome of each case, also of one that ends its process."""
    left = list(numbers)
    context = multiprocessing.get_context("spawn")
    while left:
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            future = executor.submit(run_batch, seed, left[:BATCH], folder)
            try:
                outcomes = future.result()
            except concurrent.futures.BrokenExecutor:
                number = int((folder / RUNNING).read_text())
                outcomes = [Outcome(number, "failure: died", "the process died", 0, 0)]
        yield from outcomes
        for outcome in outcomes:
            left.remove(outcome.number)


def main() -> None:
    parser = argparse.ArgumentParser(description="Feed the pipeline damaged bundles.")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of the one case to run")
    parser.add_argument("--keep", type=Path, help="an empty folder for bundles of failures")
    options = parser.parse_args()
    numbers = range(options.cases)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="luigi-gif-fuzz-"))
    outcomes = []
    for outcome in campaign(options.seed, numbers, folder):
        outcomes.append(outcome)
        if outcome.failure:
            print(f"--seed {options.seed} --only {outcome.number}: {outcome.failure}", flush=True)
    failed = summarize(outcomes)
    if failed:
        print(f"the bundles of the failures are in {folder}")
    sys.exit(bool(failed))


def summarize(outcomes: list[Outcome]) -> int:
    """Print what came of the cases; how many failed."""
    failed = sum(bool(outcome.failure) for outcome in outcomes)
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(f"{len(outcomes):,} cases, {failed:,} failed")
    for kind, count in Counter(outcome.kind for outcome in outcomes).most_common():
        print(f"{count:7,} {kind}")
    print(f"slowest: {slowest.seconds:.2f} s, case {slowest.number}")
    print(f"peak memory: {max(outcome.peak_mib for outcome in outcomes)} MiB")
    return failed


if __name__ == "__main__":
    main()
