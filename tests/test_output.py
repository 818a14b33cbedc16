"""luigi-gif -o: where a copy of the clip may go, and where not."""

from __future__ import annotations

import os
import re
import resource
import shutil
from pathlib import Path

import pytest
from support.clips import make_clip
from support.commands import run_luigi_gif
from support.images import gif
from support.paths import SAMPLE

from luigi_gif import CombineGif, storage
from luigi_gif.clip_copy import ClipCopy
from luigi_gif.errors import ForeignFileError, ParameterError, StorageError


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work directory."""
    return make_clip(gif(1), tmp_path_factory.mktemp("finished") / "work").parent


@pytest.fixture
def clip(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of a copy of it, in a folder where a user then says -o."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished, "work")
    return tmp_path / "work" / "clip.gif"


def target(clip: Path) -> storage.FileTarget:
    return storage.FileTarget(storage.open_folder(str(clip.parent)), clip.name)


def put(clip: Path, given: str, source: str = "bundle.img") -> str | None:
    return ClipCopy(given, str(clip), source).publish(target(clip))


def test_a_new_file_and_one_of_an_earlier_run(clip: Path) -> None:
    """Are the clip afterwards; a second time changes nothing."""
    for _ in range(2):
        assert put(clip, "copy.gif") == "copy.gif"
        assert Path("copy.gif").read_bytes() == clip.read_bytes()
    assert sorted(os.listdir()) == ["copy.gif", "work"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("no/such/clip.gif", "mkdir -p"),
        ("taken/clip.gif", "no folder"),
        ("folder", "such as folder/clip.gif"),
        ("folder/", "such as folder/clip.gif"),
        ("new/", "such as new/clip.gif"),
        (".", "a folder"),
        ("/dev/null", "a device"),
        ("fifo", "a pipe"),
        ("fifo.gif", "a pipe"),
        ("loop.gif", "a link without an end"),
        ("to-null.gif", "a device"),
        ("s3://bucket/clip.gif?token=s3cret", "name it s3://bucket/clip.gif"),
        ("s3://bucket/clip", "name it s3://bucket/clip.gif"),
        ("s3://bucket/clips/", "such as s3://bucket/clips/clip.gif"),
        ("https://user:s3cret@host/clip.gif", "which can only be read"),
        ("http://host/clip.gif", "which can only be read"),
        ("file:///dev/null", "a device"),
        ("/dev/stdout", "or - for the standard output"),
        ("/dev/fd/7", "or - for the standard output"),
        ("/proc/self/fd/1", "or - for the standard output"),
        ("s3://bucket", "such as s3://bucket/clip.gif"),
        ("clip.mp4", "name it clip.gif"),
        ("a.b/../clip.webp", "name it a.b/../clip.gif"),
        ("clip.png", "--also"),
        ("x" * 300 + ".gif", "File name too long"),
        ("source.gif", "the source itself"),
        ("work/frames/frame_7.gif", "a folder of frame files"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(clip: Path, given: str, words: str) -> None:
    """When the command begins, with what would do; nothing is left there."""
    Path("folder").mkdir()
    Path("taken").write_text("mine")
    Path("source.gif").write_bytes(gif(2))
    for name in ("fifo", "fifo.gif"):
        os.mkfifo(name)
    Path("loop.gif").symlink_to("loop.gif")
    Path("to-null.gif").symlink_to("/dev/null")
    before = sorted(Path().rglob("*"))
    with pytest.raises(ParameterError) as error:
        ClipCopy(given, str(clip), "source.gif")
    assert words in str(error.value)
    assert "s3cret" not in str(error.value)
    assert sorted(Path().rglob("*")) == before
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize(
    ("url", "match", "given"),
    [
        ("pictures", "", "pictures/clip.gif"),
        ("pictures", "c*", "link/clip.gif"),
        ("link", "", "pictures/clip.gif"),
        ("pictures/*.gif", "", "pictures/clip.gif"),
        ("**/*.gif", "", "pictures/clip.gif"),
        ("**", "", "pictures/clip.gif"),
        ('["other", "pictures"]', "", "pictures/clip.gif"),
        ('["a.png", "pictures/clip.gif"]', "", "pictures/clip.gif"),
    ],
)
def test_a_clip_is_no_picture_of_its_own_source(
    clip: Path, url: str, match: str, given: str
) -> None:
    """The next run would take it, and the one behind that one the larger clip."""
    Path("pictures").mkdir()
    Path("link").symlink_to("pictures")
    absolute = CombineGif.url.normalize(url)
    with pytest.raises(ParameterError, match="the source"):
        ClipCopy(given, str(clip), absolute, match)


@pytest.mark.parametrize(
    ("url", "match", "given"),
    [
        ("pictures", "", "clip.gif"),
        ("pictures", "*.png", "pictures/clip.gif"),
        ("pictures", "", "pictures/more/clip.gif"),
        ("pictures", "", "pictures/.clip.gif"),
        ("pictures/*.gif", "", "pictures/more/clip.gif"),
        ("**/*.png", "", "pictures/clip.gif"),
        ("**/more/*", "", "pictures/clip.gif"),
        ("https://example.org/pictures/", "", "pictures/clip.gif"),
    ],
)
def test_a_clip_may_lie_beside_what_its_source_takes(
    clip: Path, url: str, match: str, given: str
) -> None:
    Path("pictures/more").mkdir(parents=True)
    ClipCopy(given, str(clip), CombineGif.url.normalize(url), match)


@pytest.mark.parametrize("mine", [b"mine", gif(1), "edited"])
def test_a_file_of_the_users_is_left_as_it_is(clip: Path, mine: bytes | str) -> None:
    """Also a GIF, and a clip of this pipeline that was edited since."""
    data = clip.read_bytes().replace(b"NETSCAPE", b"netscape") if isinstance(mine, str) else mine
    Path("mine.gif").write_bytes(data)
    with pytest.raises(ForeignFileError, match=r"mine\.gif"):
        ClipCopy("mine.gif", str(clip), "bundle.img")
    assert Path("mine.gif").read_bytes() == data


def test_a_file_that_appears_meanwhile_is_left_as_it_is(clip: Path) -> None:
    """While the clip was made."""
    copy = ClipCopy("mine.gif", str(clip), "bundle.img")
    Path("mine.gif").write_bytes(b"mine")
    with pytest.raises(ForeignFileError):
        copy.publish(target(clip))
    assert Path("mine.gif").read_bytes() == b"mine"


def test_a_link_stays_and_its_file_is_written(clip: Path) -> None:
    """Also one whose file is not there yet."""
    Path("folder").mkdir()
    Path("latest.gif").symlink_to("folder/clip.gif")
    for _ in range(2):
        put(clip, "latest.gif")
        assert Path("latest.gif").is_symlink()
        assert Path("folder/clip.gif").read_bytes() == clip.read_bytes()


def test_the_clip_itself_needs_no_copy(clip: Path) -> None:
    """However it is spelled."""
    Path("link").symlink_to("work")
    before = clip.stat()
    for given in ("work/clip.gif", str(clip), "link/../work/clip.gif", "link/clip.gif"):
        assert put(clip, given) == given
    assert clip.stat() == before


def test_an_empty_file_is_nobodys(clip: Path) -> None:
    """As mktemp makes it."""
    Path("empty.gif").touch()
    put(clip, "empty.gif")
    assert Path("empty.gif").read_bytes() == clip.read_bytes()


def test_a_tilde_is_the_home_folder(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a shell does not say where -o is quoted."""
    Path("home").mkdir()
    monkeypatch.setenv("HOME", os.path.abspath("home"))
    assert put(clip, "~/clip.gif") == os.path.abspath("home/clip.gif")
    assert Path("home/clip.gif").read_bytes() == clip.read_bytes()


def test_a_disk_that_takes_no_more_leaves_nothing_half(clip: Path) -> None:
    """But the error, and a copy that was there."""
    put(clip, "copy.gif")

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (clip.stat().st_size - 1, hard))
    try:
        with pytest.raises(StorageError, match="File too large"):
            put(clip, "copy.gif")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Path("copy.gif").read_bytes() == clip.read_bytes()
    assert sorted(os.listdir()) == ["copy.gif", "work"]


def test_a_folder_that_is_gone_is_named(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in it means nothing then."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir("gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ParameterError, match="full path"):
        ClipCopy("copy.gif", str(clip), "bundle.img")


@pytest.mark.slow
def test_it_is_known_before_any_work(tmp_path: Path) -> None:
    """Exit code 2, and no work directory."""
    result = run_luigi_gif(tmp_path, str(SAMPLE), "-o", "no/such/clip.gif")
    assert result.returncode == 2
    assert re.search(r"^  next:     make it", result.stderr, re.MULTILINE)
    assert os.listdir(tmp_path) == []
