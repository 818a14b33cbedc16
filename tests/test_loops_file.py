"""loops.toml: what it may hold, and where its mistakes are."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from luigi_gif.errors import ParameterError, ParameterErrors
from luigi_gif.loops_file import Loop, chosen_loops, read_loops
from luigi_gif.toml_lines import KeyLines


def loops_of(folder: Path, text: str) -> list[Loop]:
    path = folder / "loops.toml"
    path.write_bytes(text.encode())
    return read_loops(str(path))


def mistakes_of(folder: Path, text: str) -> list[ParameterError]:
    with pytest.raises(ParameterError) as caught:
        loops_of(folder, text)
    error = caught.value
    return error.errors if isinstance(error, ParameterErrors) else [error]


def test_a_loop_takes_parameters_as_toml_has_them(tmp_path: Path) -> None:
    """Numbers, booleans, texts, arrays and times."""
    (loop,) = loops_of(
        tmp_path,
        """
        [[loop]]
        name = "radar"
        url = ["https://host/a/", "https://host/b/"]
        last = 24
        fps = 12.5
        bounce = true
        size = [320, 240]
        range = [-40.0, 50]
        since = 2026-11-23T18:00:00Z
        until = 2026-11-24
        max_size = "10MB"
        """,
    )
    clip: Any = loop.clip
    assert clip.url == '["https://host/a/", "https://host/b/"]'
    assert (clip.last, clip.fps, clip.bounce, clip.size) == (24, 12.5, True, (320, 240))
    assert (clip.range, clip.max_size) == ((-40.0, 50.0), 10_000_000)
    assert (clip.since, clip.until) == ("2026-11-23T18:00:00+00:00", "2026-11-24")


def test_defaults_are_for_all_that_do_not_say_otherwise(tmp_path: Path) -> None:
    """An empty text takes one back."""
    text = '[defaults]\nlast = 24\nmatch = "*.png"\non_failure = ["json://a", "json://b"]\n'
    text += '[[loop]]\nname = "a"\nurl = "x"\n'
    text += '[[loop]]\nname = "b"\nurl = "x"\nlast = ""\nmatch = "*.jpg"\non_failure = "json://c"'
    loops: Any = loops_of(tmp_path, text)
    a, b = loops
    assert (a.clip.last, a.clip.match, a.task.failure_receivers) == (
        24, "*.png", "json://a json://b",
    )  # fmt: skip
    assert (b.clip.last, b.clip.match, b.task.failure_receivers) == (None, "*.jpg", "json://c")


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ("", "", "{folder}/data/radar"),
        ('workdir = "work"', "", "{folder}/work/radar"),
        ('workdir = "s3://bucket/loops/"', "", "s3://bucket/loops/radar"),
        ('workdir = "/srv/work"', 'workdir = "here"', "{folder}/here"),
    ],
)
def test_a_loop_works_in_a_folder_of_its_name(
    tmp_path: Path, defaults: str, own: str, expected: str
) -> None:
    """In the one of the defaults, or beside the file; or in the one that it names itself."""
    text = f'[defaults]\n{defaults}\n[[loop]]\nname = "radar"\nurl = "x"\n{own}'
    (loop,) = loops_of(tmp_path, text)
    assert loop.clip.workdir == expected.format(folder=tmp_path)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ('"pictures/*.png"', "{folder}/pictures/*.png"),
        ('"../radar"', "{parent}/radar"),
        ('"/abs"', "/abs"),
        ('"https://host/x"', "https://host/x"),
        ('["a.png", "s3://bucket/b"]', '["{folder}/a.png", "s3://bucket/b"]'),
    ],
)
def test_relative_paths_count_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, expected: str
) -> None:
    """Wherever the command runs."""
    monkeypatch.chdir("/")
    (loop,) = loops_of(tmp_path, f'[[loop]]\nname = "a"\nurl = {url}')
    filled = expected.replace("{folder}", str(tmp_path)).replace("{parent}", str(tmp_path.parent))
    assert loop.clip.url == filled


MISTAKES = '''\
# loops
[defaults]
workdri = "data"
hold_last_ms = 7

[[loop]]
name = "first"  # its "name"
url = [
  "a.png",  # ] one
  "b.png",
]
caption = """
name = "no key" [
"""
hold_lst_ms = 3000
fps = 900

[[loop]]
name = "First"
url = "x"

[[loop]]
name = "../x"

[loop.more]
x = 1

[[radar]]
name = "y"
'''


def test_all_mistakes_are_told_with_line_and_key(tmp_path: Path) -> None:
    """In the order of the file, each in the form of all errors."""
    found = mistakes_of(tmp_path, MISTAKES)
    assert [error.where for error in found] == [
        f"{tmp_path}/loops.toml, line {line}: {key}"
        for line, key in [
            (3, "workdri"), (4, "hold_last_ms"), (15, "hold_lst_ms"), (16, "fps"), (19, "name"),
            (22, "url"), (23, "name"), (25, "more"), (28, "radar"),
        ]
    ]  # fmt: skip
    assert found[0].next_step == "did you mean workdir?"
    assert found[2].next_step == "did you mean hold_last_ms?"
    assert found[4].got == "First, as in line 7"


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        ("", "line 1: loop", "none"),
        ('[loop]\nname = "a"', "line 1: loop", "another value"),
        ("loop = []", "line 1: loop", "none"),
        ("a = [\n1,\n2 3]", "line 3", "Unclosed array"),
        ('\n[[loop]]\nname = "a', "line 3", "Unterminated string"),
        ("\xff", "line 1", "Invalid statement"),
        ('[[loop]]\nname = "a"\nurl = ""', "line 3: url", "nothing"),
        ('[[loop]]\nname = "a"\nurl = "http:/host"', "line 3: url", "two slashes"),
        ('[[loop]]\nname = "a"\nurl = "x"\nlast = true', "line 4: last", "True"),
        ('[[loop]]\nname = 5\nurl = "x"', "line 2: name", "5"),
        ('[[loop]]\nname = "a"\nurl = "x"\non_failure = 5', "line 4: on_failure", "int"),
        ('[[loop]]\nname = "a"\nurl = "x"\nfps = 5\nframe_duration_ms = 50', "line 1: ", "both"),
        ('[[loop]]\nname = "a"\nurl = "x"\n\ntolerance = 5', "line 5: tolerance", "5"),
        ('[defaults]\ntolerance = 5\n[[loop]]\nname = "a"\nurl = "x"', "line 3: tolerance", "5"),
        ('[[loop]]\nname = "a"\nurl = "data/a/*"', "line 1: this loop", "image-data.img"),
        ('[defaults]\npublish = "a.gif"\n[[loop]]\nname = "a"\nurl = "x"', "line 2: pub", "name"),
        ('[[loop]]\nname = "a"\nurl = "x"\npublish = "a.mp4"', "line 4: publish", "ends in .mp4"),
        ('[[loop]]\nname = "a"\nurl = "x"\ndated_copy = "%Y%m%d%H%M%S.gif"', "line 4: dat", "none"),
        (
            '[[loop]]\nname = "a"\nurl = "x"\npublish = "x.gif"\n'
            '[[loop]]\nname = "b"\nurl = "x"\npublish = "./x.gif"',
            "line 8: publish", "x.gif, as in line 4",
        ),
        (
            '[[loop]]\nname = "a"\nurl = "x"\npublish = "s3://b/x.gif"\n'
            '[[loop]]\nname = "b"\nurl = "x"\npublish = "s3a://b/x.gif"',
            "line 8: publish", "x.gif, as in line 4",
        ),
        (
            '[[loop]]\nname = "a"\nurl = "x"\npublish = "data/b/clip.gif"\n'
            '[[loop]]\nname = "b"\nurl = "x"',
            "line 4: publish", "that of the loop in line 6",
        ),
        ("a = " + "[" * 5000 + "]" * 5000, "", "too many to read"),
        (
            '[[loop]]\nname = "a"\nurl = "x"\n[[loop]]\nname = "b"\nurl = "x"\nworkdir = "data/a"',
            "line 7: workdir", "/data/a, as in line 1",
        ),
        (
            '[defaults]\ndated_copy = "%d.gif"\n'
            '[[loop]]\nname = "a"\nurl = "x"\npublish = "a.gif"\n'
            '[[loop]]\nname = "b"\nurl = "x"\npublish = "b.gif"',
            "line 7: dated_copy", r"/%d\.gif, as in line 3",
        ),
    ],
)  # fmt: skip
def test_each_mistake_is_found(tmp_path: Path, text: str, where: str, got: str) -> None:
    """And nothing else is said of the file."""
    (error,) = mistakes_of(tmp_path, text)
    assert error.where.startswith(f"{tmp_path}/loops.toml{where and ', '}{where}")
    assert re.search(got, error.got)


def test_no_two_loops_publish_to_one_file_through_a_link(tmp_path: Path) -> None:
    """A link to its folder makes no other place of it."""
    (tmp_path / "link").symlink_to(tmp_path)
    loop = '[[loop]]\nname = "{0}"\nurl = "x"\npublish = "{1}x.gif"\n'
    (error,) = mistakes_of(tmp_path, loop.format("a", "") + loop.format("b", "link/"))
    assert error.what == "two loops have the same publish"


@pytest.mark.filterwarnings("ignore:'imghdr'")  # apprise imports it
def test_a_receiver_of_no_known_service_is_found(tmp_path: Path) -> None:
    """Before it is to tell of a failure; without what stands in its URL."""
    pytest.importorskip("apprise")
    loop = '[[loop]]\nname = "a"\nurl = "x"\non_failure = "{0}"\n'
    (error,) = mistakes_of(tmp_path, loop.format("json://host mailot://u:hunter2@host"))
    assert error.where.endswith("line 4: on_failure")
    assert error.got.startswith("mailot://...")
    assert "hunter2" not in str(error)


def test_a_name_may_have_its_accents_behind_its_letters(tmp_path: Path) -> None:
    """As macOS writes them: it is the same name."""
    path = tmp_path / "loops.toml"
    path.write_text('[[loop]]\nname = "Zu\u0308rich"\nurl = "x"\n')
    assert [loop.name for loop in read_loops(str(path))] == ["Z\xfcrich"]


def test_a_key_that_is_a_url_shows_no_secret(tmp_path: Path) -> None:
    """Where a URL stands in the place of a key."""
    text = '[[loop]]\nname = "a"\nurl = "x"\n"https://u:hunter2@host/" = 1'
    (error,) = mistakes_of(tmp_path, text)
    assert "https://host/" in error.where
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("data", "got"),
    [(None, "No such file"), (b"\xfe\xfe", "no text in UTF-8")],
)
def test_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, data: bytes | None, got: str
) -> None:
    """In words."""
    path = tmp_path / "loops.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ParameterError, match=got):
        read_loops(str(path))


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    """With a byte order mark and its line ends."""
    (loop,) = loops_of(tmp_path, '\ufeff[[loop]]\r\nname = "a"\r\nurl = """\\\r\n  x"""\r\n')
    assert loop.clip.url == f"{tmp_path}/x"


def test_a_loop_may_be_published(tmp_path: Path) -> None:
    """At a place that counts from the file; its clip is that of a loop that is not."""
    text = '[[loop]]\nname = "a"\nurl = "x"\nlast = 2\n'
    dated = '\ndated_copy = "a-%Y%m%d%H%M.gif"'
    (loop,) = loops_of(tmp_path, f'{text}publish = "site/a.gif"{dated}')
    task: Any = loop.task
    assert (task.to, task.dated_copy) == (f"{tmp_path}/site/a.gif", "a-%Y%m%d%H%M.gif")
    (other,) = loops_of(tmp_path, text)
    assert loop.clip is other.task


def test_names_choose_loops_in_the_order_of_the_file(tmp_path: Path) -> None:
    """A name that no loop has is an error, with the nearest one."""
    text = "\n".join(f'[[loop]]\nname = "{name}"\nurl = "x"' for name in ("oslo", "bern", "rome"))
    loops = loops_of(tmp_path, text)
    assert [loop.name for loop in chosen_loops(loops, ["rome", "oslo"], "f")] == ["oslo", "rome"]
    assert chosen_loops(loops, [], "f") == loops
    with pytest.raises(ParameterErrors) as caught:
        chosen_loops(loops, ["olso", "xyz"], "f")
    assert [error.next_step[:18] for error in caught.value.errors] == [
        "did you mean oslo?", "luigi-gif list sho",
    ]  # fmt: skip
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


TOML = """\
a.b = 1
"c d" = '# no ['
e = [[1, 2], {x = "]"},
  '''
[f]
''']
g = {h = 1, i = 2}
j = \"\"\"" # \\\"\"\"
k = 1 \"\"\"\"

[l.m]
n = 1
[[o]]
p = 1
[o.q]
r = 1
[[o.s]]
t = 1
[[o.s]]
t = 2

[[o]]  # the second
p = 3
"""


def test_the_line_of_each_key_is_found() -> None:
    """Whatever its value spans, and in whichever table it is."""
    lines = KeyLines(TOML)
    expected: dict[tuple[Any, ...], int] = {
        ("a", "b"): 1, ("c d",): 2, ("e",): 3, ("e", 1, "x"): 3, ("g", "i"): 7, ("j",): 8,
        ("l", "m"): 11, ("l", "m", "n"): 12, ("o", 0): 13, ("o", 0, "p"): 14, ("o", 0, "q"): 15,
        ("o", 0, "q", "r"): 16, ("o", 0, "s", 0): 17, ("o", 0, "s", 1, "t"): 20, ("o", 1): 22,
        ("o", 1, "p"): 23, ("o", 1, "z"): 22, ("nowhere",): 1,
    }  # fmt: skip
    assert {path: lines.line_of(path) for path in expected} == expected


def test_where_a_clip_goes_has_another_name_than_for_one_clip(tmp_path: Path) -> None:
    (mistake,) = mistakes_of(tmp_path, '[[loop]]\nname = "a"\nurl = "x"\noutput = "a.gif"\n')
    assert mistake.next_step == "did you mean publish?"
