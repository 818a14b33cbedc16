"""How long a thousand frames play, as others read it: speeds, held ends, and the way back.

usage: python tests/campaigns/timing.py [--frames 1000]

Each way to play is one run of luigi-gif in the same work directory, in which CombineGif alone may
run, and no frame file be written. ffprobe, Pillow and Chromium must find as many frames as are to
be shown, and a duration within 10 ms of what was asked.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageSequence

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.commands import LUIGI_GIF, luigi_environment  # noqa: E402
from support.decoders import shown_by_chromium  # noqa: E402
from support.images import DELIMITER, gif  # noqa: E402

MAX_DIFFERENCE_MS = 10
OWN_MS = 70
ENDS = ["--hold-first-ms", "1500", "--hold-last-ms", "2000"]


def campaign(count: int, folder: Path) -> Iterator[str]:
    """A line for each way to play. Raises AssertionError where it is not as asked."""
    source = folder / "frames.img"
    source.write_bytes(DELIMITER.join(gif(n % 3 + 1, duration=OWN_MS) for n in range(count)))
    _run(source)
    frame_files = _frame_files(source)
    for flags, frames, asked_ms in _ways(count):
        said = _run(source, *flags)
        ran = re.findall(r"(\w+) runs: ", said)
        assert ran == ["CombineGif"], said
        assert _frame_files(source) == frame_files
        found = {name: read(source.with_name("clip.gif")) for name, read in READERS.items()}
        for name, delays in found.items():
            assert len(delays) == frames, f"{flags}: {name} shows {len(delays)}, not {frames}"
            assert abs(sum(delays) - asked_ms) <= MAX_DIFFERENCE_MS, f"{flags}: {name}"
        read_ms = ", ".join(f"{name} {sum(delays):,.0f}" for name, delays in found.items())
        yield f"{' '.join(flags)}: {frames:,} frames, asked {asked_ms:,.0f} ms; {read_ms}"


def _ways(count: int) -> Iterator[tuple[list[str], int, float]]:
    """The options, how many frames the clip has then, and for how many milliseconds it plays."""
    for fps in (10, 12, 15, 24, 25, 29.97, 30, 50):
        yield ["--fps", str(fps)], count, 1000 * count / fps
    yield ["--frame-duration-ms", "33"], count, 33 * count
    yield ENDS, count, OWN_MS * (count - 2) + 3500
    yield ["--bounce"], 2 * count - 2, OWN_MS * (2 * count - 2)
    yield ["--bounce", "--fps", "30", *ENDS], 2 * count - 2, 1000 * (2 * count - 4) / 30 + 3500


def _run(source: Path, *flags: str) -> str:
    """What luigi-gif says of a run."""
    command = [*LUIGI_GIF, str(source), "--workdir", str(source.parent / "work"), *flags]
    done = subprocess.run(
        [*command, "-o", str(source.with_name("clip.gif"))],
        capture_output=True,
        text=True,
        env=luigi_environment(),
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def _frame_files(source: Path) -> dict[str, int]:
    """When each frame file was written."""
    found = (source.parent / "work" / "frames").iterdir()
    return {path.name: path.stat().st_mtime_ns for path in found}


def _by_ffprobe(path: Path) -> list[float]:
    flags = ("-v", "error", "-show_entries", "packet=duration_time", "-of", "json")
    output = subprocess.run(["ffprobe", *flags, path], capture_output=True, check=True).stdout
    return [1000 * float(each["duration_time"]) for each in json.loads(output)["packets"]]


def _by_pillow(path: Path) -> list[float]:
    with Image.open(path) as image:
        return [frame.info["duration"] for frame in ImageSequence.Iterator(image)]


def _by_chromium(path: Path) -> list[float]:
    return [delay_ms for _, delay_ms in shown_by_chromium(path.read_bytes(), "image/gif")]


READERS = {"ffprobe": _by_ffprobe, "Pillow": _by_pillow, "Chromium": _by_chromium}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.frames, Path(folder)):
            print(line, flush=True)
