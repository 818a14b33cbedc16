"""The tasks' own parameters: names of files, checksums, and values that are refused."""

from __future__ import annotations

import hashlib
from typing import Any

import luigi
import pytest
from luigi.task_register import Register
from support.pipeline import BUNDLE, Pipeline

import luigi_gif
from luigi_gif.errors import ParameterError


def test_a_checksum_guards_the_bundle(pipeline: Pipeline) -> None:
    """A wrong one leaves no bundle; the right one may be written in capitals."""
    pipeline.run(sha256="0" * 64)
    assert not pipeline.ok
    assert "image-data.img" not in pipeline.files()
    right = hashlib.sha256(BUNDLE).hexdigest()
    pipeline.run(sha256=right.upper())
    assert pipeline.ok
    assert pipeline.run() == pipeline.run(sha256=right) == []
    assert pipeline.run(sha256="0" * 64) == ["DownloadData"]
    assert not pipeline.ok
    assert pipeline.files()["image-data.img"][0] == BUNDLE


def test_a_checksum_guards_a_bundle_of_the_user_too(pipeline: Pipeline) -> None:
    """Which is not touched."""
    pipeline.workdir.mkdir()
    mine = pipeline.workdir / "image-data.img"
    mine.write_bytes(BUNDLE)
    pipeline.run(sha256="0" * 64)
    assert not pipeline.ok
    assert mine.read_bytes() == BUNDLE
    pipeline.run(sha256=hashlib.sha256(BUNDLE).hexdigest())
    assert pipeline.ok


def test_names_may_be_chosen(pipeline: Pipeline) -> None:
    """Of the bundle and of the clip."""
    pipeline.run(data_file="in/frames.bin", gif_file="out.gif")
    assert pipeline.ok
    assert {"in/frames.bin", "in/frames.bin.json", "out.gif"} < set(pipeline.files())


@pytest.mark.parametrize("name", ["frames.json", "a.json", "frames/x.gif", "items/x.gif", ".lock"])
def test_names_of_the_pipeline_are_not_to_be_had(name: str) -> None:
    """They would be overwritten, or swept."""
    with pytest.raises(ParameterError, match="does not use itself"):
        luigi_gif.CombineGif(gif_file=name)


@pytest.mark.parametrize("name", ["", "/clip.gif", "../clip.gif", "a/../../b", "."])
def test_names_stay_inside_the_work_directory(name: str) -> None:
    """Whatever leads out of it is refused."""
    with pytest.raises(ParameterError, match="a relative path inside the work directory"):
        luigi_gif.CombineGif(gif_file=name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"plays": -1},
        {"plays": 65_537},
        {"frame_duration_ms": 5},
        {"hold_first_ms": 19},
        {"hold_last_ms": 655_351},
        {"fps": 0.001},
        {"bounce": "yes"},
        {"sha256": "x"},
        {"plays": "1"},
        {"plays": 1.5},
    ],
)
def test_values_that_cannot_be_used_are_refused(parameters: dict[str, Any]) -> None:
    """The error names the flag."""
    (name,) = parameters
    with pytest.raises(ParameterError, match=f"--{name.replace('_', '-')}"):
        luigi_gif.CombineGif(**parameters)


@pytest.mark.parametrize(
    "task",
    [luigi_gif.CombineGif, luigi_gif.NightlyGif, luigi_gif.HourlyGif, luigi_gif.GifBatch],
)
def test_no_option_of_a_task_begins_that_of_a_section(task: type[luigi.Task]) -> None:
    """The luigi command reads its line once before it knows the task, by beginnings of options."""
    sections = [
        f"--{section}-{name}".replace("_", "-")
        for section, without_section, name, _ in Register.get_all_params()
        if not without_section
    ]
    flags = [f"--{name}".replace("_", "-") for name, _ in task.get_params()]
    begun = [(flag, other) for flag in flags for other in sections if other.startswith(flag)]
    assert begun == []
