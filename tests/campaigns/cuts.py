"""Cut one frame of a bundle at random places: it alone is lost, and it is named.

usage: python tests/campaigns/cuts.py [--cuts 2000] [--seed 1] [--format WebP] [BUNDLE]

BUNDLE is that of LUIGI_GIF_TEST_BUNDLE, else examples/sample.img. With --format its frames are
brought to another format first. Which frame, and how many of its bytes stay, are drawn from the
seed and the number of the cut. Then:

- all other frames are found with their own bytes, as many as before;
- the one that was cut has a fault, or its decoder refuses it, whether the bundle is read whole or
  in chunks, as workers do, with the same words; one whose pixels are all there may be shown;
- every --runs-th bundle goes through the pipeline: it ends with an error that names the frame, or
  with --on-bad-frame skip in a clip of the others.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import luigi
import pytest
from PIL import Image

from luigi_gif.bundles import bundle_frames
from luigi_gif.errors import BundleError
from luigi_gif.frames import frame_files, frame_to_gif, render_options
from luigi_gif.imaging import Look, decode
from luigi_gif.tasks import CombineGif

ROOT = Path(__file__).parents[2]
DELIMITER = b"\n" * 4
REAL_BUNDLE = "LUIGI_GIF_TEST_BUNDLE"
PLAIN = render_options.RenderOptions(Look(1 << 26), skip_bad=False)


def images_of(data: bytes, format_: str | None) -> list[bytes]:
    """The frames of a bundle, in another format if one is named."""
    found = [frame.data for frame in bundle_frames.iter_frames(io.BytesIO(data).read)]
    return [encoded(each, format_) if format_ else each for each in found]


def encoded(data: bytes, format_: str) -> bytes:
    """The same picture in another format."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.convert("RGB").save(file, format_)
    return file.getvalue()


def draw(seed: int, number: int, images: list[bytes]) -> tuple[int, int]:
    """Which frame is cut, and how many of its bytes stay.

    A third of the cuts are in its first or last bytes, where there is more to go wrong.
    """
    r = random.Random(f"{seed}/{number}")
    frame = r.randrange(len(images))
    size = len(images[frame])
    near = min(1000, size - 1)
    return frame, r.choice(
        (r.randrange(1, size), r.randrange(1, size), r.randint(1, near), -1 - r.randrange(near))
    )


def check_cut(images: list[bytes], frame: int, stay: int) -> bytes:
    """The bundle with that frame cut. Raises AssertionError where another is lost, or none."""
    cut = images[frame][:stay]
    data = DELIMITER.join([*images[:frame], cut, *images[frame + 1 :]])
    found = list(bundle_frames.iter_frames(io.BytesIO(data).read))
    assert len(found) == len(images), f"{len(found)} frames of {len(images)}"
    for number, (each, expected) in enumerate(zip(found, images, strict=True)):
        if number != frame:
            assert each.data == expected, f"frame {number} is another"
            assert each.error is None, f"frame {number}: {each.error}"
    _check_named(found[frame], images[frame])
    begin = found[frame].offset
    stop = begin + len(cut) + len(DELIMITER)
    chunk = data[begin : stop + bundle_frames.LOOK_AHEAD_BYTES]
    (alone,) = bundle_frames.frames_in(chunk, offset=begin, stop=stop)
    assert alone == found[frame], f"{alone.error} in a chunk, but {found[frame].error}"
    return data


def _check_named(frame: bundle_frames.Frame, whole: bytes) -> None:
    if frame.error:
        return
    try:
        rendered = frame_to_gif.render_frame(0, frame, PLAIN)
    except bundle_frames.BadFrame:
        return
    assert frame.format in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "TGA"), f"{frame.format} is shown"
    assert frame.data == whole[: len(frame.data)]
    shown = frame.data if frame.format != "GIF" else rendered.file
    other = _pixels(shown) != _pixels(whole)
    assert not other or rendered.notes, "other pixels are shown, and nothing is said"


def _pixels(data: bytes) -> bytes:
    return decode.decode_image(data, PLAIN.look.max_pixels).picture.tobytes()


def check_run(data: bytes, frame: int, count: int, folder: Path) -> None:
    """Through the pipeline: an error that names the frame, or a clip of the others."""
    for on_bad_frame in ("fail", "skip"):
        workdir = folder / on_bad_frame
        workdir.mkdir(parents=True)
        (workdir / "image-data.img").write_bytes(data)
        task = CombineGif(url="unused", workdir=str(workdir), on_bad_frame=on_bad_frame)
        written = task.requires()
        steps: list[Callable[[], None]] = [written.requires().run, written.run, task.run]
        with contextlib.ExitStack() as stack:
            if on_bad_frame == "fail":
                what = f"frame {frame} of the bundle is not usable"
                stack.enter_context(pytest.raises(BundleError, match=what))
            for step in steps:
                step()
    names = sorted(path.name for path in (folder / "skip" / "frames").glob("*.gif"))
    digits = frame_files.digits_for(count)
    expected = [f"frame_{n:0{digits}d}.gif" for n in range(count) if n != frame]
    assert names == expected, names
    assert not (folder / "fail" / "clip.gif").exists()


def campaign(
    images: list[bytes], seed: int, numbers: range, runs: int, folder: Path
) -> Iterator[str]:
    """One line for each cut that ends in another way than is promised."""
    for number in numbers:
        frame, stay = draw(seed, number, images)
        try:
            data = check_cut(images, frame, stay)
            if runs and number % runs == 0 and stay < len(images[frame]) - 100:
                check_run(data, frame, len(images), folder / str(number))
        except AssertionError as error:
            yield f"cut {number}, {stay:,} bytes of frame {frame}: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Cut one frame of a bundle.")
    parser.add_argument("--cuts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", help="as Pillow names it")
    parser.add_argument("--runs", type=int, default=100, help="which go through the pipeline")
    default = os.environ.get(REAL_BUNDLE) or ROOT / "examples" / "sample.img"
    parser.add_argument("bundle", type=Path, nargs="?", default=default)
    options = parser.parse_args()
    luigi.configuration.get_config().set("dask", "workers", "0")
    logging.disable()
    images = images_of(Path(options.bundle).read_bytes(), options.format)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(images, options.seed, range(options.cuts), options.runs, Path(folder)):
            print(line, flush=True)
            failures += 1
    print(f"{options.cuts:,} cuts of one of {len(images)} frames, {failures:,} failed")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
