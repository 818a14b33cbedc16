"""Entries of luigi.cfg that mean nothing here are told, without their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from luigi.configuration import get_config
from support import warm
from support.commands import LUIGI_GIF, without_luigi_cfg
from support.paths import SAMPLE

from luigi_gif import settings
from luigi_gif.errors import ParameterError

SetEntry = Callable[[str, str], None]


@pytest.fixture
def set_entry() -> Iterator[SetEntry]:
    """Set an entry of [dask], as luigi.cfg does."""
    config = get_config()
    names: list[str] = []

    def set_entry(name: str, value: str) -> None:
        config.set("dask", name, value)
        names.append(name)

    yield set_entry
    for name in names:
        config.remove_option("dask", name)


def test_an_unknown_entry_is_told_once(
    set_entry: SetEntry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no error: a pipeline of the user's own may have a section of this name."""
    monkeypatch.setattr(settings.dask, "ignore_unconsumed", set())
    set_entry("colour", "s3cret")
    settings.dask()
    settings.dask()
    assert caplog.text.count("[dask] has no entry colour: without effect") == 1
    assert "s3cret" not in caplog.text


def test_an_entry_that_refers_to_nothing_is_named(set_entry: SetEntry) -> None:
    """With its section."""
    set_entry("address", "%(s3cret)s")
    with pytest.raises(ParameterError) as error:
        settings.dask()
    assert "[dask] address" in str(error.value)
    assert "s3cret" not in str(error.value)


@pytest.mark.slow
def test_a_section_of_nearly_the_name_of_one_is_told(tmp_path: Path) -> None:
    """Those of others are none of ours."""
    config = tmp_path / "luigi.cfg"
    config.write_text("[CombinGif]\nfps = 3\n\n[Dask]\nworkers = 0\n\n[mine]\nx = 1\n")
    variables = {"LUIGI_CONFIG_PATH": str(config)}
    result = warm.run([*LUIGI_GIF, str(SAMPLE)], cwd=tmp_path, env=without_luigi_cfg() | variables)
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if "no section" in line]
    assert told == [
        "WARNING: [CombinGif] is no section of luigi_gif: did you mean [CombineGif]?",
        "WARNING: [Dask] is no section of luigi_gif: did you mean [dask]?",
    ]
