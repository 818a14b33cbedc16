"""The files beside a clip, as others show them: frames, times and pixels.

usage: python tests/campaigns/beside.py [--frames 300] [BUNDLE]

Three clips: BUNDLE, which is that of LUIGI_GIF_TEST_BUNDLE or examples/sample.img; so many PNGs of
all colors; transparent ones that bounce and are held. Each file must have the frames of the GIF
and its duration, within 10 ms, and in Chromium each frame at its time; videos play there to their
end. WebP and APNG without loss have the pixels of the sources. Each frame of MP4, WebM and WebP is
within 36 dB of them, on white.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support import decoders, programs  # noqa: E402
from support.clips import make_clip  # noqa: E402
from support.images import DELIMITER, saved  # noqa: E402

from luigi_gif.imaging import single_frame  # noqa: E402

Colors = NDArray[np.float64]
MIN_PSNR = 36.0
MAX_DIFFERENCE_MS = 10
WHITE = 255.0
DELAYS_CS = (5, 7, 20, 10)
HELD = {"bounce": True, "hold_first_ms": 1010, "hold_last_ms": 2000}
TYPES = {
    "apng": "image/png",
    "webp": "image/webp",
    "avif": "image/avif",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
COUNTED = ("apng", "mp4", "webm")
"""What ffprobe counts the frames of; it knows no animated WebP."""


def campaign(bundle: Path, count: int, folder: Path) -> Iterator[str]:
    """A line for each file. Raises AssertionError where it is not as promised."""
    clips: dict[str, tuple[bytes, dict[str, Any]]] = {
        bundle.name: (bundle.read_bytes(), {"last": 300}),
        f"{count} PNGs": (DELIMITER.join(map(_opaque, range(count))), {}),
        "transparent, held": (DELIMITER.join(map(_transparent, range(20))), HELD),
    }
    for name, (data, options) in clips.items():
        workdir = folder / name.replace(" ", "-")
        exact = make_clip(data, workdir, also="webp,apng", optimize="lossless", **options)
        lossless = shown(exact.with_suffix(".webp"))
        clip = make_clip(data, workdir, also=",".join(TYPES), **options)
        sources = shown(clip.with_suffix(".apng"))
        _check_sources(data, sources)
        assert all(map(np.array_equal, lossless, sources)), f"{name}: WebP without loss"
        delays_ms = [delay_ms for _, delay_ms in _in_chromium(clip, "image/gif")]
        for format_ in TYPES:
            found = _check(clip.with_suffix(f".{format_}"), format_, sources, delays_ms)
            yield f"{name}: {len(sources)} frames, {sum(delays_ms):,.0f} ms; {found}"


def _check(path: Path, format_: str, sources: list[Colors], delays_ms: list[float]) -> str:
    """What there is to tell of a file."""
    expected = list(accumulate(delays_ms, initial=0))
    if format_ in ("mp4", "webm"):
        middles_s = [sum(pair) / 2000 for pair in pairwise(expected)]
        data = path.read_bytes()
        duration_s, begins_s = decoders.played_by_chromium(data, TYPES[format_], middles_s)
        found = [1000 * each for each in (*begins_s, duration_s)]
        frames = _of_video(path, sources[0].shape[:2])
    else:
        delays = [delay_ms for _, delay_ms in _in_chromium(path, TYPES[format_])]
        found = list(accumulate(delays, initial=0))
        frames = [_on_white(frame) for frame in shown(path)]
    assert len(found) == len(expected), f"{path.name}: {len(found) - 1} frames in Chromium"
    off_ms = max(abs(one - other) for one, other in zip(found, expected, strict=True))
    assert off_ms <= MAX_DIFFERENCE_MS, f"{path.name}: {off_ms:g} ms off in Chromium"
    if format_ in COUNTED:
        _check_with_ffprobe(path, len(sources), expected[-1])
    worst = min(
        psnr(frame, _on_white(source)) for frame, source in zip(frames, sources, strict=True)
    )
    assert worst >= MIN_PSNR or format_ == "avif", f"{path.name}: {worst:.2f} dB"
    return f"{format_} {path.stat().st_size:,} bytes, {off_ms:.1f} ms off, {worst:.2f} dB"


def _check_with_ffprobe(path: Path, count: int, duration_ms: float) -> None:
    program = Path(programs.need("ffmpeg")).with_name("ffprobe")
    entries = "format=duration:stream=nb_read_frames"
    flags = ("-v", "error", "-count_frames", "-show_entries", entries, "-of", "json")
    found = json.loads(subprocess.run([program, *flags, path], capture_output=True).stdout)
    assert int(found["streams"][0]["nb_read_frames"]) == count, path.name
    if "duration" in found["format"]:  # ffprobe tells none of an APNG
        off_ms = abs(1000 * float(found["format"]["duration"]) - duration_ms)
        assert off_ms <= MAX_DIFFERENCE_MS, f"{path.name}: {off_ms:g} ms off in ffprobe"


def _check_sources(data: bytes, found: list[Colors]) -> None:
    """The pixels of the APNG are those that Pillow shows of the sources."""
    images = [image for image in data.split(DELIMITER) if image]
    for image, frame in zip(images, found, strict=False):
        path = Path(tempfile.gettempdir(), f"source-{os.getpid()}")
        path.write_bytes(image)
        assert np.array_equal(shown(path)[0], frame), "pixels of the APNG"
        path.unlink()


def shown(path: Path) -> list[Colors]:
    """The frames as Pillow shows them; what is transparent has no color."""
    with Image.open(path) as image:
        frames = [np.array(each.convert("RGBA")) for each in ImageSequence.Iterator(image)]
    for frame in frames:
        frame[frame[..., 3] == 0] = 0
    return frames


def psnr(picture: Colors, other: Colors) -> float:
    """In decibels."""
    mean = float(np.mean((picture - other) ** 2))
    return 10 * np.log10(255**2 / max(mean, 1e-9))


def _in_chromium(path: Path, type_: str) -> list[tuple[Any, float]]:
    return decoders.shown_by_chromium(path.read_bytes(), type_)


def _on_white(frame: NDArray[Any]) -> Colors:
    alpha = frame[..., 3:] / 255
    return frame[..., :3] * alpha + WHITE * (1 - alpha)


def _of_video(path: Path, sides: tuple[int, int]) -> list[Colors]:
    """Its frames, without the pixel more that a side has which is odd."""
    height, width = (side + side % 2 for side in sides)
    raw = decoders.ffmpeg_output(path, "-f", "rawvideo", "-pix_fmt", "rgb24")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    return list(frames[:, : sides[0], : sides[1]].astype(float))


def _opaque(number: int) -> bytes:
    """Waves of all colors that move, with some grain."""
    y, x = np.mgrid[:180, :320]
    moved = number / 10
    waves = (x / 30 + moved, y / 25 - moved, (x + y) / 40 + 2 * moved)
    grain = np.random.default_rng(number).normal(0, 2, x.shape)
    channels = [127 + 110 * np.sin(wave) + grain for wave in waves]
    picture = np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8)
    return saved(Image.fromarray(picture), "PNG")


def _transparent(number: int) -> bytes:
    """A ball with a soft edge that moves over nothing; it has a delay of its own."""
    picture = Image.new("RGBA", (201, 151))
    light = Image.radial_gradient("L").resize((90, 90)).point(lambda value: 255 - value)
    side = light.rotate(90 + 7 * number).point(lambda value: value // 2 + 90)
    ball = Image.merge("RGB", [light, side, Image.new("L", light.size, 120)])
    edge = light.point(lambda value: min(255, max(0, 4 * (value - 60))))
    picture.paste(ball, (5 * number, 2 * number), edge)
    return single_frame.encode_png(picture, DELAYS_CS[number % len(DELAYS_CS)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Look at the files beside three clips.")
    real = os.environ.get("LUIGI_GIF_TEST_BUNDLE", str(ROOT / "examples" / "sample.img"))
    parser.add_argument("bundle", type=Path, nargs="?", default=real)
    parser.add_argument("--frames", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.bundle, options.frames, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
