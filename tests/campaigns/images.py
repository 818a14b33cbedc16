"""Bring every image of a folder through the pipeline: it is shown as it should be, or refused.

usage: python tests/campaigns/images.py FOLDER

Each image is a bundle of one frame, in a process of its own. The first frame of its clip has the
exact pixels of the reference where those are of 256 colors at most (one stands for what is
transparent), else a structural similarity (SSIM, on luma) of 0.95 or more; transparent pixels are
the same. Or the run ends with a PipelineError. None crashes, takes more than 10 s, or 1 GB.

References, where the folder has them: reference/**/NAME.png beside images/**/NAME, results.txt with
CRC-32s of raw RGBA pixels (image-gif), tests/NAME.rgb beside pic/NAME.gif (giflib). The last two
show all images of a GIF, so they count for GIFs of one. Else Pillow's decode is the reference.
Around the image of a GIF its screen is transparent; where the image is larger than the screen, the
clip is as large as the image, and is held against a reference of the screen within that.
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

SUFFIXES = set([".bmp", ".gif", ".ico", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"])
LEAST_SSIM = 0.95
MOST_SECONDS = 10
MOST_MIB = 1024
TIMEOUT_S = 30
WINDOW_PIXELS = 8

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]


def examine(path: Path) -> dict[str, Any]:
    """The verdict on an image ("exact", "similar", "refused" or "wrong"), and why."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        try:
            clip, refusal = _clip(path, Path(folder)), None
        except PipelineError as error:
            clip, refusal = b"", error
        seconds = time.monotonic() - begin
        mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if refusal:
        verdict, group, why = _refused(refusal, path)
    else:
        verdict, why = _compared(clip, path)
        group = ""
    if seconds > MOST_SECONDS or mib > MOST_MIB:
        verdict, why = "wrong", f"{why}; in {seconds:.1f} s and {mib:.0f} MiB"
    return {"verdict": verdict, "group": group, "why": why, "seconds": seconds, "mib": mib}


def _clip(path: Path, workdir: Path) -> bytes:
    (workdir / "image-data.img").write_bytes(path.read_bytes())
    luigi.configuration.get_config().set("dask", "workers", "0")
    task = CombineGif(url="unused", workdir=str(workdir))
    written = task.requires()
    split = written.requires()
    for step in (split.requires(), split, written, task):
        if not step.complete():
            step.run()
        assert step.complete(), f"{step} is not complete after it ran"
    return (workdir / "clip.gif").read_bytes()


def _refused(error: PipelineError, path: Path) -> tuple[str, str, str]:
    try:
        _pixels(path.read_bytes())
        decoded = " (Pillow decodes it)"
    except Exception:  # whatever a decoder raises, it does not decode it
        decoded = ""
    clear = len(str(error).splitlines()) == 5 and all(error.args)
    why = f"expected {error.expected}; got {error.got}{decoded}"
    return "refused" if clear else "wrong", error.expected, why


def _compared(data: bytes, path: Path) -> tuple[str, str]:
    clip = _pixels(data)
    source = path.read_bytes()
    crc32 = _noted_crc32(path)
    if crc32 is not None and _images(source) == 1:
        same = zlib.crc32(clip.tobytes()) == crc32
        return "exact" if same else "wrong", "by the CRC-32 of results.txt"
    reference, name = _reference(path, source)
    if source.startswith(b"GIF"):
        clip = clip[: reference.shape[0], : reference.shape[1]]
    if clip.shape[:2] != reference.shape[:2]:
        return "wrong", f"{clip.shape[1::-1]} pixels, {reference.shape[1::-1]} by {name}"
    shown = reference[..., 3] >= 128
    if not np.array_equal(shown, clip[..., 3] >= 128):
        return "wrong", f"other pixels are transparent than by {name}"
    clip[~shown], reference[~shown] = 0, 0
    if np.array_equal(clip[..., :3], reference[..., :3]):
        return "exact", f"by {name}"
    similarity = ssim(_luma(clip), _luma(reference))
    colors = len(np.unique(reference[shown][:, :3], axis=0)) + (not shown.all())
    fine = similarity >= LEAST_SSIM and colors > 256
    why = f"SSIM {similarity:.3f}, {colors:,} colors by {name}"
    return "similar" if fine else "wrong", why


def _noted_crc32(path: Path) -> int | None:
    notes = path.parents[1] / "results.txt"
    lines = notes.read_text().splitlines() if notes.exists() else []
    noted = dict(line.split(": ") for line in lines)
    crc32 = noted.get(f"tests/samples/{path.name}") or noted.get(f"samples/{path.name}")
    return None if crc32 is None else int(crc32)


def _reference(path: Path, source: bytes) -> tuple[Pixels, str]:
    """Pixels, RGBA, and whose they are."""
    for folder in path.parents:
        if folder.name == "images" and (folder.parent / "reference").is_dir():
            name = f"{path.relative_to(folder)}.png"
            for suffix in ("", ".anim_01.png"):
                reference = folder.parent / "reference" / (name + suffix)
                if reference.exists():
                    return _pixels(reference.read_bytes()), "its reference"
    own = _pixels(source)
    render = path.parents[1] / "tests" / f"{path.stem}.rgb"
    if render.exists() and _images(source) == 1:
        own[..., :3] = np.fromfile(render, np.uint8).reshape(*own.shape[:2], 3)
        return own, "its render"
    return own, "Pillow"


def _images(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as picture:
        return getattr(picture, "n_frames", 1)


def _pixels(data: bytes) -> Pixels:
    """The first image, upright, RGBA; transparent around that of a GIF."""
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        if picture.mode.startswith("I;16"):
            wide = np.asarray(picture).astype(np.uint32)
            return _pixels_of(Image.fromarray(((wide + 128) // 257).astype(np.uint8)))
        pixels = _pixels_of(ImageOps.exif_transpose(picture))
        if picture.format == "GIF":
            left, top, right, bottom = getattr(picture, "dispose_extent")  # noqa: B009
            around = np.ones(pixels.shape[:2], np.bool_)
            around[top:bottom, left:right] = False
            pixels[around] = 0
        return pixels


def _pixels_of(picture: Image.Image) -> Pixels:
    return np.array(picture.convert("RGBA"))


def _luma(pixels: Pixels) -> Floats:
    return pixels[..., :3] @ np.array((0.299, 0.587, 0.114))


def ssim(a: Floats, b: Floats) -> float:
    """The mean structural similarity of two channels, 0 to 255, in square windows."""
    size = min(WINDOW_PIXELS, *a.shape)
    mean_a, mean_b = _means(a, size), _means(b, size)
    variances = _means(a * a, size) - mean_a**2 + _means(b * b, size) - mean_b**2
    covariance = _means(a * b, size) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(likeness / ((mean_a**2 + mean_b**2 + c1) * (variances + c2))))


def _means(values: Floats, size: int) -> Floats:
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    windows = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return windows / size**2


def _in_a_process(path: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", str(path)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return {"verdict": "wrong", "group": "", "why": f"hung for {TIMEOUT_S} s"}
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["nothing on stderr"])[-1]
        return {"verdict": "wrong", "group": "", "why": f"crashed ({child.returncode}): {last}"}
    return dict(json.loads(child.stdout))


def report(folder: Path) -> tuple[list[str], bool]:
    """The lines of the report in Markdown, and whether all is as it should be."""
    rows: dict[str, list[dict[str, Any]]] = {}
    notes = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        result = _in_a_process(path)
        name = path.relative_to(folder)
        where = "/".join(name.parts[:-1][:2])
        rows.setdefault(f"{where} | {path.suffix[1:].upper()}", []).append(result)
        if result["verdict"] in ("refused", "wrong"):
            notes.append(f"- {result['verdict']}: {name}: {' '.join(result['why'].split())}")
    lines = ["| folder | format | files | exact | SSIM >= 0.95 | refused | wrong |"]
    lines.append("|---|---|---|---|---|---|---|")
    for row, results in rows.items():
        count = Counter(result["verdict"] for result in results)
        groups = Counter(each["group"] for each in results if each["verdict"] == "refused")
        reasons = "; ".join(f"{number} no {group}" for group, number in groups.most_common())
        refused = f"{count['refused']} ({reasons})" if reasons else "0"
        shown = f"{count['exact']} | {count['similar']} | {refused} | {count['wrong']}"
        lines.append(f"| {row} | {len(results)} | {shown} |")
    every = [result for results in rows.values() for result in results]
    seconds = max((result.get("seconds", TIMEOUT_S) for result in every), default=0)
    mib = max((result.get("mib", 0) for result in every), default=0)
    lines += ["", f"{len(every)} images, each in {seconds:.1f} s and {mib:.0f} MiB at the most", ""]
    return lines + sorted(notes), all(result["verdict"] != "wrong" for result in every)


def main() -> int:
    parser = argparse.ArgumentParser(description="Bring every image of a folder to a clip.")
    parser.add_argument("folder", type=Path, help="is searched with all of its subfolders")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if options.one:
        print(json.dumps(examine(options.folder)))
        return 0
    lines, fine = report(options.folder)
    print("\n".join(lines))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
