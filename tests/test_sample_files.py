"""luigi-gif --write-samples: the files of config/ and the sample, fit for the current folder."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from datetime import date
from importlib import resources
from pathlib import Path

import pytest
from support import warm
from support.paths import ROOT, SAMPLE

from luigi_gif import sample_files

pytestmark = pytest.mark.slow
EXAMPLES = ("image_etl.ipynb", "pipeline.py", "sample.img")


def write_samples(folder: Path) -> subprocess.CompletedProcess[str]:
    return warm.run([sys.executable, "-m", "luigi_gif.cli", "--write-samples"], cwd=folder)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_samples_are_those_of_the_repository(tmp_path: Path) -> None:
    """Config, bundle, notebook and pipeline; their paths are printed, then what to do next."""
    result = write_samples(tmp_path)
    assert result.returncode == 0, result.stderr
    expected = [f"config/{path.name}" for path in (ROOT / "config").iterdir()]
    expected += [f"examples/{name}" for name in EXAMPLES]
    assert files(tmp_path) == sorted(expected)
    assert sorted(result.stdout.splitlines()) == files(tmp_path)
    assert result.stderr.startswith("next: ")
    assert (tmp_path / "examples" / "sample.img").read_bytes() == SAMPLE.read_bytes()


def test_what_pip_compiled_of_a_sample_is_none(tmp_path: Path) -> None:
    """It lies in a folder beside it."""
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "sample.py").touch()
    assert [file.name for file in sample_files._by_name(tmp_path)] == ["sample.py"]


def test_the_package_keeps_no_second_copy() -> None:
    """In a clone its samples lead to config/ and examples/."""
    samples = Path(str(resources.files("luigi_gif") / "samples"))
    assert (samples / "config").resolve() == ROOT / "config"
    for name in EXAMPLES:
        assert (samples / "examples" / name).resolve() == ROOT / "examples" / name


def test_the_samples_name_this_folder_and_its_programs(tmp_path: Path) -> None:
    """No placeholder is left, and today is the first night."""
    write_samples(tmp_path)
    text = "".join(path.read_text() for path in (tmp_path / "config").iterdir())
    assert "/srv/gifs" not in text
    assert "User=gifs" not in text
    assert f"cd {tmp_path} && PATH={sysconfig.get_path('scripts')}:$PATH " in text
    assert f"--start {date.today()}" in text


@pytest.mark.parametrize("name", ["config/nightly.cfg", "examples/sample.img"])
def test_a_file_that_exists_is_never_overwritten(tmp_path: Path, name: str) -> None:
    """It is named, and nothing is written."""
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("the user's")
    result = write_samples(tmp_path)
    assert result.returncode == 2
    assert f"where:    {name}\n" in result.stderr
    assert result.stdout == ""
    assert files(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "the user's"


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    """It is a file that exists."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "crontab").symlink_to(tmp_path / "elsewhere")
    assert write_samples(tmp_path).returncode == 2
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "examples").write_text("the user's")
    result = write_samples(tmp_path)
    assert result.returncode == 2
    assert "a sample cannot be written" in result.stderr


def test_a_folder_that_a_crontab_cannot_name_is_an_error(tmp_path: Path) -> None:
    """A space or a percent sign has a meaning there."""
    folder = tmp_path / "100% mine"
    folder.mkdir()
    result = write_samples(folder)
    assert result.returncode == 2
    assert "run this in a folder with another name" in result.stderr
    assert files(folder) == []
