"""A worker of a killed run wakes up late: what it still writes reaches no clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clips import make_clip
from support.images import DELIMITER, gif
from support.pipeline import waypoints_every

from luigi_gif import CombineGif, settings, storage
from luigi_gif.clips import (
    clip_batch_writer,
    clip_batches,
    clip_encoder,
    clip_options,
    combining,
)
from luigi_gif.errors import DamagedFileError, StorageError
from luigi_gif.execution import cancellation
from luigi_gif.frames.manifest import load_manifest
from luigi_gif.integrations import ProgressReporter
from luigi_gif.parameters import Workers

pytestmark = pytest.mark.slow
REPORTER = ProgressReporter(CombineGif())


class LateWorker:
    """Between two parts of a clip, a worker of another run writes a frame file."""

    def __init__(self, workdir: Path, before: int, number: int, data: bytes) -> None:
        self._write_clip_batch = clip_batch_writer.write_clip_batch
        self._path = workdir / "frames" / f"frame_{number:02d}.gif"
        self._data = data
        self._left = before

    def write_clip_batch(
        self, handle: storage.FolderHandle, batch: clip_batches.ClipBatch
    ) -> clip_batch_writer.CompletedClipBatch:
        if self._left == 0:
            self._path.write_bytes(self._data)
        self._left -= 1
        return self._write_clip_batch(handle, batch)


def combined(workdir: Path, **options: Any) -> bytes:
    """The clip that is made of what lies there, one part after another."""
    folder = storage.open_folder(str(workdir))
    manifest = load_manifest(folder)
    assert manifest is not None
    how = clip_options.ClipOptions(0, 100, only_changes=True, max_pixels=10**6)._replace(**options)
    config = settings.dask(workers=Workers(0, 0))
    combining.combine_frames(
        folder, manifest, "late.gif", {"recipe": {}, "sha256": ""}, how, config, REPORTER
    )
    return folder.read("late.gif")


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("number", [0, 3, 4, 15])
def test_a_frame_that_a_worker_writes_late_reaches_no_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, number: int
) -> None:
    """Whichever it is, and between whichever parts: one at the end of a part is read twice."""
    waypoints_every(monkeypatch, 4)
    workdir = tmp_path / "work"
    make_clip(DELIMITER.join(gif(1 + each % 3, (9, 9)) for each in range(16)), workdir)
    right = combined(workdir)
    frame = workdir / "frames" / f"frame_{number:02d}.gif"
    own, other = frame.read_bytes(), gif(1 + (number + 1) % 3, (9, 9))
    worker = LateWorker(workdir, before, number, other)
    monkeypatch.setattr(clip_encoder, "write_clip_batch", worker.write_clip_batch)
    try:
        made = combined(workdir)
    except DamagedFileError:
        manifest = load_manifest(storage.open_folder(str(workdir)))
        assert manifest is not None
        assert manifest.results[number // 4] is None
        frame.write_bytes(own)
    else:
        assert made == right  # it was written when nobody read it any more
        assert before > number // 4
    assert not list(workdir.rglob("*.luigi-gif-tmp"))


@pytest.mark.parametrize("damage", [lambda data: data[:-1] + b"!", lambda data: data[:-1], None])
def test_a_part_is_held_against_what_its_worker_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes] | None
) -> None:
    """One that was altered, cut off or removed ends the run in words, and nothing is left."""
    workdir = tmp_path / "work"
    make_clip(DELIMITER.join([gif(1), gif(2)]), workdir)
    write_clip_batch = clip_batch_writer.write_clip_batch

    def write_and_damage(
        handle: storage.FolderHandle, batch: clip_batches.ClipBatch
    ) -> clip_batch_writer.CompletedClipBatch:
        written = write_clip_batch(handle, batch)
        path = workdir / handle.block_file("frames", 0)
        path.write_bytes(damage(path.read_bytes())) if damage else path.unlink()
        return written

    monkeypatch.setattr(clip_encoder, "write_clip_batch", write_and_damage)
    with pytest.raises(DamagedFileError, match="a part of the clip is not what a worker wrote"):
        combined(workdir)
    assert not (workdir / "late.gif").exists()
    assert not list(workdir.rglob("*.luigi-gif-tmp"))


def test_a_part_of_another_run_has_another_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is late with one spoils no clip; one that begins late writes nothing."""
    workdir = tmp_path / "work"
    make_clip(DELIMITER.join([gif(1), gif(2)]), workdir)
    calls = []
    write_clip_batch = clip_batch_writer.write_clip_batch

    def note(
        handle: storage.FolderHandle, batch: clip_batches.ClipBatch
    ) -> clip_batch_writer.CompletedClipBatch:
        calls.append((handle, batch))
        return write_clip_batch(handle, batch)

    monkeypatch.setattr(clip_encoder, "write_clip_batch", note)
    combined(workdir, frame_duration_ms=50)
    right = combined(workdir)

    def write_late(
        handle: storage.FolderHandle, batch: clip_batches.ClipBatch
    ) -> clip_batch_writer.CompletedClipBatch:
        written = write_clip_batch(handle, batch)
        with monkeypatch.context() as patch:
            patch.setattr(
                "luigi_gif.storage.attach", lambda handle: storage.open_folder(handle.url)
            )
            write_clip_batch(*calls[0])
        return written

    monkeypatch.setattr(clip_encoder, "write_clip_batch", write_late)
    assert combined(workdir) == right
    with pytest.raises(StorageError, match="does not see the work directory"):
        write_clip_batch(*calls[0])
    folder = storage.open_folder(str(workdir))
    with folder.locked():
        folder.sweep("frames")


def test_a_part_ends_with_the_frame_that_it_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the run has ended meanwhile; no part is written then."""
    workdir = tmp_path / "work"
    make_clip(DELIMITER.join(gif(1 + each % 3) for each in range(9)), workdir)
    asked = []

    def stop_at_the_third() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise cancellation.Cancelled

    monkeypatch.setattr("luigi_gif.execution.stop_if_cancelled", stop_at_the_third)
    with pytest.raises(cancellation.Cancelled):
        combined(workdir)
    assert not list(workdir.rglob("*.luigi-gif-tmp"))
