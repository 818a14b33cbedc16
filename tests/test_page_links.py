"""The pictures that a page links to: which links are pictures, and where they lead."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urljoin

import html5lib
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as some
from pytest_mock import MockerFixture
from support.clips import clip_here
from support.numbered import picture, shown
from support.stores import Running
from support.warm import PATIENCE_S

from luigi_gif import settings, storage, urls
from luigi_gif.fetching import fetch_items
from luigi_gif.sources import page_links
from luigi_gif.sources.html_tokens import Tag, html_tokens
from luigi_gif.sources.item import Item, SourceUnusable
from luigi_gif.sources.page_links import image_links, is_page

INDEXES = Path(__file__).parent / "support" / "server_indexes"
URL = "https://host.example/radar/"
JANUARY = datetime(2026, 1, 5, 10, 20, tzinfo=UTC).timestamp()


def links(page: str | bytes, url: str = URL, charset: str | None = "utf-8") -> list[str]:
    data = page.encode() if isinstance(page, str) else page
    return [item.place for item in image_links(data, url, charset).items]


def index_page(server: str) -> str:
    """What a server has sent."""
    return (INDEXES / f"{server}.html").read_text()


@pytest.mark.parametrize(
    ("server", "sizes"),
    [
        ("apache_pre", [None, 512]),
        ("apache_table", [None, 512]),
        ("nginx", [12345, 512]),
        ("lighttpd", [None, None]),
    ],
)
def test_the_index_of_a_server_is_read(server: str, sizes: list[int | None]) -> None:
    """Names, times, and sizes where they are exact; without icons, folders and the way up."""
    page = index_page(server).encode()
    found = image_links(page, URL, None)
    assert [item[:4] for item in found.items] == [
        ("a b.png", f"{URL}a%20b.png", sizes[0], JANUARY),
        ("c.gif", f"{URL}c.gif", sizes[1], JANUARY),
    ]
    assert found.left_out == 2  # a folder and a text
    assert is_page(page)


def test_an_index_tells_a_version_of_each_picture() -> None:
    """It changes with the time and the size that it shows."""
    page = index_page("nginx")
    changed = [page, page.replace(" 12345\n", " 12346\n"), page.replace("10:20 ", "10:21 ")]
    found = [image_links(each.encode(), URL, None).items[0].version for each in changed]
    assert len(set(found)) == 3


def test_an_index_without_pictures_has_none() -> None:
    """Its icons are no pictures."""
    page = index_page("apache_pre").replace("a%20b.png", "a.txt").replace('"c.gif"', '"c.txt"')
    assert links(page) == []


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL of a folder that Python's own server serves."""
    handler = functools.partial(Quiet, directory=str(tmp_path / "served"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Silent:
    """A reporter that tells nobody."""

    def track(
        self, unit: str, total: int | None, begin: int
    ) -> contextlib.AbstractContextManager[Callable[[int, int], None]]:
        return contextlib.nullcontext(lambda done, size: None)


def test_links_lead_to_the_files_that_they_name(served: str, tmp_path: Path) -> None:
    """Whatever characters their names have."""
    names = ["a b.png", "100%.png", "ä&ouml;.png", "x#1.png", "y?z.png", "a&copy=1.png", "q'\".png"]
    names += ["<b>.png", "%41.png", "semi;colon.png", "plus+.png", "12:30.png", "été.png"]
    (tmp_path / "served").mkdir()
    for name in names:
        (tmp_path / "served" / name).write_text(name)
    page = requests.get(served, timeout=60)
    found = image_links(page.content, page.url, page.encoding)
    assert sorted(item.name for item in found.items) == sorted(names)
    folder = storage.LocalFolder(tmp_path / "work")
    for fetched in fetch_items(found.items, folder, settings.download(), Silent(), "", 1000):
        assert fetched.error is None
        assert folder.read(fetched.name).decode() == fetched.item.name


def test_thumbnails_that_link_to_pictures_give_the_pictures() -> None:
    """In their order, each once; other links of the page do not count."""
    page = """<title>Sat</title><img src=logo.png><p><a href="b.JPG"><img src="t/b.jpg"></a>
    <A HREF=a.jpg ><IMG SRC=t/a.jpg srcset="t/a2.jpg 2x"></A> <a href='b.JPG#top'>again</a>
    <a href="/about.html">about</a> <a href="javascript:show('x.jpg')">x</a>
    <a href="data:image/png;base64,AAAA">d</a> <a href="mailto:a@b.png">mail</a>
    <a href="ftp://host/x.png">ftp</a>"""
    found = image_links(page.encode(), URL, None)
    assert [item.place for item in found.items] == [f"{URL}b.JPG", f"{URL}a.jpg"]
    assert found.left_out == 5


def test_a_page_that_links_to_no_picture_shows_some() -> None:
    """Those are the items; what is no frame, or is in the page itself, is left out."""
    page = """<p><img src="a.png"><img alt="" src='b.png?t=1'/><img src="data:image/gif;base64,AA">
    <img src="logo.svg"><img src="a.png"><a href="about.html">about</a>"""
    found = image_links(page.encode(), URL, None)
    assert [item.place for item in found.items] == [f"{URL}a.png", f"{URL}b.png?t=1"]
    assert found.left_out == 3


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        ("a.png", f"{URL}a.png"),
        (" a.png\n", f"{URL}a.png"),
        ("a\n.png", f"{URL}a.png"),
        ("./a.png?x=1#y", f"{URL}a.png?x=1"),
        ("../sat/a.png", "https://host.example/sat/a.png"),
        ("/sat/a.png", "https://host.example/sat/a.png"),
        ("//cdn.example/a.png", "https://cdn.example/a.png"),
        ("http://cdn.example:8080/a.png", "http://cdn.example:8080/a.png"),
        ("sub\\a.png", f"{URL}sub/a.png"),
        ("a b.png", f"{URL}a%20b.png"),
        ("a%20b%2Bc.png", f"{URL}a%20b%2Bc.png"),
        ("ä.png", f"{URL}%C3%A4.png"),
        ("a&amp;b.png", f"{URL}a&b.png"),
        ("a.png?b=1&amp;copy=2&amp;lt;", f"{URL}a.png?b=1&copy=2&lt;"),
        ("a.png?b=1&copy=2&notit;x&#38;y", f"{URL}a.png?b=1&copy=2&notit;x&y"),
        ("caf&eacute;&#233;&#xE9;.png", f"{URL}caf%C3%A9%C3%A9%C3%A9.png"),
        ("100%.png", f"{URL}100%25.png"),
        ("http://[bad/a.png", None),
        ("http://host:port/a.png", None),
        ("", None),
        ("?a.png", None),
        ("a.png/", None),
        (".hidden.png", None),
        ("__MACOSX/a.png", None),
        ("a.svg", None),
        ("a" * 10_000 + ".png", None),
    ],
)
def test_a_link_is_resolved_as_browsers_do(reference: str, place: str | None) -> None:
    """Entities, escapes, spaces, and what is no URL of http(s)."""
    page = f'<html><a href="{reference}">x</a>'
    assert links(page) == ([place] if place else [])


@pytest.mark.parametrize(
    ("base", "place"),
    [("/sat/", "https://host.example/sat/a.png"), ("https://cdn.example/x/y", "https://cdn.example/x/a.png"),
     ("file:///etc/", f"{URL}a.png"), ("javascript:", f"{URL}a.png"), ("", f"{URL}a.png")],
)  # fmt: skip
def test_the_first_base_of_a_page_counts(base: str, place: str) -> None:
    """Also for links before it; one that is not of http(s) does not."""
    assert links(f'<a href=a.png></a><base target=x><base href="{base}"><base href="/no/">') == [
        place
    ]


@given(some.lists(some.sampled_from(["../", "./", "/", "a", "b/../", ";", "//", "a?"])))
def test_links_of_a_deep_folder_are_those_of_another_joiner(pieces: list[str]) -> None:
    """However far they climb."""
    reference = "".join([*pieces, "x.png"])
    deep = f"{URL}1/2/3/4/5/page.html"
    joined = urljoin(deep, reference)
    if joined.startswith("https://host.example/") and "?" not in joined:
        assert links(f"<a href='{reference}'>", deep) == [joined]


def test_a_long_base_is_not_taken_apart_for_each_link(mocker: MockerFixture) -> None:
    """Each link is joined to what it may climb over only."""
    join = mocker.patch.object(page_links, "urljoin", wraps=urljoin)
    base = "a/" * 2000
    page = f"<base href=/{base}>" + "".join(f"<a href=../{number}.png>" for number in range(100))
    found = links(page)
    assert found[0] == f"https://host.example/{'a/' * 1999}0.png"
    assert len(found) == 100
    assert sum(len(call.args[0]) for call in join.call_args_list) < 3 * len(base)


def test_a_link_that_a_base_makes_too_long_leads_nowhere() -> None:
    """As one that is too long by itself."""
    assert links(f"<base href=/{'a/' * 4080}><a href={'b' * 20}.png>") == []


def test_a_login_goes_to_the_host_of_the_page_only() -> None:
    """To links of the page's own host, however they are spelled."""
    page = (
        "<a href=a.png></a><a href=https://HOST.example/b.png></a><a href=//cdn.example/c.png></a>"
    )
    assert links(page, "https://me:s3cr3t@host.example/x/") == [
        "https://me:s3cr3t@host.example/x/a.png",
        "https://me:s3cr3t@host.example/b.png",
        "https://cdn.example/c.png",
    ]


def test_names_begin_in_the_folder_of_the_page() -> None:
    """Those of other places are their paths."""
    page = "<a href=1/a%20b.png></a><a href=../b.png></a><a href=//cdn.example/x/c.png></a>"
    found = image_links(page.encode(), f"{URL}index.html", None)
    assert [item.name for item in found.items] == ["1/a b.png", "b.png", "x/c.png"]


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        ("<meta charset=iso-8859-1><a href=é.png>".encode("latin-1"), None),
        ("<a href=é.png>".encode("latin-1"), "ISO-8859-1"),
        ("<a href=é.png>".encode("latin-1"), None),
        ("<a href=é.png>".encode(), None),
        ("<a href=é.png>".encode(), '"utf-8"'),
        ("<a href=é.png>".encode(), "punycode"),
        ("<a href=é.png>".encode(), "no such\0"),
        ("<a href=é.png>".encode("utf-8-sig"), "iso-8859-1"),
        ("<a href=é.png>".encode("utf-16"), None),
        (b'<meta content="text/html; charset=koi8-r"><a href=&eacute;.png>', None),
    ],
)  # fmt: skip
def test_a_page_may_be_in_any_encoding_of_the_web(data: bytes, charset: str | None) -> None:
    """Its own mark counts first, then what the server says, then what it says itself."""
    assert links(data, charset=charset) == [f"{URL}%C3%A9.png"]


@pytest.mark.parametrize(
    "page",
    [
        "<!-- <a href=no.png> --><a href=a.png>",
        "<!--><a href=a.png>",
        "<!-- x --!><a href=a.png>",
        "<script>'<a href=no.png>'</SCRIPT ><a href=a.png>",
        "<title><a href=no.png></title><a href=a.png>",
        "<textarea><a href=no.png></textarea><a href=a.png>",
        "<style><a href=no.png></style><a href=a.png>",
        "<a href=a.png><plaintext><a href=no.png>",
        "<noscript><a href=a.png></noscript>",
        "<![CDATA[<b]><a href=a.png>",
        "</ <x><a href=a.png>",
        "<a title='>' href=a.png>",
        "<a href = a.png href=no.png>",
        "<a/href=a.png>",
        "<A HREF='a.png'x=y>",
    ],
)
def test_what_is_no_tag_is_no_link(page: str) -> None:
    """Not in a comment, a script or a title; but an odd tag is one."""
    assert links(page) == [f"{URL}a.png"]


def test_a_tag_that_the_page_cuts_off_is_no_link() -> None:
    """It may lack the end of its name."""
    assert links("<a href=a.png></a> 1 < 2 <a href=b.pn") == [f"{URL}a.png"]


PIECES = ["<a href=", "<a ", "href='", '"', "'", ">", "x.png", "<!--", "-->", "<script>",
          "</script>", "</a>", " ", "=", "/", "&amp;", "&copy", "<img src=y.png>", "<p", "<title>",
          "</title>"]  # fmt: skip


@given(some.lists(some.sampled_from(PIECES), max_size=20))
def test_links_are_those_of_another_parser(chosen: list[str]) -> None:
    """html5lib, which is slow, finds the same ones."""
    page = "".join(chosen)
    tags = [tag for tag in html_tokens(page) if isinstance(tag, Tag) and not tag.is_end]
    ours = {tag.attributes["href"] for tag in tags if tag.name == "a" and "href" in tag.attributes}
    tree = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    assert ours == {
        element.attrib["href"] for element in tree.iter("a") if "href" in element.attrib
    }


HOSTILE = ["<", "<a ", '<a x="', "<a x='", "<a /", "<a =", "<a a", "<a><b>", "<a href=x.png>",
           "<a href=../", "<a href=&copy", "<a href='?C=N;O=D'>", "<!--", "<!", "<?", "<![CDATA[",
           "</a", "</", "<div>", "<script>", "<title>", "<textarea", "<base href=x>", "&", "&#",
           "a ", "\n", " ", "=", "::", "9"]  # fmt: skip
READ = """
import json, sys
from luigi_gif.sources.page_links import image_links
for piece in json.load(sys.stdin):
    much = piece * (100_000 // len(piece))
    for page in (much, f"<a href='{much}'>", f"<a href='&#{much}'>"):
        image_links(page.encode(), "https://host.example/", None)
print("done")
"""


def test_a_hostile_page_costs_no_more_than_another() -> None:
    """In squared time each of these, of 100 KB, would take many minutes."""
    ran = subprocess.run(
        [sys.executable, "-c", READ], input=json.dumps(HOSTILE), capture_output=True, text=True,
        timeout=PATIENCE_S, check=True,
    )  # fmt: skip
    assert ran.stdout == "done\n"


LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>
<Prefix>cam/2026</Prefix><IsTruncated>{truncated}</IsTruncated>
<EncodingType>{encoding}</EncodingType>
<Contents><Key>cam/2026/</Key><Size>0</Size></Contents>
<Contents><Key>cam/2026/a&amp;b +1.png</Key><LastModified>2026-01-05T10:20:00.000Z</LastModified>
<ETag>&quot;abc&quot;</ETag><Size>512</Size><Owner><ID>x</ID><Key>no.png</Key></Owner></Contents>
<Contents><Key>cam/2026/readme.txt</Key><Size>1</Size></Contents>
<Contents><Key>cam/2027%2B.png</Key></Contents>
<CommonPrefixes><Prefix>cam/x.png</Prefix></CommonPrefixes></ListBucketResult>"""


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://b.s3.amazonaws.com/?prefix=cam/2026", "https://b.s3.amazonaws.com/"),
        ("https://storage.example/b?prefix=cam/2026", "https://storage.example/b/"),
        ("http://me:pw@host:9000/b/", "http://me:pw@host:9000/b/"),
    ],
)
def test_the_listing_of_a_bucket_is_read(url: str, root: str) -> None:
    """Keys, times, sizes and versions; without folders, and whatever the key is."""
    page = LISTING.format(truncated="false", encoding="").encode()
    found = image_links(page, url, None)
    first = Item("2026/a&b +1.png", f"{root}cam/2026/a%26b%20%2B1.png", 512, JANUARY, '"abc"')
    assert found.items == [first, Item("2027%2B.png", f"{root}cam/2027%252B.png")]
    assert (found.left_out, found.rest) == (1, None)
    assert is_page(page)


def test_a_listing_may_be_a_part_and_encoded() -> None:
    """The next part is behind its last key, whatever part this one is."""
    page = LISTING.format(truncated="true", encoding="url").encode()
    found = image_links(page, f"{URL}?prefix=c&marker=old&max-keys=4", None)
    assert found.rest == f"{URL}?prefix=c&max-keys=4&marker=cam%2F2027%2B.png"
    assert [item.name for item in found.items] == ["2026/a&b  1.png", "2027+.png"]


def test_a_damaged_listing_is_an_error() -> None:
    """It would be taken for a shorter one."""
    with pytest.raises(SourceUnusable, match="whole listing"):
        image_links(LISTING.encode()[:-30], URL, None)


@pytest.mark.parametrize("url", ["/saved/page.xml", f"{URL}?list-type=2"])
def test_a_listing_whose_rest_cannot_be_found_is_an_error(url: str) -> None:
    """As one in a file, or without the token of the next part."""
    with pytest.raises(SourceUnusable, match="does not name the next"):
        image_links(LISTING.format(truncated="true", encoding="").encode(), url, None)


def test_a_listing_of_many_levels_costs_no_stack() -> None:
    """Nor does it blow up by entities."""
    deep = b"<ListBucketResult>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</ListBucketResult>"
    assert image_links(deep, URL, None).items == []
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Key>&a;</Key></ListBucketResult>'
    assert not is_page(bomb)


PUBLIC = {"x-amz-acl": "public-read"}


@pytest.mark.slow
@pytest.mark.xdist_group("stores")
def test_the_listing_of_a_store_leads_to_its_objects(running: Running, tmp_path: Path) -> None:
    """Whatever their keys are, and however many parts it has: moto serves it."""
    keys = ["cam/a b.png", "cam/ä+1.png", "cam/x&y=1.png", "cam/q?r#s.png", "cam/9%.png"]
    store = running["s3"].environment["AWS_ENDPOINT_URL"]
    put_all(f"{store}/bucket", {key: key.encode() for key in keys})
    page = requests.get(f"{store}/bucket?prefix=cam/", timeout=60)
    found = image_links(page.content, page.url, None)
    assert sorted(item.name for item in found.items) == sorted(key[4:] for key in keys)
    folder = storage.LocalFolder(tmp_path / "work")
    for fetched in fetch_items(found.items, folder, settings.download(), Silent(), "", 1000):
        assert fetched.error is None
        assert folder.read(fetched.name).decode() == f"cam/{fetched.item.name}"
    check_parts(f"{store}/long", tmp_path)


def check_parts(bucket: str, folder: Path) -> None:
    """A listing of several parts has the objects of all of them, by either way to list."""
    put_all(bucket, {f"cam/é &{number}.png": picture(number) for number in range(7)})
    for name, query in (("a", "prefix=cam/&max-keys=3"), ("b", "list-type=2&max-keys=3")):
        assert shown(clip_here(f"{bucket}?{query}", folder / name, last=5)) == [2, 3, 4, 5, 6]


def put_all(bucket: str, objects: dict[str, bytes]) -> None:
    requests.put(bucket, timeout=60)
    for key, data in objects.items():
        url = f"{bucket}/{quote(key)}"
        assert requests.put(url, data=data, headers=PUBLIC, timeout=60).ok


@pytest.mark.parametrize(
    ("attributes", "picture"),
    [
        ("src='data:image/gif;base64,AA' data-src=a.png", "a.png"),
        ("src=blank.gif data-original=a.png", "a.png"),
        ("src=blank.gif data-lazy-src=a.png><noscript><img src=a.png></noscript", "a.png"),
        ("srcset='a.png 1x, b.png 2x'", "b.png"),
        ("src=a.png srcset='c,d.png 1024w,b.png 320w, a.png'", "c,d.png"),
        ("src=a.png srcset='data:image/gif;base64,AA 2x'", "a.png"),
    ],
)
def test_of_an_image_that_is_loaded_late_the_picture_is_taken(
    attributes: str, picture: str
) -> None:
    """Not its placeholder; of several sizes the largest."""
    assert links(f"<p><img {attributes}>") == [URL + picture]


@pytest.mark.parametrize(
    "tag", ["<div>", "<H2>", "<script>", "<center>", "<b>", "<hr/>", "<link x>"]
)
def test_a_page_may_begin_with_any_tag_of_one(tag: str) -> None:
    """Pages that are written by hand have no head."""
    assert is_page(tag.encode())


@pytest.mark.parametrize("mark", ["\ufeff".encode(each) for each in ("utf-16-le", "utf-16-be")])
def test_a_page_may_be_in_utf_16(mark: bytes) -> None:
    """Its byte order mark says so."""
    order = "utf-16-le" if mark.startswith(b"\xff") else "utf-16-be"
    page = mark + "<html><a href=a.png>".encode(order)
    assert is_page(page)
    assert links(page, charset=None) == [f"{URL}a.png"]


def test_links_of_a_file_lead_to_files() -> None:
    """Whatever the names of its folders are; what stands behind a question mark is no name."""
    page = b"<a href='a%20b.png'>a</a><a href='../c.png?v=1#d'>c</a><a href='https://h/d.png'>d</a>"
    found = image_links(page, "/my #1 %41/page.html", None)
    assert [urls.local_path(item.place) for item in found.items[:2]] == [
        "/my #1 %41/a b.png",
        "/c.png",
    ]
    assert found.items[0].name == "a b.png"
    assert found.items[2].place == "https://h/d.png"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='x'></svg>",
        b"<?xml version='1.0'?><rss></rss>",
        b"plain text <a href=a.png>",
        b"<abc>",
        b"{}",
    ],
)
def test_other_data_are_no_page(data: bytes) -> None:
    """Images, other XML, and text with a tag somewhere."""
    assert not is_page(data)
