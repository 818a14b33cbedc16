"""What comes on standard input, as a source."""

from __future__ import annotations

import contextlib
import io
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.clips import clip_here
from support.images import DELIMITER
from support.numbered import picture, shown

from luigi_gif.errors import ParameterError, StorageError
from luigi_gif.standard_input import file_for_input
from luigi_gif.temporary_source import temporary_source

Feed = Callable[[bytes], None]


@pytest.fixture
def feed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Feed:
    """Puts data on standard input; temporary files are in the folder ``temporary``."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def made_of_input(workdir: Path) -> list[int]:
    with file_for_input(["-"]) as (path,):
        return shown(clip_here(path, workdir))


def test_a_bundle_on_standard_input_is_a_source(feed: Feed, tmp_path: Path) -> None:
    """Nothing is left of it where temporary files are."""
    feed(DELIMITER.join(map(picture, range(3))))
    assert made_of_input(tmp_path / "work") == [0, 1, 2]
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_paths_of_a_list_on_standard_input_begin_in_the_current_folder(
    feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """As those do that ``ls`` and ``find`` write, whatever the folder is called."""
    here = tmp_path / "my pictures ü"
    (here / "a b").mkdir(parents=True)
    monkeypatch.chdir(here)
    for number, name in enumerate(("0.png", "a b/1.png", "2#.png")):
        (here / name).write_bytes(picture(number))
    (here / "last").write_bytes(picture(3))
    lines = ["# found", "2#.png", "./a b/1.png", str(here / "0.png"), "last"]
    feed("\n".join(lines).encode(encoding))
    assert made_of_input(tmp_path / "work") == [2, 1, 0, 3]


def test_names_of_a_list_need_be_in_no_encoding(
    feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("caf\udce9.png").write_bytes(picture(4))
    feed(b"caf\xe9.png\n")
    assert made_of_input(tmp_path / "work") == [4]


def test_a_list_that_cannot_be_used_is_left_to_whoever_reads_it(feed: Feed) -> None:
    data = b"a.png\nhttps://[/b.png\n"
    feed(data)
    with file_for_input(["-"]) as (path,):
        assert Path(path).read_bytes() == data


def test_the_same_input_is_the_same_source(feed: Feed) -> None:
    """And another one is another; nobody else may read it."""
    paths = []
    for data in (b"a", b"a", b"b"):
        feed(data)
        with file_for_input(["x", "-"]) as (first, path):
            paths.append(path)
            assert (first, stat.S_IMODE(Path(path).stat().st_mode)) == ("x", 0o600)
    assert paths[0] == paths[1] != paths[2]


def test_a_run_leaves_the_file_of_another_with_the_same_input(feed: Feed) -> None:
    feed(b"a")
    with contextlib.ExitStack() as run:
        (path,) = run.enter_context(file_for_input(["-"]))
        feed(b"a")
        with file_for_input(["-"]):
            run.close()
            assert Path(path).exists()
        assert not Path(path).exists()


def test_standard_input_is_read_once() -> None:
    with pytest.raises(ParameterError, match="once only"), file_for_input(["-", "-"]):
        pass


def test_a_temporary_file_that_cannot_be_written_is_an_error_in_words(feed: Feed) -> None:
    """And nothing is left of it."""

    def refuse(file: object) -> None:
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(StorageError, match="No space left on device"),
        temporary_source("stdin", refuse),
    ):
        pass
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_nothing_on_standard_input_is_an_error(feed: Feed, tmp_path: Path) -> None:
    """Such as what a find gives that finds nothing."""
    feed(b"")
    with (
        pytest.raises(ParameterError, match="standard input is empty"),
        file_for_input(["-"]),
    ):
        pass
