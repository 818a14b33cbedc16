"""What a later run knows of a source: where each item came from, and whether it has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL import Image
from support.images import DELIMITER, saved
from support.numbered import picture
from support.pipeline import Pipeline

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
