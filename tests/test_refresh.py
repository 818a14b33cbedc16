"""What a later run knows of a source: where each item came from, and whether it has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from support.images import DELIMITER, saved
from support.numbered import picture
from support.page_server import Server
from support.pipeline import STEPS, Pipeline, frame

from luigi_gif import frames, storage


def test_it_is_noted_where_the_images_of_each_item_are_in_the_bundle(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """Also of an item of several frames, and of one that cannot be used."""
    pictures = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 120, 240)]
    animation = saved(pictures[0], "GIF", save_all=True, append_images=pictures[1:])
    items = {"0.png": picture(0), "1.gif": animation, "2.png": b"no image", "3.png": picture(3)}
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, data in items.items():
        (folder / name).write_bytes(data)
    pipeline.run(url=str(folder), on_bad_frame="skip")
    bundle = (pipeline.workdir / "image-data.img").read_bytes()
    sha256 = hashlib.sha256(bundle).hexdigest()
    workdir = storage.LocalFolder(pipeline.workdir)
    noted = list(frames.noted_item_sources(workdir, "image-data.img", sha256))
    images = [bundle[item.offset : item.offset + item.size] for item in noted]
    assert DELIMITER.join(images) == bundle
    assert images[1].count(DELIMITER) == 2
    assert [(item.first_frame, item.name) for item in noted] == [
        (0, "0.png"), (1, "1.gif"), (4, "2.png"), (5, "3.png")
    ]  # fmt: skip
    digests = [hashlib.sha256(data).hexdigest() for data in items.values()]
    assert [item.sha256 for item in noted] == [*digests[:2], "", digests[3]]
    assert not list(frames.noted_item_sources(workdir, "image-data.img", "0" * 64))


def index_of(names: Iterable[str]) -> bytes:
    links = "".join(f'<a href="{name}">{name}</a>' for name in names)
    return f"<html><title>Index of /cam/</title>{links}</html>".encode()


def serve(server: Server, numbers: Iterable[int], base: str = "/cam/") -> list[str]:
    """Have a page of these pictures, and their names."""
    names = [f"{number:03}.gif" for number in numbers]
    for name in [name for name in server.pages if name.startswith(base)]:
        del server.pages[name]
    for number, name in zip(numbers, names, strict=True):
        server.pages[f"{base}{name}"] = frame(number)
    server.pages[base] = index_of(names)
    server.requests.clear()
    return names


def outputs(pipeline: Pipeline) -> dict[str, tuple[bytes, int]]:
    """All files but the receipt, which notes when the source was asked."""
    return {name: at for name, at in pipeline.files().items() if name != "image-data.img.json"}


def clip_of(pipeline: Pipeline, folder: Path, **parameters: Any) -> bytes:
    """What a new work directory would have."""
    other = Pipeline(pipeline.server, folder, pipeline._caplog)
    other.run(**parameters)
    return other.clip()


def test_of_a_page_with_a_new_picture_only_that_one_is_fetched(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    serve(server, range(96))
    url = server.url("/cam/")
    pipeline.run(url=url)
    names = serve(server, range(1, 97))
    pipeline.run(url=url)
    assert server.requests == []
    assert pipeline.run(url=url, refresh=True) == STEPS
    assert server.requests == ["/cam/", f"/cam/{names[-1]}"]
    clip = pipeline.clip()
    assert clip == clip_of(pipeline, tmp_path / "new", url=url)


def test_of_a_page_with_nothing_new_nothing_is_fetched_or_made(
    pipeline: Pipeline, server: Server
) -> None:
    serve(server, range(5))
    url = server.url("/cam/")
    pipeline.run(url=url)
    before = outputs(pipeline)
    server.requests.clear()
    assert pipeline.run(url=url, refresh=True) == ["DownloadData"]
    assert server.requests == ["/cam/"]
    assert outputs(pipeline) == before


def test_a_picture_that_could_not_be_used_is_fetched_again(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    """Its place in the clip may be anywhere."""
    names = serve(server, range(5))
    url = server.url("/cam/")
    server.pages[f"/cam/{names[2]}"] = b"not yet"
    pipeline.run(url=url, on_bad_frame="skip")
    server.pages[f"/cam/{names[2]}"] = frame(2)
    server.requests.clear()
    pipeline.run(url=url, on_bad_frame="skip", refresh=True)
    assert server.requests == ["/cam/", f"/cam/{names[2]}"]
    assert pipeline.clip() == clip_of(pipeline, tmp_path / "new", url=url, on_bad_frame="skip")
