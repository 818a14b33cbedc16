"""Parameters survive what Luigi makes of them: text, JSON for luigid, other processes."""

from __future__ import annotations

import inspect
import itertools
import json
import math
import os
import pickle
import re
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import luigi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from luigi.cmdline_parser import CmdlineParser
from luigi.freezing import recursively_freeze
from luigi.task_register import Register
from support import warm
from support.commands import Run, luigi_environment
from support.images import gif
from support.luigid import Luigid
from support.page_server import Server
from support.paths import ROOT, SAMPLE

import luigi_gif
from luigi_gif import cli_options, name_parameter
from luigi_gif.errors import ParameterError
from luigi_gif.settings import dask, download, notify

SECRET = "s3cret"
NAMES = some.text("abc.-_ é%#?", min_size=1, max_size=12).filter(lambda text: text.strip(". "))
FILES = some.builds("{}x/{}.img".format, NAMES, NAMES)
QUERIES = some.text("ab=&%:;@#?/*1 ", max_size=20)
URLS = (
    some.builds("https://{}.example/{}.img?{}".format, some.sampled_from("abc"), NAMES, QUERIES)
    | some.builds("ftp://user:{}@host/x.img".format, some.text("ab%:1", max_size=8))
    | some.builds("s3://bucket/{}".format, NAMES)
    | FILES
)
SIDES = some.integers(1, 65_535)
SCALARS = (
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text()
)
FLAT = SCALARS | some.lists(SCALARS, max_size=3) | some.dictionaries(some.text(), SCALARS)
NESTED = FLAT | some.lists(FLAT, max_size=3) | some.dictionaries(some.text(), FLAT, max_size=3)
JSON = NESTED.filter(
    lambda value: math.inf not in _leaves(value) and -math.inf not in _leaves(value)
)
TEXTS = some.text(max_size=30)
RECEIVERS = some.lists(
    some.text("ab%:/?=é", min_size=1, max_size=12).map("json://x{}".format), max_size=3
).map(" ".join)


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict | list):
        values = value.values() if isinstance(value, dict) else value
        return [leaf for each in values for leaf in _leaves(each)]
    return [value]


LENGTHS = some.integers(1, 10**9 - 1).map(str) | some.integers(1, 500_000).map(
    lambda parts: f"{parts / 10_000}%"
)

BUNDLE = {
    "url": URLS,
    "workdir": URLS | some.just(""),
    "data_file": FILES,
    "sha256": some.none() | some.text("0123456789abcdefABCDEF", min_size=64, max_size=64),
    "on_bad_frame": some.sampled_from(["fail", "skip"]),
}
FRAMES = {
    "size": some.none() | some.tuples(SIDES, SIDES | some.none()) | some.tuples(some.none(), SIDES),
    "crop": some.none() | some.builds("{}x{}+{}+{}".format, *[LENGTHS] * 4),
    "fit": some.just("fill"),  # the others need both sides of a size
    "background": some.just("transparent")
    | some.text("0123456789abcdefABCDEF", min_size=6, max_size=6).map("#{}".format),
    "quality": some.sampled_from(["fast", "best"]),
    "palette": some.sampled_from(["auto", "frame", "clip"]),
    "colors": some.integers(2, 256),
    "dither": some.sampled_from(["none", "ordered"]),
    "caption": some.sampled_from(["{name}", "{time:%d %b, %H:%M}\n{number:03}", "ç {{%}} \\n x"]),
    "caption_position": some.sampled_from(["top-left", "center", "bottom"]),
    "caption_size": some.none() | some.integers(6, 1000),
    "caption_color": some.sampled_from(["#ffffff", "#12AbCd"]),
    "caption_timezone": some.none() | some.just("Europe/Oslo"),
    "caption_box": some.sampled_from(["none", "#000000", "#FFffFF80"]),
    "duplicates": some.sampled_from(["keep", "merge", "drop"]),
    "ignore_sha256": some.lists(
        some.text("0123456789abcdefABCDEF", min_size=64, max_size=64), max_size=3
    ),
    "drop_blank": some.booleans(),
    "max_megapixels": some.integers(1, 178),
    "range": some.none()
    | some.tuples(some.floats(-1e300, 1e300), some.floats(-1e300, 1e300))
    .map(sorted)
    .filter(lambda ends: ends[0] < ends[1]),
}
CLIP = {
    "gif_file": FILES.map("{}.gif".format),
    "frame_duration_ms": some.none() | some.integers(20, 655_350),
    "fps": some.none() | some.floats(0.002, 50),
    "hold_first_ms": some.none() | some.integers(20, 655_350),
    "hold_last_ms": some.none() | some.integers(20, 655_350),
    "bounce": some.booleans(),
    "plays": some.integers(0, 65_536),
    "min_frames": some.integers(1, 10**9),
    "optimize": some.sampled_from(["none", "lossless", "lossy"]),
    "max_size": some.none() | some.integers(1000, 10**15) | some.sampled_from(["2.5MB", "slack"]),
}
SHARED = {name: BUNDLE[name] for name in ("data_file", "on_bad_frame")} | FRAMES | CLIP
WORKERS = some.tuples(some.integers(0, 10_000), some.integers(0, 10_000)).map(sorted)
TASKS: dict[type[luigi.Task], dict[str, Any]] = {
    luigi_gif.DownloadData: BUNDLE,
    luigi_gif.SplitFrames: BUNDLE,
    luigi_gif.WriteFrames: BUNDLE | FRAMES,
    luigi_gif.CombineGif: BUNDLE | FRAMES | CLIP,
    luigi_gif.NightlyGif: SHARED
    | {
        "date": some.dates(),
        "url": URLS,
        "workdir": some.sampled_from(["x/%Y-%m-%d", "s3://bucket/%Y/%j/a"]),
    },
    luigi_gif.HourlyGif: SHARED
    | {"hour": some.datetimes(), "url": URLS, "workdir": some.just("s3://bucket/%Y/%j/%I%p")},
    luigi_gif.Loops: {
        "file": some.just(ROOT / "config" / "loops.toml"),
        "names": some.lists(some.sampled_from(["sunflower", "sunflower-small"]), max_size=3),
    },
    luigi_gif.GifBatch: SHARED | {"urls_file": some.just(ROOT / "LICENSE"), "workdir": URLS},
    dask: {
        "address": TEXTS,
        "cluster": TEXTS,
        "cluster_kwargs": some.dictionaries(some.text(), JSON, max_size=3),
        "workers": some.integers(0, 10_000) | WORKERS,
        "batch_mib": some.integers(1, 1024),
        "stall_timeout": some.floats(1, 86_400),
    },
    download: {
        "retries": some.integers(0, 100),
        "retry_delay": some.floats(0, 3600) | some.integers(0, 3600),
        "low_speed_limit": some.integers(0, 10**12),
        "max_bytes": some.integers(1, 10**18),
        "per_host": some.integers(1, 64),
    },
    notify: {"on_success": RECEIVERS, "on_failure": RECEIVERS},
}


@pytest.mark.slow
@pytest.mark.parametrize("task_class", TASKS, ids=lambda task: task.__name__)
@settings(max_examples=10)
@given(data=some.data())
def test_a_task_is_made_anew_of_its_texts(task_class: type[luigi.Task], data: Any) -> None:
    """With the same values, also where the texts have been pickled; and with the same id."""
    values = data.draw(some.fixed_dictionaries({}, optional=TASKS[task_class]))
    required = {"date", "hour", "urls_file", "file", "caption"} & TASKS[task_class].keys()
    values |= {name: data.draw(TASKS[task_class][name]) for name in required - values.keys()}
    if values.get("fps"):
        values.pop("frame_duration_ms", None)
    task = task_class(**values)
    texts = task.to_str_params()
    for copy in (texts, pickle.loads(pickle.dumps(texts))):
        again = task_class.from_str_params(copy)
        assert again.param_kwargs == task.param_kwargs
        assert again.task_id == task.task_id


def test_what_is_shown_of_a_url_is_no_url() -> None:
    """A text that has lost the URL is refused, not taken for another one."""
    url = f"https://user:{SECRET}@host/x.img?token={SECRET}"
    texts = json.loads(json.dumps(luigi_gif.CombineGif(url=url).to_str_params()))
    assert SECRET not in str(texts)
    with pytest.raises(ParameterError, match="what Luigi shows of a URL with secrets"):
        luigi_gif.CombineGif.from_str_params(texts)


@pytest.mark.parametrize("url", [f"http:/bob:{SECRET}@host/x", rf"\\\\bob:{SECRET}@host\share"])
def test_a_login_without_a_scheme_is_not_shown(url: str) -> None:
    """Neither as a URL nor as a folder."""
    today = {"date": date.today()}
    for task, values in (
        (luigi_gif.CombineGif, {"url": url}),
        (luigi_gif.CombineGif, {"workdir": url}),
        (luigi_gif.NightlyGif, {"workdir": f"{url}%Y-%m-%d", **today}),
    ):
        with pytest.raises(ParameterError, match=r"two slashes behind its scheme") as caught:
            task(**values)
        assert SECRET not in str(caught.value)


def test_a_path_may_look_like_a_login() -> None:
    """A file is taken as one, but hidden; a folder, whose files would show it, is not."""
    assert SECRET not in repr(luigi_gif.CombineGif(url=f"cam:{SECRET}@2.img", workdir="work"))
    with pytest.raises(ParameterError, match="a URL with a login has a scheme") as caught:
        luigi_gif.CombineGif(workdir=f"cam:{SECRET}@2")
    assert SECRET not in str(caught.value)


PIPELINE = """
import luigi
import luigi_gif


class Mine(luigi.Task):
    url = luigi.Parameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE)

    def run(self):
        for size in (None, (30, None)):
            url = open("url").read()
            yield luigi_gif.CombineGif(url=url, workdir=f"work-{size}", size=size)
        open("done", "w").close()

    def output(self):
        return luigi.LocalTarget("done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one process", "two workers", "under luigid"])
def test_a_task_may_yield_a_clip(
    request: pytest.FixtureRequest, server: Server, tmp_path: Path, how: str
) -> None:
    """Of a URL with a secret; what Luigi logs, and luigid keeps, has no secret."""
    (tmp_path / "mine.py").write_text(PIPELINE.replace("url = luigi.P", "unused = luigi.P"))
    server.pages["/x.img"] = gif(1, (60, 40))
    url = server.url(f"/x.img?token={SECRET}").replace("//", f"//user:{SECRET}@")
    (tmp_path / "url").write_text(url)
    luigid: Luigid | None = None
    flags = [] if how == "one process" else ["--workers", "2"]
    if how == "under luigid":
        luigid = request.getfixturevalue("luigid")
        flags += ["--scheduler-url", luigid.url]
    profile = "config/client.cfg" if how == "under luigid" else "luigi.cfg"
    said = warm.run(
        [sys.executable, "-m", "luigi", "--module", "mine", "Mine", "--unused", "x", *flags],
        cwd=tmp_path,
        env=luigi_environment()
        | {"PYTHONPATH": str(tmp_path), "LUIGI_CONFIG_PATH": str(ROOT / profile)},
    )
    assert said.returncode == 0, said.stderr
    assert len(list(tmp_path.glob("work-*/clip.gif"))) == 2
    texts = [said.stdout, said.stderr]
    if luigid:
        answers = str([luigid.ask("task_list", status=status) for status in ("DONE", "")])
        assert "CombineGif" in answers
        luigid.end()
        texts += [answers, (tmp_path / "state").read_text("latin-1")]
    for text in texts:
        assert SECRET not in text


def test_a_path_means_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one with a percent sign, and one that comes as a pathlib.Path."""
    home = tmp_path / "100%d"
    home.mkdir()
    monkeypatch.chdir(home)
    task = luigi_gif.CombineGif(url=Path("x.img"), workdir=Path("work"))
    night = luigi_gif.NightlyGif(date(2026, 11, 1), url="%d.img")
    monkeypatch.chdir(tmp_path)
    assert (task.url, task.workdir) == (f"{home}/x.img", f"{home}/work")
    assert night.requires().url == f"{home}/01.img"
    assert night.requires().workdir == f"{home}/data/2026-11-01"


@pytest.mark.parametrize(
    "flags",
    [
        ("--url", ""),
        ("--CombineGif-url", ""),
        ("--url", "x.img", "--workdir", ""),
        ("--url", "x.img", "--gif-file", ""),
        ("--url", "x.img", "--sha256", ""),
    ],
)
def test_an_empty_flag_is_an_error(flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a shell variable that is not set: Luigi itself would take the default."""
    with pytest.raises(ParameterError, match="given without a value"):
        by_command_line("CombineGif", *flags)


def test_an_empty_setting_does_not_give_way_to_another_one(configuration: Any) -> None:
    """Luigi itself would pass over the flag, and take what luigi.cfg says."""
    configuration("dask", "address", "tcp://127.0.0.1:1")
    arguments = ["CombineGif", "--dask-address", ""]
    with (
        CmdlineParser.global_instance(arguments),
        pytest.raises(ParameterError, match=r"(?s)without a value.+--dask-address"),
    ):
        dask()
    configuration("dask", "address", "")
    with CmdlineParser.global_instance(arguments):
        assert dask().address == ""


def by_command_line(*arguments: str) -> Any:
    """The task that the luigi command would run."""
    Register.clear_instance_cache()
    with CmdlineParser.global_instance(list(arguments)) as parser:
        return parser.get_task_obj()


@pytest.fixture
def configuration(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets entries of luigi.cfg."""
    parser = luigi.configuration.LuigiConfigParser()
    monkeypatch.setattr(luigi.configuration.LuigiConfigParser, "_instance", parser)

    def set_entry(section: str, name: str, text: str) -> None:
        Register.clear_instance_cache()
        parser.read_string(f"[{section}]\n{name} = {text}")

    return set_entry


@pytest.mark.parametrize(
    ("task", "section", "name"),
    [
        ("CombineGif", "WriteFrames", "size"),
        ("CombineGif", "SplitFrames", "workdir"),
        ("NightlyGif", "CombineGif", "size"),
        ("GifBatch", "DownloadData", "data_file"),
    ],
)
def test_what_a_middle_task_would_overlook_is_an_error(
    configuration: Any, tmp_path: Path, task: str, section: str, name: str
) -> None:
    """By flag or in a section: it names what would count. The same value is no error."""
    (tmp_path / "urls").write_text("x.img")
    own = {"NightlyGif": ["--date", "2026-11-01"], "GifBatch": ["--urls-file", f"{tmp_path}/urls"]}
    value = {"size": "30x", "workdir": "other", "data_file": "other"}[name]
    flag = name.replace("_", "-")
    arguments = [task, *own.get(task, ())]
    match = rf"(?s)no effect where it is given.+\[{section}\] {name}.+--{flag}"
    with pytest.raises(ParameterError, match=match):
        by_command_line(*arguments, f"--{section}-{flag}", value)
    configuration(section, name, value)
    with pytest.raises(ParameterError, match=match):
        by_command_line(*arguments)
    by_command_line(*arguments, f"--{flag}", value)


def test_a_name_that_no_parameter_has_is_an_error_without_its_value(configuration: Any) -> None:
    """Luigi itself would warn, and show the value."""
    configuration("CombineGif", "urls", f"http://user:{SECRET}@host/x.img")
    with pytest.raises(ParameterError, match=r"\[CombineGif\] urls") as caught:
        luigi_gif.CombineGif(url="x.img")
    assert SECRET not in str(caught.value)


def test_luigis_errors_show_no_values(configuration: Any) -> None:
    """It puts all of a task's parameters into some of them."""
    url = f"http://user:{SECRET}@host/x.img"
    with pytest.raises(luigi.parameter.UnknownParameterException, match="speed") as unknown:
        luigi_gif.CombineGif(url=url, speed=1)
    configuration("CombineGif", "plays", "often")
    with pytest.raises(ParameterError, match="--plays") as wrong:
        luigi_gif.CombineGif(url=url)
    configuration("CombineGif", "plays", f"%40{SECRET}")
    with pytest.raises(ParameterError, match="%% for each percent sign") as unreadable:
        luigi_gif.CombineGif(url=url)
    for caught in (unknown, wrong, unreadable):
        assert SECRET not in str(caught.value)


TOML = """
workers = 3
cluster_kwargs = {cores = 4, nested = {a = [1, {b = 2}]}}
stall_timeout = 20
plays = 2
date = 2026-11-01
"""


def test_values_are_taken_as_toml_writes_them() -> None:
    """Numbers, tables and dates; Luigi's parser freezes tables."""
    values = {key: recursively_freeze(value) for key, value in tomllib.loads(TOML).items()}
    owners = {"plays": luigi_gif.CombineGif, "date": luigi_gif.NightlyGif}
    found = {}
    for name, value in values.items():
        parameter = getattr(owners.get(name, dask), name)
        found[name] = parameter.normalize(parameter.parse(value))
    assert found == {
        "workers": (3, 3),
        "cluster_kwargs": {"cores": 4, "nested": {"a": [1, {"b": 2}]}},
        "stall_timeout": 20.0,
        "plays": 2,
        "date": date(2026, 11, 1),
    }


ODD: tuple[object, ...] = (True, 1.5, -1, [1, 2, 3], {"a": "b"}, "\0", math.nan, None, "", b"")


@pytest.mark.parametrize("owner", TASKS, ids=lambda task: task.__name__)
def test_luigis_help_can_show_each_description(owner: type[luigi.Task]) -> None:
    """Its parser takes a percent sign for a format."""
    for _, parameter in owner.get_params():
        assert "%" not in (parameter.description or "")


@pytest.mark.parametrize("owner", TASKS, ids=lambda task: task.__name__)
def test_odd_values_are_taken_or_refused_in_words(owner: type[luigi.Task]) -> None:
    """Whatever kind of value a TOML file or Python hands in."""
    for (_, parameter), value in itertools.product(owner.get_params(), ODD):
        try:
            taken = parameter.normalize(parameter.parse(value))
        except ParameterError:
            continue
        assert parameter.normalize(parameter.parse(parameter.serialize(taken))) == taken


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    """As Python can read so much only."""
    with pytest.raises(ParameterError, match="--dask-cluster-kwargs"):
        dask.cluster_kwargs.parse("[" * 100_000)


def test_a_setting_is_looked_at_before_any_work(configuration: Any, tmp_path: Path) -> None:
    """Also one that only a later step needs."""
    configuration("dask", "workers", "many")
    task = luigi_gif.DownloadData(url=str(SAMPLE), workdir=str(tmp_path / "work"))
    with pytest.raises(ParameterError, match="--dask-workers"):
        task.run()
    assert not (tmp_path / "work").exists()


def test_a_parameter_that_is_missing_is_named() -> None:
    """As all errors are: the command shows no traceback of Luigi's."""
    with pytest.raises(ParameterError, match="'date'"):
        luigi_gif.NightlyGif()
    with pytest.raises(ParameterError, match="'urls_file'"):
        luigi_gif.GifBatch()


def test_a_named_pipe_in_the_place_of_a_list_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody may write into it."""
    os.mkfifo(tmp_path / "urls.txt")
    with pytest.raises(ParameterError, match=r"urls\.txt: no regular file"):
        luigi_gif.GifBatch(urls_file=str(tmp_path / "urls.txt"))


def test_a_folder_that_is_gone_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than the file, where the folder that a relative path begins in was removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(ParameterError, match="the folder that this runs in is gone"):
        luigi_gif.CombineGif(url="x.img")
    with pytest.raises(ParameterError, match="--urls-file"):
        luigi_gif.GifBatch(urls_file="urls.txt", workdir="/data")


def test_a_name_has_room_for_what_is_added_to_it() -> None:
    """A note and a temporary file have longer names than the file itself."""
    longest = "x" * name_parameter.MAX_NAME_BYTES
    assert luigi_gif.CombineGif(gif_file=longest).gif_file == longest
    with pytest.raises(ParameterError, match="a name of at most 200 bytes"):
        luigi_gif.CombineGif(gif_file=f"out/{longest}x")


@pytest.mark.parametrize(
    ("data_file", "gif_file"),
    [
        ("x.img", "x.img"),
        ("clip.gif", "Clip.GIF"),
        ("caf\u00e9.img", "CAFE\u0301.img"),
        ("a", "A/clip.gif"),
        ("a/b", "a"),
        ("x.img", "Frames.JSON"),
        ("x.img", "FRAMES/x.gif"),
        ("x.img", "x.img.Part"),
        ("x.img", "x.0123456789abcdef.luigi-gif-tmp"),
    ],
)
def test_two_names_that_some_file_system_takes_for_one_are_refused(
    data_file: str, gif_file: str
) -> None:
    """Before any work: of two files of the user's, or of one and a note of the pipeline's."""
    with pytest.raises(ParameterError, match="the value of --gif-file cannot be used"):
        luigi_gif.CombineGif(data_file=data_file, gif_file=gif_file)


def test_a_parameter_that_cannot_be_used_ends_the_command(luigi: Run) -> None:
    """With exit code 40, in words."""
    said = luigi("--url", "", "--size", "30x")
    assert said.returncode == 40
    assert "given without a value" in said.stderr
    assert "Traceback" not in said.stderr


def test_the_docstring_of_the_last_task_names_each_parameter() -> None:
    """What help() shows to those who call it from Python."""
    doc = inspect.getdoc(luigi_gif.CombineGif) or ""
    named = re.findall(r"^(\w+)(?: : .+)?$", doc.partition("Raises")[0], re.MULTILINE)
    assert set(named) - {"Parameters"} == {name for name, _ in luigi_gif.CombineGif.get_params()}


def test_a_flag_takes_no_value_from_either_command() -> None:
    """What follows is the next argument."""
    options = cli_options.make_parser().parse_args(["--bounce", "pictures"])
    assert (options.bounce, options.url) == ("true", ["pictures"])
    with CmdlineParser.global_instance(["CombineGif", "--bounce", "--url", "x"]) as parser:
        assert parser.get_task_obj().bounce is True
    with CmdlineParser.global_instance(["CombineGif", "--url", "x"]) as parser:
        assert parser.get_task_obj().bounce is False


def test_a_flag_may_stand_in_a_configuration(configuration: Any) -> None:
    """As true or false, and as nothing else."""
    configuration("CombineGif", "bounce", "True")
    assert luigi_gif.CombineGif(url="x").bounce is True
    configuration("CombineGif", "bounce", "1")
    with pytest.raises(ParameterError, match="true or false"):
        luigi_gif.CombineGif(url="x")
