"""A program of another kind is not taken for the one that is meant, whatever it is called."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import decoders, programs
from support.paths import SAMPLE


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The one folder where programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    programs.find.cache_clear()
    yield folder
    programs.find.cache_clear()


def script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "text",
    [
        "exit 0",
        "echo 'convert 1.2, for units of measurement'",
        "echo 'Version: ImageMagick 6.9'; exit 1",
        "echo 'GraphicsMagick 1.4'",
        "read -r line; echo $line",
        "no-such-program",
    ],
)
def test_another_program_of_that_name_is_not_taken(only: Path, text: str) -> None:
    """It says nothing, something else, or fails; its tests are skipped, with the reason."""
    script(only / "convert", text)
    assert programs.find("imagemagick") is None
    with pytest.raises(pytest.skip.Exception, match="imagemagick is not installed"):
        decoders.imagemagick(SAMPLE)


def test_a_program_that_does_not_end_is_not_taken(
    only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what it has started, which holds its output open."""
    monkeypatch.setattr(programs, "ANSWER_S", 0.1)
    script(only / "convert", "/bin/sleep 3600 & wait")
    assert programs.find("imagemagick") is None


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_bare_machine_has_none_of_them(only: Path, name: str) -> None:
    """That is no error."""
    assert programs.find(name) is None


@pytest.mark.parametrize("called", ["convert", "magick"])
def test_the_right_one_is_found_behind_a_false_one(
    only: Path, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    """Under both of its names."""
    for name in ("convert", "magick"):
        script(only / name, "echo something else")
    right = only.parent / "right" / called
    script(right, "echo 'Version: ImageMagick 7.1.1-43 Q16-HDRI'")
    monkeypatch.setenv("PATH", f"{only}:{right.parent}:{only / 'none'}")
    assert programs.find("imagemagick") == str(right)


@pytest.mark.external
def test_magick_shows_a_clip_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ImageMagick 7 has this name only, for what was convert."""
    real = programs.need("imagemagick")
    shown = decoders.imagemagick(Path(shutil.copy(SAMPLE, tmp_path / "sample.gif")))
    script(tmp_path / "bin" / "magick", f'exec {real} "$@"')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    programs.find.cache_clear()
    try:
        assert programs.need("imagemagick") == str(tmp_path / "bin" / "magick")
        again = decoders.imagemagick(tmp_path / "sample.gif")
    finally:
        programs.find.cache_clear()
    assert all((one == other).all() for one, other in zip(shown, again, strict=True))
