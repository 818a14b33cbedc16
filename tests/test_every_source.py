"""Each kind of source becomes the right clip by one command, whoever writes its frames."""

from __future__ import annotations

import importlib
import io
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.animations import CLEAR, KEEP, RESTORE, animated_gif, animated_png, animated_webp
from support.images import saved
from support.page_server import Server
from support.paths import TESTS
from support.right_clips import (
    DELAYS_MS,
    NO_DELAYS_MS,
    PICTURES,
    PIXELS,
    SIZE,
    paletted,
    parts,
    same_clips,
    shown_frames,
)
from support.videos import video_of

from luigi_gif.clips import clip_batches

Source = Callable[[Path, Server], list[str]]
"""Lays its files into a folder and onto a server; what the command is given."""
SOURCES: dict[str, Source] = {}
NO_FRAMES = {"notes.txt": b"notes", ".hidden.png": b"no image", "Thumbs.db": b"no image"}
EVERY_DISPOSAL = (KEEP, CLEAR, RESTORE, KEEP, CLEAR, RESTORE)


def source(made: Source) -> Source:
    SOURCES[made.__name__.replace("_", " ")] = made
    return made


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def serve(server: Server, path: str, files: dict[str, bytes]) -> None:
    server.pages |= {f"{path}{name}": data for name, data in files.items()}


def index_page(server: Server, name: str) -> list[str]:
    """A page that a real server has written, its line for a picture once for each of ours."""
    text = (TESTS / "support" / "server_indexes" / name).read_text()
    lines = text.splitlines(keepends=True)
    (line,) = (line for line in lines if "a%20b.png" in line)
    ours = [line.replace("a%20b.png", each).replace("a b.png", each) for each in sorted(PICTURES)]
    page = "".join(line for line in lines if "c.gif" not in line).replace(line, "".join(ours))
    serve(server, "/radar/", {"": page.encode(), **PICTURES})
    return [server.url("/radar/")]


@source
def page_of_apache(folder: Path, server: Server) -> list[str]:
    return index_page(server, "apache_table.html")


@source
def page_of_nginx(folder: Path, server: Server) -> list[str]:
    return index_page(server, "nginx.html")


@source
def page_of_thumbnails(folder: Path, server: Server) -> list[str]:
    """By hand, with pictures that are smaller than those they link to."""
    thumbnail = saved(Image.new("RGB", (2, 2)), "PNG")
    serve(server, "/big/", PICTURES)
    serve(server, "/small/", dict.fromkeys(PICTURES, thumbnail))
    links = (f'<a href=big/{name}><img src="small/{name}"></a>' for name in PICTURES)
    page = f"<html><title>Mine</title><a href='mailto:me@host.example'>Me</a>{''.join(links)}"
    serve(server, "/", {"": page.encode()})
    return [server.url("/")]


@source
def dated_urls_with_gaps(folder: Path, server: Server) -> list[str]:
    """Three of nine are missing."""
    times = ["23/2340", "23/2350", "24/0010", "24/0020", "24/0040", "24/0100"]
    for time, data in zip(times, PICTURES.values(), strict=True):
        server.pages[f"/202611{time}.png"] = data
    url = server.url("/%Y%m%d/%H%M.png")
    return [url, "--since=2026-11-23T23:40Z", "--until=2026-11-24T01:00Z", "--step=10m"]


def list_of_links(folder: Path, server: Server) -> bytes:
    """Of URLs and a path, as an editor of Windows saves it."""
    serve(server, "/some/", PICTURES)
    write(folder, PICTURES)
    urls = [server.url(f"/some/{name}") for name in PICTURES]
    lines = ["# mine", *urls[:3], str(folder / list(PICTURES)[3]), "", *urls[4:]]
    return "\r\n".join(lines).encode("utf-8-sig")


@source
def text_list(folder: Path, server: Server) -> list[str]:
    (folder / "list.txt").write_bytes(list_of_links(folder, server))
    return [str(folder / "list.txt")]


@source
def list_on_standard_input(folder: Path, server: Server) -> list[str]:
    (folder / "stdin").write_bytes(list_of_links(folder, server))
    return ["-"]


@source
def folder_with_unpadded_numbers(folder: Path, server: Server) -> list[str]:
    write(folder, PICTURES | NO_FRAMES)
    return [str(folder)]


@source
def recursive_pattern(folder: Path, server: Server) -> list[str]:
    """Over folders that are numbered too."""
    deep = {f"day_{9 + number // 2}/{name}": PICTURES[name] for number, name in enumerate(PICTURES)}
    write(folder, deep | NO_FRAMES)
    return [str(folder / "**" / "*.png")]


def tar(mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in sorted((PICTURES | NO_FRAMES).items()):
            member = tarfile.TarInfo(f"radar/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def one_file(folder: Path, name: str, data: bytes) -> list[str]:
    (folder / name).write_bytes(data)
    return [str(folder / name)]


@source
def tar_(folder: Path, server: Server) -> list[str]:
    return one_file(folder, "pictures.tar", tar())


@source
def tar_gz(folder: Path, server: Server) -> list[str]:
    return one_file(folder, "pictures.tar.gz", tar("w:gz"))


@source
def tar_zst(folder: Path, server: Server) -> list[str]:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return one_file(folder, "pictures.tar.zst", importlib.import_module(name).compress(tar()))


@source
def zip_(folder: Path, server: Server) -> list[str]:
    """As macOS makes it, with its folder and what it puts beside it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("radar")
        for name, data in sorted((PICTURES | NO_FRAMES).items()):
            archive.writestr(f"radar/{name}", data)
            archive.writestr(f"__MACOSX/radar/._{name}", b"no image")
    return one_file(folder, "pictures.zip", file.getvalue())


@source
def animated_gif_(folder: Path, server: Server) -> list[str]:
    return one_file(folder, "a.gif", animated_gif(SIZE, map(paletted, parts(EVERY_DISPOSAL))))


@source
def animated_webp_(folder: Path, server: Server) -> list[str]:
    disposals = [CLEAR if number % 2 else KEEP for number in range(len(PIXELS))]
    return one_file(folder, "a.webp", animated_webp(SIZE, parts(disposals)))


@source
def animated_png_(folder: Path, server: Server) -> list[str]:
    return one_file(folder, "a.png", animated_png(SIZE, parts(EVERY_DISPOSAL)))


@source
def pages_of_a_tiff(folder: Path, server: Server) -> list[str]:
    first, *others = (Image.fromarray(pixels).convert("RGB") for pixels in PIXELS)
    return one_file(folder, "a.tif", saved(first, "TIFF", save_all=True, append_images=others))


@source
def motion_jpeg(folder: Path, server: Server) -> list[str]:
    return one_file(folder, "a.mjpeg", b"".join(JPEGS))


@source
def animated_mp4(folder: Path, server: Server) -> list[str]:
    return [str(video_of(PIXELS, DELAYS_MS, folder / "a.mp4"))]


@source
def three_sources(folder: Path, server: Server) -> list[str]:
    """A folder, a pattern and a file."""
    names = list(PICTURES)
    for place, some in (("a", names[:2]), ("b", names[2:5]), (".", names[5:])):
        write(folder / place, {name: PICTURES[name] for name in some})
    return [str(folder / "a"), str(folder / "b" / "*_*.png"), str(folder / names[5])]


JPEGS = [saved(Image.fromarray(pixels).convert("RGB"), "JPEG") for pixels in PIXELS]
OTHER_PIXELS = {
    "motion jpeg": [np.asarray(Image.open(io.BytesIO(each)).convert("RGBA")) for each in JPEGS]
}
"""What JPEG makes of the pictures."""


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_becomes_the_right_clip(
    luigi_gif_here: Callable[..., int],
    cluster: str,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Each picture in its place, with its delay; one thread, several and a cluster agree."""
    folder = tmp_path / "source"
    folder.mkdir()
    arguments = SOURCES[name](folder, server)

    def luigi_gif(*arguments: str) -> int:
        if "-" in arguments:
            file = io.BytesIO((folder / "stdin").read_bytes())
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        return luigi_gif_here(*arguments)

    pixels, delays_ms = shown_frames(same_clips(luigi_gif, tmp_path, arguments, cluster))
    assert pixels == [each.tolist() for each in OTHER_PIXELS.get(name, PIXELS)]
    assert delays_ms == (DELAYS_MS if name.startswith("animated") else NO_DELAYS_MS)


def test_a_clip_with_loss_is_the_same_whoever_makes_it(
    luigi_gif_here: Callable[..., int],
    cluster: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In several batches, each of which begins where another one ended."""
    monkeypatch.setattr(clip_batches, "LOSSY_BATCH_STEPS", (4, 4))
    random = np.random.default_rng(3)
    ground = random.integers(60, 180, (40, 50, 3))
    noisy = [ground + random.integers(-4, 5, ground.shape) for _ in range(14)]
    folder = tmp_path / "source"
    write(
        folder,
        {f"{number:02}.png": saved(Image.fromarray(each.astype(np.uint8)), "PNG")
         for number, each in enumerate(noisy)},
    )  # fmt: skip
    options = ["--optimize", "lossy", "--tolerance", "40"]
    clip = same_clips(luigi_gif_here, tmp_path, [str(folder), *options], cluster)
    frames = sum(each.stat().st_size for each in tmp_path.glob("serial/frames/*.gif"))
    assert clip.stat().st_size < 0.5 * frames
