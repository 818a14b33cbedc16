"""A text that lists paths and URLs: how it is told from others, and what its lines stand for."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pytest_mock import MockerFixture
from support.images import gif

from luigi_gif import urls
from luigi_gif.errors import SourceError
from luigi_gif.sources import link_list
from luigi_gif.sources.item import SourceUnusable
from luigi_gif.sources.link_list import check_is_no_list, looks_like_link_list, parse_link_list

LIST = "https://host.example/radar/list.txt"


def places(text: str | bytes, base: str = "/data/list.txt", local: bool = True) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [item.place for item in parse_link_list(io.BytesIO(data), base, local)]


def test_a_list_of_very_many_lines_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any of them is looked at."""
    monkeypatch.setattr(link_list, "MAX_LINES", 3)
    assert len(places("a.png\n" * 3)) == 3
    with pytest.raises(SourceUnusable) as caught:
        places("no path, no URL\n" * 4)
    assert (caught.value.expected, caught.value.got) == ("a list of at most 3 lines", "4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_list_may_be_written_as_editors_do(encoding: str, end: str) -> None:
    """With comments, empty lines, indents, byte order marks, and any line ends."""
    lines = ["# radar", "", "  # more", "a.png", "\tbüro 1.png ", "https://host/c.png#top", ""]
    data = end.join(lines).encode(encoding)
    assert looks_like_link_list(data)
    assert places(data) == ["/data/a.png", "/data/büro 1.png", "https://host/c.png"]


@pytest.mark.parametrize(
    ("base", "entry", "place"),
    [
        ("/data/list.txt", "cam/1.png", "/data/cam/1.png"),
        ("/data/", "1.png", "/data/1.png"),
        ("/data/list.txt", "/other/1.png", "/other/1.png"),
        ("/data/list.txt", "~/1.png", "~/1.png"),
        ("file:///my%20data/list.txt", "1.png", "/my data/1.png"),
        ("/data/list.txt", "file:///x/1.png", "file:///x/1.png"),
        ("/data/list.txt", "S3://bucket/1.png", "s3://bucket/1.png"),
        ("/data/list.txt", "memory://1.png", "memory://1.png"),
        (LIST, "1.png", "https://host.example/radar/1.png"),
        (LIST, "../sat/ä b%20c.png?x=1&y", "https://host.example/sat/%C3%A4%20b%20c.png?x=1&y"),
        (LIST, "12:30.png", "https://host.example/radar/12:30.png"),
        (LIST, "cam:1.png", "https://host.example/radar/cam:1.png"),
        (LIST, "100%.png", "https://host.example/radar/100%25.png"),
        (LIST, "HTTP://other.example/1.png", "http://other.example/1.png"),
        (LIST, "http://bücher.example/ä.png", "http://bücher.example/%C3%A4.png"),
        (LIST, "s3://bucket/1.png", "s3://bucket/1.png"),
        ("s3://bucket/cam/list.txt", "day 1/1.png", "s3://bucket/cam/day 1/1.png"),
        ("s3://bucket/cam/list.txt", "../1.png", "s3://bucket/1.png"),
    ],
)
def test_an_entry_is_relative_to_the_list(base: str, entry: str, place: str) -> None:
    """Be it a file, an object or a page; what is absolute stays so."""
    local = base != LIST
    assert places(entry, base, local) == [place]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("cam/1.png", "cam/1.png"),
        ("https://host/cam%201/a%20b.png?token=s3cr3t", "cam 1/a b.png"),
        ("s3://bucket/cam/a%20b.png", "cam/a%20b.png"),
        ("file:///x/1.png", "x/1.png"),
    ],
)
def test_an_item_is_named_by_its_path(entry: str, name: str) -> None:
    """For patterns and for people: without a host and a query."""
    (item,) = parse_link_list(io.BytesIO(entry.encode()), "/data/list.txt", True)
    assert item.name == name


@pytest.mark.parametrize(
    "entry",
    ["/etc/passwd", "~/.ssh/id.png", "file:///etc/a.png", "FILE:/etc/a.png", "local://a.png",
     "memory://a.png", "simplecache::file:///etc/a.png", "zip://a.png::/etc/b.zip",
     "zip://a.png::https://host/b.zip", "s3://b::file:///etc/a.png", "C:\\a.png", "c:/a.png",
     "\\\\host\\a.png", "//etc/a.png"],
)  # fmt: skip
@pytest.mark.parametrize("base", [LIST, "s3://bucket/list.txt"])
def test_a_list_that_was_fetched_names_no_local_files(base: str, entry: str) -> None:
    """However it is spelled; the error says in which line."""
    with pytest.raises(SourceUnusable, match="line 3") as raised:
        places(f"1.png\n# local\n{entry}\n2.png", base, local=False)
    assert entry.rpartition("/")[2] in raised.value.got


@given(some.text(max_size=30) | some.from_regex(r"[a-z]*[:/~.\\?#@%]{0,4}[a-z]*[:/]{0,3}[a-z.]*"))
def test_nothing_in_a_fetched_list_leads_to_a_file_of_this_machine(entry: str) -> None:
    """Whatever stands there, it is a URL behind which no other is, or an error."""
    try:
        found = places(entry.encode("utf-8", "replace"), LIST, local=False)
    except SourceUnusable:
        return
    for place in found:
        assert urls.scheme_of(place) in {"http", "https", "s3", "gs", "gcs", "az", "abfs", "ftp"}
        assert len(urls.split_links(place)) == 1


def test_an_image_is_not_decoded_as_text(mocker: MockerFixture) -> None:
    """Which would take most of the time of a small clip."""
    decoded = mocker.spy(link_list, "_decoded")
    assert not looks_like_link_list(gif(1))
    assert not decoded.called


@pytest.mark.parametrize("entry", ["https://", "http://host:port/a.png", "https:/user:pw@host/a"])
def test_what_is_no_url_is_an_error(entry: str) -> None:
    """Which names the line, and shows no login."""
    with pytest.raises(SourceUnusable, match="line 2") as raised:
        places(f"# one\n{entry}")
    assert "pw" not in raised.value.got


def test_a_line_that_is_too_long_is_an_error() -> None:
    """It is not shown."""
    with pytest.raises(SourceUnusable) as raised:
        places("a" * 10_000)
    assert raised.value.got == "line 1, of 10,000 characters"


def test_a_name_in_another_encoding_is_kept() -> None:
    """Its bytes are asked for as they are."""
    assert places(b"caf\xe9.png") == ["/data/caf\udce9.png"]
    assert places(b"caf\xe9.png", LIST, False) == ["https://host.example/radar/caf%E9.png"]


@pytest.mark.parametrize(
    "text",
    ["a.png", "https://host/latest", "# list\nframes/1\nframes/2.JPG", "#EXTM3U\nhttps://h/a\n",
     "s3://bucket/a\nb", "one two.png", "https://h/a.png\nhttps://h/cut of", "a.png\n\n",
     "simplecache::s3://bucket/a"],
)  # fmt: skip
def test_a_list_is_told_by_its_lines(text: str) -> None:
    """Each may be a path or a URL, and one is for sure; the last one may be cut off."""
    assert looks_like_link_list(text.encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"# only comments\n", b"hello\nworld\n", b"see https://host/a.png for\nmore\n",
     b"<html><a href='a.png'>\n", b'["a.png"]', b"a.png\n<b>\n", b"a.png\nnot a path\nb.png\n",
     b"frame,delay\n1.png,10\n", b"key: value\nurl: https://host/a.png\n", b"GIF89a\0\1\0.png",
     b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"version https://git-lfs.github.com/spec/v1\n",
     b"file 'a.png'\nfile 'b.png'\n", b"x" * 10_000 + b".png", "a\0.png".encode("utf-16-le")],
)  # fmt: skip
def test_other_data_are_not_taken_for_a_list(data: bytes) -> None:
    """Text, tables, pages, images, and lines that are too long."""
    assert not looks_like_link_list(data)


@pytest.mark.parametrize("line", ['"c.png"', "c.png # the third", "one two"])
def test_a_line_of_a_list_that_is_no_path_is_named(line: str) -> None:
    """Where most lines are paths of pictures."""
    with pytest.raises(SourceError) as caught:
        check_is_no_list(f"a.png\n# two\n{line}\nb.png\n".encode(), "/data/list.txt")
    assert caught.value.where == "/data/list.txt, line 3"
    assert caught.value.got == line


def test_a_list_of_comments_only_is_an_error() -> None:
    """It says that the list is empty."""
    with pytest.raises(SourceError, match="the list is empty"):
        check_is_no_list(b"# a.png\n\n# b.png\n", "/data/list.txt")


@pytest.mark.parametrize("data", [b"", b"hello\nworld\n", b"#?RADIANCE\n", b"GIF89a\0", b"<p>\n"])
def test_other_data_are_no_faulty_list(data: bytes) -> None:
    """They may be a bundle, or are named for what they are."""
    check_is_no_list(data, "/data/list.txt")
