"""The pipeline on S3, Google Cloud Storage and Azure Blob Storage, each as a program that runs."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec
import luigi
import pytest
from campaigns import publish as publishing
from fsspec.asyn import get_loop
from luigi.configuration import get_config
from luigi.task_register import Register
from pytest_mock import MockerFixture
from support.clips import clip_here, make_clip
from support.commands import Run, strange_lines
from support.fetched import Fetch
from support.images import DELIMITER
from support.numbered import picture, shown
from support.paths import SAMPLE
from support.pipeline import frame
from support.right_clips import NO_DELAYS_MS, PICTURES, PIXELS, same_clips, shown_frames
from support.services import dask_scheduler, dask_worker
from support.stores import STORES, Running, Store, missing

# What holds for any folder holds on a store: these run here with the folder below.
from test_storage import (  # noqa: F401
    test_a_listing_has_names_and_sizes,
    test_a_version_changes_with_the_file,
    test_what_fails_leaves_what_was_there,
    test_what_is_no_json_object_is_as_good_as_nothing,
    test_what_is_not_there_is_an_answer,
    test_what_is_published_appears_at_the_end,
    test_what_is_written_can_be_read,
)

import luigi_gif
from luigi_gif import clip_page, loop_state, loops_file, storage
from luigi_gif.errors import DownloadError, ForeignFileError, StorageError
from luigi_gif.frames import frame_to_gif
from luigi_gif.pruning import Limits, Pruning
from luigi_gif.sources import store_items
from luigi_gif.storage import store_calls as store_module

Files = dict[str, bytes]
BUNDLE = DELIMITER.join(map(frame, range(6)))

pytestmark = pytest.mark.xdist_group("stores")
"""With --dist loadgroup they start once, not once a process of the tests."""


@pytest.fixture(autouse=True)
def nothing_left() -> None:
    """Threads may be: fsspec keeps some for good, and ends others when Python collects garbage."""


@pytest.fixture(scope="module", autouse=True)
def no_garbage_left() -> Iterator[None]:
    """The tests of other modules find no such threads."""
    yield
    forget_stores()
    gc.collect()


@pytest.fixture(scope="module", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """What botocore knows of S3 is a megabyte of JSON, which each new session would read again."""
    with pytest.MonkeyPatch.context() as patch:
        if not missing("s3"):
            session = importlib.import_module("botocore.session")
            patch.setattr(session, "create_loader", functools.cache(session.create_loader))
        yield


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.external] if name == "azure" else [])
        for name in STORES
    ]
)
def store(
    request: pytest.FixtureRequest, running: Running, monkeypatch: pytest.MonkeyPatch
) -> Store:
    """A store that fsspec finds; in CI there has to be every one."""
    if what := missing(request.param):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not installed")
    get_loop()
    for name, value in running[request.param].environment.items():
        monkeypatch.setenv(name, value)
    return running[request.param]


@pytest.fixture
def found_by(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """Let fsspec look for its stores by other variables."""

    def change(environment: dict[str, str]) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        forget_stores()

    yield change
    forget_stores()


@pytest.fixture(name="command")
def luigi_command(request: pytest.FixtureRequest) -> Run:
    """The luigi command; the package has its name here."""
    run: Run = request.getfixturevalue("luigi")
    return run


@pytest.fixture
def folder(store: Store) -> storage.Folder:
    """A folder of a new bucket."""
    return storage.open_folder(f"{store.bucket()}/work")


@pytest.fixture(scope="session")
def cluster(running: Running) -> Iterator[str]:
    """The address of a scheduler with a worker, both of which find every store."""
    environment: dict[str, str] = {}
    for name in STORES:
        if not missing(name):
            environment.update(running[name].environment)
    with (
        dask_scheduler(**environment) as scheduler,
        dask_worker(scheduler.address, **environment),
    ):
        yield scheduler.address


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a small bundle."""
    path = tmp_path_factory.mktemp("bundle") / "bundle.img"
    path.write_bytes(BUNDLE)
    return str(path)


@pytest.fixture(scope="module")
def local_files(bundle: str, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The files that a run on it makes in a local folder."""
    return local_run(bundle, tmp_path_factory.mktemp("local"))


def local_run(url: str, workdir: Path) -> Files:
    clip_here(url, workdir)
    return {
        str(path.relative_to(workdir)): path.read_bytes()
        for path in workdir.rglob("*")
        if path.is_file() and path.name != storage.LOCK
    }


def same(url: str, expected: Files) -> bool:
    """Whether the folder of a store holds these files, and no other ones."""
    system, root = fsspec.core.url_to_fs(url)
    system.invalidate_cache()
    found = system.cat(system.find(root), start=0)  # with a start, s3fs asks once, not twice
    names = (path.removeprefix(f"{root}/") for path in found)
    return comparable(dict(zip(names, found.values(), strict=True))) == comparable(expected)


def comparable(files: Files) -> dict[str, object]:
    """Files as they are in each folder: without the bundle's version there, and without times."""
    files = {name: data for name, data in files.items() if name != "run.json"}
    notes = {name: json.loads(files[name]) for name in ("image-data.img.json", "frames.json")}
    of_one = {"version": "", "crc32": "", "asked": 0}
    return {**files, **{name: {**note, **of_one} for name, note in notes.items()}}


def afresh(folder: storage.Folder) -> storage.Folder:
    """The same folder, as another process sees it."""
    forget_stores()
    return storage.open_folder(folder.url)


def forget_stores() -> None:
    """Let fsspec begin anew."""
    for scheme in ("s3", "gs", "abfs"):
        with contextlib.suppress(ImportError):
            fsspec.get_filesystem_class(scheme).clear_instance_cache()


def test_a_version_is_the_same_for_all(folder: storage.Folder) -> None:
    """For another process, and after a listing; other bytes of the same size change it."""
    folder.write("sub/name", b"1")
    version = folder.version("sub/name")
    for each in (folder, afresh(folder)):
        assert list(each.entries("sub")) == [("name", 1)]
        assert each.version("sub/name") == version
    afresh(folder).write("sub/name", b"2")
    assert folder.version("sub/name") == afresh(folder).version("sub/name") != version


def test_what_others_do_is_seen_at_once(folder: storage.Folder) -> None:
    """No listing that is kept from before hides it."""
    folder.write("sub/kept", b"1")
    folder.write("sub/removed", b"1")
    version = folder.version("sub/kept")
    assert sorted(folder.entries("sub")) == [("kept", 1), ("removed", 1)]

    other = afresh(folder)
    other.write("sub/kept", b"22")
    other.write("sub/added", b"333")
    other.remove("sub/removed")
    assert folder.size("sub/kept") == 2
    assert folder.version("sub/kept") != version
    assert folder.read("sub/kept") == b"22"
    assert folder.size("sub/added") == 3
    assert folder.size("sub/removed") is None
    assert sorted(folder.entries("sub")) == [("added", 3), ("kept", 2)]


def test_what_is_removed_is_gone(folder: storage.Folder) -> None:
    """For the listing too; the other files stay."""
    folder.write("sub/name", b"1")
    folder.write("sub/other", b"22")
    assert len(list(folder.entries("sub"))) == 2
    folder.remove("sub/name")
    assert folder.size("sub/name") is None
    assert list(folder.entries("sub")) == [("other", 2)]


def test_what_is_not_published_is_not_there(folder: storage.Folder) -> None:
    """If the block raises, no object appears, under this name or another."""
    with pytest.raises(ZeroDivisionError), folder.atomic_writer("sub/name") as file:
        file.write(b"new" * (1 << 20) + bytes(1 // 0))
    assert list(folder.entries("sub")) == []


def test_a_listing_can_be_had_in_parts(folder: storage.Folder) -> None:
    """By how names begin; it is as fresh as one in a piece."""
    for name in ("a_0", "a_1", "b_0", "c_0"):
        folder.write(f"sub/{name}", b"1")
    assert sorted(folder.entries("sub", ["a_", "c_", "d_"])) == [("a_0", 1), ("a_1", 1), ("c_0", 1)]
    other = afresh(folder)
    other.remove("sub/a_0")
    other.write("sub/a_1", b"22")
    other.write("sub/d_0", b"1")
    assert sorted(folder.entries("sub", ["a_", "d_"])) == [("a_1", 2), ("d_0", 1)]
    assert folder.size("sub/a_1") == 2


def test_many_are_sent_and_fetched_at_a_time(
    folder: storage.Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each arrives under its own name, and comes back in order; what is not there is None."""
    monkeypatch.setattr(store_module, "AT_ONCE", 4)
    contents = {f"sub/{number}": b"%d" % number for number in range(11)}
    with folder.writer() as write:
        for name, data in contents.items():
            write(name, data)
    names = [*contents, "sub/none"]
    assert list(folder.read_many(names, 1)) == [*contents.values(), None]
    assert list(afresh(folder).read_many(names[::-1], 1)) == [None, *[*contents.values()][::-1]]


def test_a_folder_that_is_shared_is_known(folder: storage.Folder) -> None:
    """By a worker, and only while it is shared; nothing of that stays."""
    with folder.share() as handle:
        storage.attach(handle).write("name", b"1")
    with pytest.raises(StorageError):
        storage.attach(handle)
    assert list(folder.entries("")) == [("name", 1)]


def test_a_store_is_a_work_directory(
    luigi_gif_here: Callable[..., int],
    store: Store,
    cluster: str,
    tmp_path: Path,
) -> None:
    """Of a bundle that lies there too, workers make the files that a local folder gets.

    Done is known to be, and that something is missing.
    """
    bucket = store.bucket()
    bundle, url = f"{bucket}/bundle.img", f"{bucket}/work"
    storage.open_folder(bucket).write("bundle.img", BUNDLE)
    assert luigi_gif_here(bundle, "--workdir", url, "--dask-address", cluster) == 0
    assert same(url, local_run(bundle, tmp_path / "local"))
    combined = luigi_gif.CombineGif(url=bundle, workdir=url)
    assert combined.complete()
    for step, name in ((combined, "clip.gif"), (combined.requires(), "frames/frame_05.gif")):
        storage.open_folder(url).remove(name)
        step.forget_run()
        assert not step.complete()


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_frames_that_were_made_already_are_moved_on_a_store(
    store: Store, tmp_path: Path, mocker: MockerFixture
) -> None:
    """Only one that is new or missing is made; nothing is left under old names."""
    render = mocker.spy(frame_to_gif, "render_frame")
    url, pictures = f"{store.bucket()}/work", tmp_path / "pictures"
    pictures.mkdir()

    def make() -> None:
        Register.clear_instance_cache()
        combined = luigi_gif.CombineGif(url=str(pictures), workdir=url)
        assert luigi.build([combined], local_scheduler=True, no_lock=True)

    for number in range(3, 9):
        (pictures / f"{number}.gif").write_bytes(frame(number))
    make()
    (pictures / "3.gif").unlink()
    (pictures / "4.gif").rename(pictures / "7b.gif")  # so that some numbers fall, others rise
    (pictures / "9.gif").write_bytes(frame(9))
    render.reset_mock()
    make()
    assert render.call_count == 1
    folder = storage.open_folder(url)
    for name in ("frames/frame_05.gif", "clip.gif"):
        folder.remove(name)
    make()
    assert render.call_count == 2
    names = [f"frames/frame_0{place}.gif" for place in range(6)]
    assert [*folder.read_many(names, 200)] == [frame(number) for number in (5, 6, 7, 4, 8, 9)]
    assert {each.name for each in folder.entries("frames")} == {
        "manifest.json",
        "records.json",
        *(name.rpartition("/")[2] for name in names),
    }


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_the_luigi_command_works_on_a_store(
    command: Run, store: Store, bundle: str, local_files: Files
) -> None:
    """It ends by itself, and says nothing odd."""
    work = f"{store.bucket()}/work"
    result = command("--url", bundle, "--workdir", work)
    assert result.returncode == 0, result.stderr
    assert not strange_lines(result.stderr)
    assert same(work, local_files)


def test_a_bucket_that_is_not_there_is_named(store: Store) -> None:
    """In words."""
    url = f"{store.scheme}://no-such-bucket/work"
    with pytest.raises(StorageError, match="exist") as error:
        luigi_gif.DownloadData(url=str(SAMPLE), workdir=url).run()
    assert error.value.where.startswith(url)


def test_a_bundle_that_is_not_there_is_named(fetch: Fetch, store: Store) -> None:
    """In words."""
    for url in (f"{store.bucket()}/none.img", f"{store.scheme}://no-such-bucket/none.img"):
        with pytest.raises(DownloadError) as error:
            fetch(url)
        assert error.value.where == url
        assert re.search("no such|not exist", error.value.got, re.IGNORECASE)


@pytest.mark.parametrize("store", ["s3", "azure"], indirect=True)  # the third refuses nobody
def test_a_store_that_refuses_is_named(
    fetch: Fetch, store: Store, found_by: Callable[[dict[str, str]], None]
) -> None:
    """Be it the work directory's or the bundle's."""
    url = f"{store.scheme}://bucket/work"
    found_by(store.refused)
    with pytest.raises(StorageError) as refusal:
        luigi_gif.DownloadData(url=str(SAMPLE), workdir=url).run()
    assert refusal.value.where.startswith(url)
    with pytest.raises(DownloadError) as error:
        fetch(url)
    assert error.value.where == url
    assert "\n" not in error.value.got


def test_a_store_that_does_not_answer_is_given_up(
    store: Store, found_by: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sooner than by its own library, which tries again for up to 90 seconds each time."""
    found_by(store.unresponsive)
    monkeypatch.setattr(store_module, "ANSWER_S", 0.2)
    url = f"{store.scheme}://{uuid.uuid4()}/work"
    for method in ("size", "version", "read"):
        with pytest.raises(StorageError) as error:
            getattr(storage.open_folder(url), method)("name")
        assert error.value.where.startswith(url)
        assert "no answer" in error.value.got


def test_a_prefix_or_a_pattern_of_a_store_is_a_source(store: Store, tmp_path: Path) -> None:
    """Its pictures in natural order, as from a folder; each is read as it was listed."""
    bucket, numbers = store.bucket(), [2, 9, 10, 11]
    names = {f"pictures/frame_{number}.png" for number in numbers}
    for name in names | {"pictures/notes.txt", "pictures/.hidden.png", "other/frame_1.png"}:
        number = int(re.sub(r"\D", "", name) or 0)
        fsspec.filesystem(store.scheme).pipe_file(f"{bucket}/{name}", picture(number))
    for place, (pattern, expected) in enumerate(
        [("pictures/", numbers), ("pictures/frame_*.png", numbers), ("*/frame_1?.png", [10, 11])]
    ):
        assert shown(clip_here(f"{bucket}/{pattern}", tmp_path / str(place))) == expected


def test_a_prefix_becomes_the_right_clip(
    luigi_gif_here: Callable[..., int], cluster: str, store: Store, tmp_path: Path
) -> None:
    """By one command; each picture in its place, whoever writes the frames."""
    system = fsspec.filesystem(store.scheme)
    bucket = store.bucket()
    for name, data in {**PICTURES, "notes.txt": b"no picture"}.items():
        system.pipe_file(f"{bucket}/radar/{name}", data)
    clip = same_clips(luigi_gif_here, tmp_path, [f"{bucket}/radar/"], cluster)
    assert shown_frames(clip) == ([each.tolist() for each in PIXELS], NO_DELAYS_MS)


def served_as(url: str) -> tuple[str, str]:
    """Content type and Cache-Control of an object, as its store tells them in its own words."""
    system, key = fsspec.core.url_to_fs(url)
    info = system.info(key)
    if "s3" in system.protocol:
        bucket, _, name = key.partition("/")
        head = system.call_s3("head_object", Bucket=bucket, Key=name)
        return head["ContentType"], head.get("CacheControl", "")
    settings = info.get("content_settings") or {
        "content_type": info["contentType"],
        "cache_control": info.get("cacheControl"),
    }
    return settings["content_type"], settings["cache_control"] or ""


def published(url: str, workdir: Path) -> bytes:
    """The clip of the sample's first frames, once it is published there."""
    task = luigi_gif.PublishGif(url=str(SAMPLE), workdir=workdir, to=url, dated_copy="%Y.gif")
    task.alone = True
    assert not task.complete()
    task.run()
    assert task.complete()
    task.forget_run()
    return (workdir / "clip.gif").read_bytes()


def test_a_clip_is_published_on_a_store(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a GIF that no cache keeps unasked, and a copy of it; known to be there from then on."""
    bucket = store.bucket()
    url = f"{bucket}/loops/clip.gif"
    clip = published(url, tmp_path / "work")
    system, key = fsspec.core.url_to_fs(url)
    objects = system.find(os.path.dirname(key))
    assert len(objects) == 2
    assert [system.cat_file(path) for path in objects] == [clip, clip]
    assert served_as(url) == ("image/gif", "no-cache")
    again = luigi_gif.PublishGif(
        url=str(SAMPLE), workdir=tmp_path / "work", to=url, dated_copy="%Y.gif"
    )
    monkeypatch.setattr(type(system), "cat_file", None)
    assert again.complete()


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_a_page_of_clips_is_served_as_what_it_is(store: Store, tmp_path: Path) -> None:
    """A browser shows it, keeps its posters, and asks for the rest each time."""
    folder = f"{store.bucket()}/loops"
    make_clip(frame(0), workdir := tmp_path / "a")
    opened = storage.open_folder(folder)
    for name in ("run.json", "clip.gif"):
        opened.write(f"a/{name}", (workdir / name).read_bytes())
    page = clip_page.write_page(folder)
    assert served_as(page) == ("text/html", "no-cache")
    assert served_as(f"{folder}/atom.xml")[0] == "application/atom+xml"
    (poster,) = opened.entries("posters")
    content_type, cache_control = served_as(f"{folder}/posters/{poster.name}")
    assert content_type == "image/webp"
    assert "immutable" in cache_control


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
@pytest.mark.parametrize("value", ["max-age=60", ""])
def test_the_user_says_how_long_caches_keep_a_clip(
    store: Store, tmp_path: Path, value: str
) -> None:
    """By a setting; if it is empty, the store says what it says by itself."""
    url, config = f"{store.bucket()}/clip.gif", get_config()
    config.add_section("publish")
    config.set("publish", "cache_control", value)
    try:
        published(url, tmp_path / "work")
    finally:
        config.remove_section("publish")
    assert served_as(url) == ("image/gif", value)


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_files_beside_a_clip_lie_on_a_store_too(store: Store, tmp_path: Path) -> None:
    """In a work directory there, and where the clip is published, with their own types."""
    bucket = store.bucket()
    asked = {"url": str(SAMPLE), "also": "apng,avif,poster", "last": 2}
    for workdir, to in (
        (f"{bucket}/work", f"{bucket}/loops/clip.gif"),
        (str(tmp_path), str(tmp_path / "site.gif")),
    ):
        task = luigi_gif.PublishGif(workdir=workdir, to=to, **asked)
        task.alone = True
        task.run()
        assert task.complete()
        task.forget_run()
    system = fsspec.filesystem(store.scheme)
    for suffix in ("apng", "avif", "poster.webp"):
        made = (tmp_path / f"clip.{suffix}").read_bytes()
        for folder in ("work", "loops"):
            assert system.cat_file(f"{bucket}/{folder}/clip.{suffix}") == made
    assert served_as(f"{bucket}/loops/clip.apng") == ("image/apng", "no-cache")


@pytest.mark.parametrize("store", ["s3"], indirect=True)
def test_what_is_not_ours_stays_on_a_store(store: Store, tmp_path: Path) -> None:
    """Whatever somebody put there."""
    url = f"{store.bucket()}/clip.gif"
    folder = storage.open_folder(os.path.dirname(url))
    folder.write("clip.gif", b"mine")
    with pytest.raises(ForeignFileError):
        published(url, tmp_path / "work")
    assert folder.read("clip.gif") == b"mine"


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_a_reader_of_an_object_never_sees_a_part(store: Store, tmp_path: Path) -> None:
    """Nor a missing one, while it is replaced again and again."""
    url, end = f"{store.bucket()}/clip.gif", threading.Event()
    tasks = publishing.clip_tasks(tmp_path, url, (1, 2))
    right, seen = set(), set()
    for task in tasks:
        publishing.publish(task)
        right.add(publishing.content(url))

    def read() -> None:
        while not end.wait(0.01):  # the other thread has its turn, too
            seen.add(publishing.content(url))

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        for number in range(4):
            publishing.publish(tasks[number % 2])
        end.set()
    assert reader.exception() is None
    assert seen == right


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_loops_work_on_a_store(store: Store, tmp_path: Path, bundle: str) -> None:
    """What is there says how they are, with the error of the one that failed."""
    (tmp_path / "loops.toml").write_text(
        f'[defaults]\nworkdir = "{store.bucket()}/loops"\n'
        f'[[loop]]\nname = "a"\nurl = "{bundle}"\n[[loop]]\nname = "b"\nurl = "none.img"'
    )
    path = tmp_path / "loops.toml"
    luigi.build([luigi_gif.Loops(file=path)], local_scheduler=True)
    states = loop_state.states_of(loops_file.read_loops(str(path)))
    assert [state.word for state in states] == ["ok", "failed"]
    assert states[1].reason.startswith("DownloadData: the file cannot be read: ")
    assert [state.made is None for state in states] == [False, True]


@pytest.mark.parametrize("store", ["gcs"], indirect=True)
def test_of_a_prefix_and_of_an_object_only_what_is_new_is_read(
    store: Store, mocker: MockerFixture, tmp_path: Path
) -> None:
    """With --refresh, where the work directory lies on a store too."""
    system, bucket = fsspec.filesystem(store.scheme), store.bucket()
    for number in range(4):
        system.pipe_file(f"{bucket}/radar/{number}.png", picture(number))
    read = mocker.spy(store_items.StoreItems, "_read_once")
    prefix, made = f"{bucket}/radar/", storage.open_folder(f"{bucket}/prefix")

    def refresh(url: str, workdir: str) -> None:
        task = luigi_gif.DownloadData(url=url, workdir=workdir, refresh=True)
        assert not task.complete()
        task.run()
        task.forget_run()

    refresh(prefix, made.url)
    before = made.version("image-data.img")
    refresh(prefix, made.url)
    assert made.version("image-data.img") == before
    system.rm_file(f"{bucket}/radar/0.png")
    system.pipe_file(f"{bucket}/radar/4.png", picture(4))
    read.reset_mock()
    refresh(prefix, made.url)
    assert [call.args[1].name for call in read.call_args_list] == ["4.png"]
    pictures = [picture(number) for number in range(1, 5)]
    assert made.read("image-data.img").split(b"\n" * 4) == pictures

    refresh(f"{prefix}1.png", str(tmp_path))
    opened = mocker.spy(storage.Store, "open")
    refresh(f"{prefix}1.png", str(tmp_path))
    assert opened.call_count == 0


def test_what_an_old_clip_does_not_need_is_removed(store: Store, local_files: Files) -> None:
    """And the clip, once it is old enough; what the user has put there stays."""
    bucket = store.bucket()
    folder = storage.open_folder(f"{bucket}/a/b")
    with folder.writer() as write:
        for name, data in {**local_files, "frames/mine.txt": b"mine"}.items():
            write(name, data)
    now = time.time() + 86_400
    kept = {"clip.gif", "run.json"}
    for limits, expected in (
        (Limits(3600, None), local_files.keys() - kept),
        (Limits(None, 3600), kept),
    ):
        removed = list(Pruning(bucket, limits, now).run())
        assert sorted(removed) == sorted(f"a/b/{name}" for name in expected)
    assert list(afresh(folder).entries("")) == []
    assert list(afresh(folder).entries("frames")) == [("mine.txt", 4)]
