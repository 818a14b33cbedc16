"""Bring every image of a folder through the pipeline: it is shown as it should be, or refused.

usage: python tests/campaigns/images.py FOLDER

Each image is a bundle of one frame, in a process of its own. The first frame of its clip has the
pixels of the reference where these are of 256 colors at most (one stands for what is transparent),
else a structural similarity (SSIM, on luma) of 0.95 or more. Or the run ends with a PipelineError.
None crashes, takes more than 10 s, or more than 1 GB.

References, where the folder has them: reference/**/NAME.png beside images/**/NAME; results.txt,
CRC-32s of RGBA pixels, beside samples/NAME; tests/NAME.rgb beside pic/NAME.gif. The latter two are
of all images of a GIF, so they count where there is one. Else Pillow's decode is the reference;
what it cannot decode is not judged where it is shown, but named.
What a PNG says of its colors is taken away before, as the references do not obey it;
tests/test_decode.py looks at that.
Around the image of a GIF its screen is transparent. Where the image is larger than its screen, so
is the clip: only what a reference shows of it is compared.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import luigi
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from luigi_gif.errors import PipelineError
from luigi_gif.tasks import CombineGif

SUFFIXES = (".bmp", ".gif", ".ico", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp")
LOSSY = (".jpeg", ".jpg", ".webp")
"""Decoders of these differ by one level, as they round."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_CHUNKS = (b"cHRM", b"cICP", b"gAMA", b"iCCP", b"sRGB")
MIN_SSIM = 0.95
WINDOW_PIXELS = 8
MAX_SECONDS = 10
MAX_MIB = 1024
TIMEOUT_S = 30

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def examined(path: Path) -> dict[str, Any]:
    """The verdict on an image, "exact", "similar", "refused", "wrong" or "not judged", and why."""
    clip, kind = b"", ""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        try:
            clip = _clip(_without_colors(path.read_bytes()), Path(folder))
        except PipelineError as error:
            one_line_each = len(str(error).splitlines()) == 5 and all(error.args)
            verdict, kind = "refused" if one_line_each else "wrong", error.expected
            why = f"expected {error.expected}, got {error.got}"
        seconds = time.monotonic() - begin
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if clip and not (_decodable(path) or _reference_file(path)):
        verdict, why = "not judged", "it is shown, but Pillow does not decode it"
    elif clip:
        verdict, why = _compared(_pixels(clip), path)
    elif _decodable(path):
        why += " (Pillow decodes it)"
    if seconds > MAX_SECONDS or mib > MAX_MIB:
        verdict, why = "wrong", f"{seconds:.1f} s, {mib:.0f} MiB; {why}"
    return {"verdict": verdict, "kind": kind, "why": why, "seconds": seconds, "mib": mib}


def _clip(data: bytes, workdir: Path) -> bytes:
    """Made step by step without Luigi's worker."""
    (workdir / "image-data.img").write_bytes(data)
    luigi.configuration.get_config().set("dask", "workers", "0")
    task = CombineGif(url="unused", workdir=str(workdir))
    written = task.requires()
    split = written.requires()
    for step in (split.requires(), split, written, task):
        if not step.complete():
            step.run()
        assert step.complete(), f"{step} ran and is not complete"
    return (workdir / "clip.gif").read_bytes()


def _without_colors(data: bytes) -> bytes:
    """A PNG without the chunks that say how its colors are meant."""
    if not data.startswith(PNG_SIGNATURE):
        return data
    kept, position = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while position < len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] not in COLOR_CHUNKS:
            kept.append(data[position:end])
        position = end
    return b"".join(kept)


def _compared(clip: Pixels, path: Path) -> tuple[str, str]:
    crc32 = _noted_crc32(path)
    if crc32 is not None and zlib.crc32(_pixels(path.read_bytes()).tobytes()) != crc32:
        return "exact" if zlib.crc32(clip.tobytes()) == crc32 else "wrong", "by its CRC-32"
    reference, name = _reference(path)
    if path.suffix == ".gif":
        clip = clip[: reference.shape[0], : reference.shape[1]]
    if clip.shape != reference.shape:
        return "wrong", f"{clip.shape[1::-1]} pixels, {reference.shape[1::-1]} by {name}"
    shown = reference[..., 3] >= 128
    differ = np.count_nonzero(shown != (clip[..., 3] >= 128))
    if differ:
        return "wrong", f"{differ:,} pixels are transparent or not, other than by {name}"
    clip[~shown], reference[~shown] = 0, 0
    distance = np.abs(clip[..., :3].astype(int) - reference[..., :3]).max()
    if distance == 0:
        return "exact", f"by {name}"
    colors = len(np.unique(reference[shown][:, :3], axis=0)) + (not shown.all())
    similarity = ssim(_luma(clip), _luma(reference))
    rounding = distance == 1 and name != "Pillow" and path.suffix in LOSSY
    fine = similarity >= MIN_SSIM and (colors > 256 or rounding)
    return "similar" if fine else "wrong", f"SSIM {similarity:.3f}, {colors:,} colors by {name}"


def _noted_crc32(path: Path) -> int | None:
    notes = path.parents[1] / "results.txt"
    if not notes.exists() or _images(path) > 1:
        return None
    noted = dict(line.split(": ") for line in notes.read_text().splitlines())
    crc32 = noted.get(f"tests/{path.parent.name}/{path.name}")
    return None if crc32 is None else int(crc32)


def _reference(path: Path) -> tuple[Pixels, str]:
    """Pixels, and whose they are."""
    if found := _reference_file(path):
        return _pixels(found.read_bytes()), "its reference"
    own = _pixels(path.read_bytes())
    render = path.parents[1] / "tests" / f"{path.stem}.rgb"
    if not render.exists() or _images(path) > 1:
        return own, "Pillow"
    own[..., :3] = np.fromfile(render, np.uint8).reshape(*own.shape[:2], 3)
    return own, "its render"


def _reference_file(path: Path) -> Path | None:
    for folder in path.parents:
        if folder.name == "images":
            name = f"reference/{path.relative_to(folder)}.png"
            for found in (folder.parent / name, folder.parent / f"{name}.anim_01.png"):
                if found.exists():
                    return found
    return None


def _images(path: Path) -> int:
    with Image.open(path) as picture:
        return getattr(picture, "n_frames", 1)


def _decodable(path: Path) -> bool:
    try:
        return _pixels(path.read_bytes()).size > 0
    except Exception:  # whatever a decoder raises
        return False


def _pixels(data: bytes) -> Pixels:
    """The first image, RGBA, upright; transparent where a GIF has no image."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        upright: Image.Image = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I;16"):
            wide = np.asarray(upright).astype(np.uint32)
            upright = Image.fromarray(((wide + 128) // 257).astype(np.uint8))
        pixels = np.array(upright.convert("RGBA"))
        if picture.format == "GIF":
            left, top, right, bottom = vars(picture)["dispose_extent"]
            inside = np.zeros(pixels.shape[:2], np.bool_)
            inside[top:bottom, left:right] = True
            pixels[~inside] = 0
        return pixels


def _luma(pixels: Pixels) -> Floats:
    return pixels[..., :3] @ np.array((0.299, 0.587, 0.114))


def ssim(a: Floats, b: Floats) -> float:
    """The mean structural similarity of two channels, 0 to 255, over square windows."""
    size = min(WINDOW_PIXELS, *a.shape)
    mean_a, mean_b = _means(a, size), _means(b, size)
    variances = _means(a * a, size) - mean_a**2 + _means(b * b, size) - mean_b**2
    covariance = _means(a * b, size) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(likeness / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))))


def _means(values: Floats, size: int) -> Floats:
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    columns = sums[:, size:] - sums[:, :-size]
    return (columns[size:] - columns[:-size]) / size**2


def _in_a_process(path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", str(path)]
    failed = {"verdict": "wrong", "kind": "", "seconds": 0, "mib": 0}
    try:
        child = subprocess.run(
            command,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return failed | {"why": f"hung for {TIMEOUT_S} s"}
    if child.returncode:
        last = [child.returncode, *child.stderr.splitlines()][-1]
        return failed | {"why": f"crashed: {last}"}
    return dict(json.loads(child.stdout))


def campaign(folder: Path) -> tuple[list[str], bool]:
    """A report in lines of Markdown, and whether all is as it should be."""
    rows: dict[str, list[dict[str, Any]]] = {}
    notes = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        result = _in_a_process(path)
        name = path.relative_to(folder)
        rows.setdefault(f"{'/'.join(name.parts[:-1][:2])} {path.suffix}", []).append(result)
        if result["verdict"] in ("refused", "wrong", "not judged"):
            notes.append(f"- {result['verdict']}: {name}: {result['why']}")
    verdicts = ("exact", "similar", "refused", "wrong", "not judged")
    lines = [f"| images | files | {' | '.join(verdicts)} | refused for want of |"]
    lines.append(f"|---|---|{'---|' * len(verdicts)}---|")
    for row, results in rows.items():
        count = Counter(result["verdict"] for result in results)
        numbers = [len(results), *(count[key] for key in verdicts)]
        kinds = Counter(result["kind"] for result in results if result["kind"])
        wanted = "; ".join(f"{kind} ({number})" for kind, number in kinds.items())
        lines.append(f"| {row} | {' | '.join(map(str, numbers))} | {wanted} |")
    every = [result for results in rows.values() for result in results]
    seconds, mib = (max((each[key] for each in every), default=0) for key in ("seconds", "mib"))
    lines += ["", f"{len(every)} images, at the most {seconds:.1f} s and {mib:.0f} MiB each", ""]
    return lines + sorted(notes), all(result["verdict"] != "wrong" for result in every)


def main() -> int:
    parser = argparse.ArgumentParser(description="Bring every image of a folder to a clip.")
    parser.add_argument("folder", type=Path, help="is searched with all that is in it")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(examined(options.folder)))
        return 0
    lines, fine = campaign(options.folder)
    print("\n".join(lines))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
