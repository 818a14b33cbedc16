"""Clips that are made in this process, without Luigi's worker."""

from __future__ import annotations

from pathlib import Path

import luigi_gif
from luigi_gif import storage


def make_clip(data: bytes, workdir: Path, **parameters: object) -> Path:
    """The clip of a bundle, made step by step without Luigi's worker."""
    workdir.mkdir(exist_ok=True)
    (workdir / "image-data.img").write_bytes(data)
    task = luigi_gif.CombineGif(url="unused", workdir=str(workdir), **parameters)
    written = task.requires()
    for step in (written.requires(), written, task):
        step.run()
    return workdir / "clip.gif"


def clip_here(url: object, workdir: Path, **parameters: object) -> Path:
    """The clip of what is at a URL, made in this process without Luigi's worker."""
    return clip_of(luigi_gif.CombineGif(url=str(url), workdir=str(workdir), **parameters))


def clip_of(combined: luigi_gif.CombineGif) -> Path:
    """The clip of a task, made in this process without Luigi's worker."""
    written = combined.requires()
    split = written.requires()
    for step in (split.requires(), split, written, combined):
        step.run()
    return Path(combined.output().path)


def note_of_clip(workdir: Path, **changes: object) -> None:
    """Let a work directory say something else of its clip, with a right checksum."""
    folder = storage.open_folder(str(workdir))
    run = folder.read_json("run.json")
    assert run is not None
    run["clips"]["clip.gif"] |= changes
    folder.write_json("run.json", run)
