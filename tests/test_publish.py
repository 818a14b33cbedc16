"""PublishGif: the clip at the place where it is looked at, and what is there already."""

from __future__ import annotations

import json
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import luigi
import pytest
from luigi.configuration import get_config
from luigi.task_register import Register
from pytest_mock import MockerFixture
from support.images import DELIMITER, gif
from support.numbered import picture

from luigi_gif import CombineGif, HourlyGif, NightlyGif, PublishGif
from luigi_gif.clip_copy import ClipCopy
from luigi_gif.errors import ForeignFileError, ParameterError, StorageError
from luigi_gif.storage import object_folder


def made_of(*pictures: bytes, workdir: Path) -> Path:
    """The clip of some pictures."""
    workdir.mkdir()
    (workdir / "in.img").write_bytes(DELIMITER.join(pictures))
    made = CombineGif(url=str(workdir / "in.img"), workdir=str(workdir))
    made.alone = True
    made.run()
    made.forget_run()
    return workdir / "clip.gif"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work directory with a clip of two frames."""
    monkeypatch.chdir(tmp_path)
    Register.clear_instance_cache()
    return made_of(gif(1), gif(2), workdir=tmp_path / "work").parent


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a clip may be published."""
    if request.param == "local":
        (tmp_path / "site").mkdir()
        yield str(tmp_path / "site" / "clip.gif")
        return
    root = f"/{uuid.uuid4()}"
    yield f"memory:/{root}/clip.gif"


def task(work: Path, to: str, **options: object) -> PublishGif:
    return PublishGif(url=str(work / "in.img"), workdir=str(work), to=to, **options)


def publish(work: Path, to: str, **options: object) -> bool:
    """As Luigi does it: whether anything had to be done."""
    made = task(work, to, **options)
    if made.complete():
        made.forget_run()
        return False
    made.alone = True
    made.run()
    assert made.complete()
    made.on_success()
    return True


def content(url: str) -> dict[str, bytes]:
    """What lies in a folder, by its names."""
    system, root = fsspec.core.url_to_fs(url)
    if not system.isdir(root):
        return {}
    return {os.path.basename(path): system.cat_file(path) for path in system.find(root)}


def put(place: str, data: bytes) -> None:
    system, path = fsspec.core.url_to_fs(place)
    system.pipe_file(path, data)


def published(place: str) -> bytes:
    """The only thing that lies there."""
    ((name, data),) = content(os.path.dirname(place)).items()
    assert name == "clip.gif"
    return data


def test_the_clip_is_published_once(work: Path, place: str) -> None:
    """A clip that did not change is not written again."""
    assert publish(work, place)
    assert published(place) == (work / "clip.gif").read_bytes()
    target = task(work, place).output()
    version = target.folder.version(target.name)
    assert not publish(work, place)
    assert target.folder.version(target.name) == version


def test_a_clip_that_changed_takes_the_place_of_the_one_before(work: Path, place: str) -> None:
    """By another parameter, which makes it anew."""
    publish(work, place)
    assert publish(work, place, plays=3)
    assert published(place) == (work / "clip.gif").read_bytes()
    assert b"NETSCAPE2.0\x03\x01\x02\x00" in published(place)


def test_what_is_gone_is_published_again(work: Path, place: str) -> None:
    """Whoever removed it."""
    publish(work, place)
    task(work, place).output().remove()
    assert publish(work, place)
    assert published(place) == (work / "clip.gif").read_bytes()


def test_another_clip_in_its_place_gives_way(work: Path, place: str, tmp_path: Path) -> None:
    """Though nobody noted that it is there."""
    other = made_of(gif(3), workdir=tmp_path / "other").read_bytes()
    put(place, other)
    assert publish(work, place)
    assert published(place) == (work / "clip.gif").read_bytes()
    put(place, other)
    assert publish(work, place)
    assert published(place) == (work / "clip.gif").read_bytes()


def test_the_clip_in_the_work_directory_of_another_run_stays(work: Path, tmp_path: Path) -> None:
    """Else each of the two would replace it whenever the other had."""
    clip = made_of(gif(3), workdir=tmp_path / "other")
    before = clip.read_bytes()
    with pytest.raises(ParameterError, match="the clip of a run"):
        publish(work, str(clip))
    assert clip.read_bytes() == before


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("mine", [b"mine", gif(1), "edited"])
def test_what_is_not_ours_stays(work: Path, place: str, mine: bytes | str, before: bool) -> None:
    """Also where a clip was published before, and a clip that was edited."""
    if before:
        publish(work, place)
    clip = (work / "clip.gif").read_bytes()
    data = clip.replace(b"NETSCAPE", b"netscape") if isinstance(mine, str) else mine
    put(place, data)
    with pytest.raises(ForeignFileError, match=r"one that was changed|another file"):
        publish(work, place)
    assert published(place) == data


def test_what_appears_meanwhile_stays(work: Path, place: str, mocker: MockerFixture) -> None:
    """While the clip is copied."""
    copy = shutil.copyfileobj

    def slow_copy(*args: Any) -> None:
        copy(*args)
        put(place, b"mine")

    mocker.patch("shutil.copyfileobj", slow_copy)
    with pytest.raises(ForeignFileError):
        publish(work, place)
    assert published(place) == b"mine"


def test_who_may_read_a_clip_stays_as_it_is(work: Path, tmp_path: Path) -> None:
    """A web server, perhaps, that the user has given the right to."""
    place = tmp_path / "clip.gif"
    publish(work, str(place))
    for mode in (0o640, 0o604):
        place.chmod(mode)
        publish(work, str(place), plays=mode)
        assert place.stat().st_mode & 0o777 == mode


def test_a_work_directory_may_lie_on_a_store(work: Path, place: str) -> None:
    """Wherever the clip goes."""
    memory = f"memory://{uuid.uuid4()}"
    made = PublishGif(url=str(work / "in.img"), workdir=memory, to=place)
    made.alone = True
    made.run()
    assert made.complete()
    assert published(place) == content(memory)["clip.gif"]


def test_a_lost_note_costs_a_look_only(work: Path, place: str) -> None:
    """What lies there is this clip to its last byte: it is not written again."""
    publish(work, place)
    target = task(work, place).output()
    version = target.folder.version(target.name)
    (work / "run.json").unlink()
    assert publish(work, place)
    assert target.folder.version(target.name) == version
    assert not publish(work, place)


def test_what_is_published_is_not_read(
    work: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To know that it is current, its version does; to replace it, too."""
    publish(work, place)
    folder = type(task(work, place).output().folder)
    opened: list[str] = []
    read = folder.open

    def spied(self: Any, name: str) -> Any:
        opened.append(self.path(name))
        return read(self, name)

    monkeypatch.setattr(folder, "open", spied)
    assert not publish(work, place)
    assert publish(work, place, plays=2)
    assert not any(path.endswith(place.removeprefix("memory:/")) for path in opened)


def test_a_dated_copy_has_the_time_of_the_newest_picture(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its name has it; one of the same time stays, another time is another copy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    options: Any = {
        "url": "in", "workdir": "w", "to": place, "timezone": "Europe/Oslo",
        "dated_copy": "%Y%m%d-%H%M%%.gif",
    }  # fmt: skip

    def run(**more: object) -> dict[str, bytes]:
        made = PublishGif(**options, **more)
        made.alone = True
        made.run()
        made.forget_run()
        return content(os.path.dirname(place))

    for hour in (9, 10):
        (tmp_path / "in" / f"a_20260701{hour:02}05.png").write_bytes(picture(hour))
    first = run()
    assert set(first) == {"clip.gif", "20260701-1005%.gif"}
    assert first["clip.gif"] == first["20260701-1005%.gif"]
    changed = run(plays=2)
    assert changed["clip.gif"] != first["clip.gif"]
    assert changed["20260701-1005%.gif"] == first["20260701-1005%.gif"]
    (tmp_path / "in" / "a_202607011105.png").write_bytes(picture(11))
    assert set(run()) == {*first, "20260701-1105%.gif"}


def test_a_dated_copy_without_a_time_has_that_of_the_clip(work: Path, place: str) -> None:
    """When it was made; asked for later, it is made of the clip that is published already."""
    publish(work, place)
    assert publish(work, place, dated_copy="c%Y-%m-%dT%H.%M.%S.gif")
    made = json.loads((work / "run.json").read_text())["clips"]["clip.gif"]["made"]
    (name,) = set(content(os.path.dirname(place))) - {"clip.gif"}
    assert datetime.strptime(name, "c%Y-%m-%dT%H.%M.%S.gif").replace(tzinfo=UTC).isoformat() == made
    assert not publish(work, place, dated_copy="c%Y-%m-%dT%H.%M.%S.gif")


def test_a_dated_copy_never_takes_the_place_of_a_file(
    work: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The clip itself is published, and the log says so."""
    (name,) = {datetime.fromisoformat(made).strftime("%Y%m%d.gif") for made in [made_at(work)]}
    (tmp_path / name).write_bytes(b"mine")
    publish(work, str(tmp_path / "clip.gif"), dated_copy="%Y%m%d.gif")
    assert (tmp_path / name).read_bytes() == b"mine"
    assert (tmp_path / "clip.gif").exists()
    assert "no dated copy" in caplog.text


def test_a_dated_copy_is_there_before_the_clip(
    work: Path, tmp_path: Path, mocker: MockerFixture
) -> None:
    """So a run that ends between the two leaves none out."""
    (tmp_path / "site").mkdir()
    place = tmp_path / "site" / "clip.gif"
    mocker.patch.object(ClipCopy, "holds", side_effect=KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        publish(work, str(place), dated_copy="%Y.gif")
    mocker.stopall()
    assert [path.name for path in place.parent.iterdir()] == [f"{made_at(work)[:4]}.gif"]
    assert publish(work, str(place), dated_copy="%Y.gif")
    assert len({path.read_bytes() for path in place.parent.iterdir()}) == 1


def test_a_clip_that_another_run_put_there_meanwhile_is_not_taken_for_its_own(
    work: Path, tmp_path: Path, mocker: MockerFixture
) -> None:
    """Whose version is noted is told by the clip that is there."""
    place = str(tmp_path / "clip.gif")
    other = made_of(gif(3), workdir=tmp_path / "other").read_bytes()
    copy = ClipCopy.publish

    def overtaken(self: ClipCopy, *args: Any, **options: Any) -> str:
        shown = copy(self, *args, **options)
        put(place, other)
        return shown

    mocker.patch.object(ClipCopy, "publish", overtaken)
    made = task(work, place)
    made.alone = True
    made.run()
    made.forget_run()
    assert not made.complete()


def made_at(work: Path) -> str:
    made: str = json.loads((work / "run.json").read_text())["clips"]["clip.gif"]["made"]
    return made


@pytest.mark.parametrize(
    "name", ["clip.gif", "%Y.png", "%Y/%m.gif", "%%Y.gif", "x" * 200 + "%Y.gif", "%Y\0.gif", ".gif"]
)
def test_a_dated_name_has_a_field(work: Path, name: str) -> None:
    """Of a time, and is the name of a GIF."""
    with pytest.raises(ParameterError, match="fields of a time"):
        task(work, "clip.gif", dated_copy=name)


@pytest.mark.parametrize(
    "url",
    [
        "memory://bucket/cam/",
        "MEMORY://bucket/cam",
        "memory://bucket/c*/c*.gif",
        '["memory://bucket/more/", "memory://bucket/cam/clip.gif"]',
    ],
)
def test_an_object_is_no_picture_of_its_own_source(work: Path, url: str) -> None:
    """As a file is none: the next run would take it."""
    to = "memory://bucket/cam/clip.gif"
    made = PublishGif(url=url, workdir=str(work), to=to)
    with pytest.raises(ParameterError, match="the source"):
        made.check_place()
    made.clone(match="*.png", url="memory://bucket/cam/").check_place()


def test_a_folder_on_a_store_is_no_place(work: Path) -> None:
    """Nor is one of frame files."""
    root = f"memory://{uuid.uuid4()}"
    put(f"{root}/clip.gif/other", b"x")
    with pytest.raises(ParameterError, match=r"such as .*clip\.gif/clip\.gif"):
        task(work, f"{root}/clip.gif").check_place()
    put(f"{root}/w/frames/manifest.json", b"x")
    with pytest.raises(ParameterError, match="frame files"):
        task(work, f"{root}/w/frames/clip.gif").check_place()


def test_the_section_of_combine_gif_counts(work: Path) -> None:
    """As far as nothing else is said for PublishGif."""
    config = get_config()
    for section in ("CombineGif", "PublishGif"):
        config.add_section(section)
    try:
        config.set("CombineGif", "plays", "4")
        config.set("CombineGif", "bounce", "true")
        config.set("PublishGif", "plays", "5")
        config.set("PublishGif", "to", "there.gif")
        made = PublishGif(url="in.img", workdir=str(work), bounce=False)
        assert (made.plays, made.bounce, made.to) == (5, False, os.path.abspath("there.gif"))
        assert task(work, "here.gif").bounce
        assert task(work, "here.gif", plays=6).requires().plays == 6
    finally:
        for section in ("CombineGif", "PublishGif"):
            config.remove_section(section)


def test_a_night_and_an_hour_have_places_of_their_own(work: Path) -> None:
    """With their date in it; one that two of them share is an error."""
    url, night, hour = str(work / "in.img"), "2026-11-23", "2026-11-23T18"
    published = NightlyGif(date=night, url=url, to="site/%d/%Y%m.gif").requires()
    assert published.to == os.path.abspath("site/23/202611.gif")
    assert published.workdir == os.path.abspath("data/2026-11-23")
    published = HourlyGif(hour=hour, url=url, to="site/%Y%m%d%H.gif").requires()
    assert published.to == os.path.abspath("site/2026112318.gif")
    assert isinstance(NightlyGif(date=night, url=url).requires(), CombineGif)
    with pytest.raises(ParameterError, match="a place for each day"):
        NightlyGif(date=night, url=url, to="latest.gif")
    with pytest.raises(ParameterError, match="a place for each hour"):
        HourlyGif(hour=hour, url=url, to="%Y-%m-%d.gif")


def test_it_has_all_parameters_of_combine_gif() -> None:
    """And two of its own."""
    own = {name for name, _ in PublishGif.get_params()}
    assert own == {name for name, _ in CombineGif.get_params()} | {"to", "dated_copy"}


def test_one_message_tells_of_a_clip(work: Path, mocker: MockerFixture) -> None:
    """Its place, without secrets; none where nothing was published."""
    told = mocker.patch("luigi_gif.integrations.notify_success")
    place = f"memory://{uuid.uuid4()}/clip.gif"
    (work / "clip.gif").unlink()
    made = task(work, place)
    made.alone = True
    made.run()
    made.on_success()
    (((where, words), _),) = told.call_args_list
    assert where == place
    assert words.startswith(f"{place}: 2 frames, ")
    assert not publish(work, place)
    assert told.call_count == 1


def test_under_luigi_the_clip_is_made_first(work: Path, tmp_path: Path) -> None:
    """And published as the fifth task."""
    (work / "clip.gif").unlink()
    site = tmp_path / "site.gif"
    made = task(work, str(site))
    assert luigi.build([made], local_scheduler=True, no_lock=True)
    assert site.read_bytes() == (work / "clip.gif").read_bytes()


def test_a_reader_never_sees_a_part(work: Path, tmp_path: Path) -> None:
    """Nor a missing file, while the clip is replaced again and again."""
    other = made_of(*[gif(3)] * 3, workdir=tmp_path / "other").parent
    place, end = tmp_path / "site.gif", tmp_path / "end"
    publish(work, str(place))
    right = {(folder / "clip.gif").read_bytes() for folder in (work, other)}
    reader = os.fork()
    if not reader:
        with suppress(BaseException):
            while place.read_bytes() in right:
                if end.exists():
                    os._exit(0)
        os._exit(1)
    for number in range(10):
        assert publish((other, work)[number % 2], str(place))
    end.touch()
    assert os.waitpid(reader, 0)[1] == 0


def test_a_server_of_files_gets_another_name_first(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an upload can be seen while it is written, it is renamed when it is whole."""
    memory = type(fsspec.filesystem("memory"))
    root = f"memory://{uuid.uuid4()}"
    monkeypatch.setattr(object_folder, "_RENAMING", {"memory"})
    publish(work, f"{root}/clip.gif")
    before = published(f"{root}/clip.gif")

    def half(self: Any, local: str, path: str, **_: object) -> None:
        self.pipe_file(path, Path(local).read_bytes()[:100])
        raise ConnectionError("the line is cut")

    with monkeypatch.context() as broken:
        broken.setattr(memory, "put_file", half)
        with pytest.raises(StorageError, match="the line is cut"):
            publish(work, f"{root}/clip.gif", plays=2)
    assert published(f"{root}/clip.gif") == before
    assert publish(work, f"{root}/clip.gif", plays=2)
    assert published(f"{root}/clip.gif") == (work / "clip.gif").read_bytes() != before


def ends_the_process(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half_a_copy(source: Any, file: Any, _: int) -> None:
    file.write(source.read(100))
    file.flush()
    ends_the_process()


@pytest.mark.parametrize(
    ("owner", "name", "fatal"),
    [
        (shutil, "copyfileobj", half_a_copy),
        (os, "replace", ends_the_process),
        (ClipCopy, "version_of", ends_the_process),
    ],
)
def test_whatever_instant_a_run_is_killed_at(
    work: Path, tmp_path: Path, owner: object, name: str, fatal: Any
) -> None:
    """The old clip or the new one is there, whole; the next run publishes, and leaves nothing."""
    (tmp_path / "site").mkdir()
    place = tmp_path / "site" / "clip.gif"
    place.write_bytes(made_of(gif(3), workdir=tmp_path / "other").read_bytes())
    whole = {place.read_bytes(), (work / "clip.gif").read_bytes()}
    process = os.fork()
    if not process:
        setattr(owner, name, fatal)
        publish(work, str(place))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    assert place.read_bytes() in whole
    assert publish(work, str(place))
    assert published(str(place)) == (work / "clip.gif").read_bytes()
