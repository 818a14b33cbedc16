"""A URL is shown without its secrets, and told apart from others all the same."""

from __future__ import annotations

import os
import re
import socket
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luigi_gif import default_workdir, redaction, urls


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("/a/path?x", "/a/path?x"),
        ("https://host:8443/a.img", "https://host:8443/a.img"),
        ("https://user:secret@host/a.img", "https://host/a.img"),
        ("https://host/a.img?token=secret&raw#secret", "https://host/a.img?token=***&***"),
        ("https://host/a.img?secret", "https://host/a.img?***"),
        ("https://host/a.img?c2VjcmV0==", "https://host/a.img?***"),
        ("https://host/a;v=secret/b.img;secret", "https://host/a;***/b.img;***"),
        ("https://host/wms?crs=EPSG::3857&token=secret", "https://host/wms?crs=***&token=***"),
        ("https://me:pa::secret@host/a.img", "https://host/a.img"),
        ("https://[::1]:8443/a.img", "https://[::1]:8443/a.img"),
        ("https://me:secret@[fe80::1]/a.img", "https://[fe80::1]/a.img"),
        ("https://host/at/https://me:secret@other/a.img", "https://host/at/https://***@other/a.img"),
        ("HTTPS://host/a.img", "https://host/a.img"),
        ("s3://key:secret@bucket/a.img", "s3://bucket/a.img"),
        ("s3://key:sec/ret@bucket/a.img", "s3://***@bucket/a.img"),
        ("s3://bucket/run #1/a?.img", "s3://bucket/run #1/a?.img"),
        ("s3://bucket/a.img?X-Amz-Signature=secret", "s3://bucket/a.img?X-Amz-Signature=***"),
        ("abfs://container@account/a.img", "abfs://container@account/a.img"),
        ("zip://a::https://user:secret@host/b?t=secret", "zip://a::https://host/b?t=***"),
        ("zip://a?.img::s3://bucket/b.zip", "zip://a?.img::s3://bucket/b.zip"),
        ("cache::sftp://me:se::cret@host/b", "cache::sftp://host/b"),
        ("htps://host/a?crs=EPSG::1&token=secret", "htps://host/a?crs=***&token=***"),
        ("host.example/a?token=secret", "host.example/a?token=***"),
        ("me:secret@host/a.img", "***@host/a.img"),
        ("/no/such\nINFO: made \x1b[2J\u202e", r"/no/such\nINFO: made \x1b[2J\u202e"),
    ],
)  # fmt: skip
def test_a_url_is_shown_without_secrets(url: str, public: str) -> None:
    """No user, password, value, token, fragment or path parameter; names are shown whole."""
    assert redaction.public_url(url) == public


@pytest.mark.parametrize(
    "scheme",
    ["http://", "htps://", "my_http://", "s3://", "zip://a::ftp://", " http://", "\ufeffhttp://",
     "http:/", "\\\\"],
)  # fmt: skip
def test_no_part_of_an_odd_password_is_shown(scheme: str) -> None:
    """Whatever stands in it that should have been encoded, in the URL or in its folder's name."""
    for mark in (*"/?#@'%]\\:&;= \n", "::", "//", "%2F", "s3://"):
        url = f"{scheme}me:S3CR{mark}RET7@host.example:80/a.img"
        shown = redaction.public_url(url) + redaction.public_text(
            f"cannot open {url!r}, see {url} .", url
        )
        try:
            shown += default_workdir.name_from_url(url)
        except ValueError as error:
            shown += str(error)
        assert "RET7" not in shown
        assert "S3CR" not in shown


@given(st.text(), st.sampled_from(["http://", "s3://", "", "zip://a::", "x::", "//", "[", "@"]))
def test_any_text_can_be_shown(text: str, before: str) -> None:
    """On one line that any terminal can take, and as a URL without an exception."""
    for shown in (redaction.public_url(before + text), redaction.public_text(text + before)):
        assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs"}


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("two\nlines\x1b[2J and \x9b1m", r"two lines\x1b[2J and \x9b1m"),
        ("exceeded with url: /a?t=abc (x)", "exceeded with url: /a?*** (x)"),
        ("see <a href='https://me:abc@host/?t=abc'>", "see <a href='https://host/?t=***'>"),
        ("Authorization: Basic bWU6YWJj", "Authorization: Basic ***"),
        ("no access for t0ken", "no access for ***"),
        ("no access for bWU6czNjcmV0", "no access for ***"),
        ("is it there? yes", "is it there? yes"),
    ],
)  # fmt: skip
def test_words_of_others_are_shown_without_secrets(text: str, public: str) -> None:
    """Neither those of URLs in it, nor those of the URL that was asked for."""
    assert redaction.public_text(text, "https://me:s3cret@host/a?token=t0ken") == public


@pytest.mark.parametrize(
    "said",
    [
        "/login?next=%2Fa%3Ftoken%3Dab%24c%2Bd",
        "next=%252Fa%253Ftoken%253Dab%2524c%252Bd",
        "/LOGIN next=A%3FTOKEN%3DAB%24C%2BD",
        'no "ab\\u0024c+d"',
        "no ab&#36;c&#x2b;d",
        r"no ab\$c\+d",
    ],
)
def test_no_spelling_of_a_secret_is_shown(said: str) -> None:
    """As servers repeat it in a page, in JSON, or in the URL of a login."""
    shown = redaction.public_text(said, "https://host/a?token=ab$c%2Bd").lower()
    assert "***" in shown
    assert not re.search("ab|c.*d$", shown.replace("***", "").rpartition("token")[2])


def test_words_of_others_are_bounded() -> None:
    """A server may say as much as it likes."""
    assert len(redaction.public_text("word " * 100_000)) <= redaction.MAX_TEXT + 3


def test_urls_that_look_alike_differ_in_their_digest() -> None:
    """By all of SHA-256, except for the password; a name may have any bytes."""
    digest = urls.url_digest("https://me:secret@host/a?id=1")
    assert len(digest) == 64
    assert digest == urls.url_digest("https://me:other@host/a?id=1")
    assert digest == urls.url_digest("HTTPS://me:other@host/a?id=1")
    assert digest != urls.url_digest("https://you:secret@host/a?id=1")
    assert digest != urls.url_digest("https://me:secret@host/a?id=2")
    assert urls.url_digest("http://h:80/@me/a") != urls.url_digest("http://h:81/@me/a")
    assert urls.url_digest("caf\udce9.img")


def test_a_local_source_is_known_by_its_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same relative path in another folder is another source."""
    monkeypatch.chdir(tmp_path)
    digest = urls.url_digest("a.img")
    assert digest == urls.url_digest(f"{tmp_path}/a.img")
    assert digest == urls.url_digest(f"file://{tmp_path}/a.img")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir("other")
    assert urls.url_digest("a.img") != digest


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/all-images.img?raw=true", "all-images"),
        ("https://host/", "bundle"),
        ("https://host/..", "bundle"),
        ("https://host/a;token=secret", "a"),
        ("/tmp/*[1]{2}? %2e.img", "1-2"),
        ("https://host/" + "long" * 100, "long" * 25),
        ("https://host/" + "é" * 300 + "a", "a"),
    ],
)
def test_a_folder_is_named_for_its_url(url: str, name: str) -> None:
    """Nothing in the name can lead out of its folder, is special to a shell, or too long."""
    assert default_workdir.name_from_url(url) == f"{name}-{urls.url_digest(url)[:16]}"
    assert len(default_workdir.name_from_url(url)) <= 143


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("a b.img", "a b.img"),
        ("file:///a/b.img", "/a/b.img"),
        ("FILE://localhost/a/b.img", "/a/b.img"),
        (f"file://{socket.gethostname()}/b.img", "/b.img"),
        ("file:/a/b.img", "/a/b.img"),
        ("file:///a/%23%20%e9", "/a/# \udce9"),
        ("file:///a/b#c?d", "/a/b#c?d"),
        ("~/b.img", os.path.expanduser("~/b.img")),
        ("file:///~/b.img", os.path.expanduser("~/b.img")),
    ],
)
def test_a_file_url_names_a_path(url: str, path: str) -> None:
    """With its marks decoded; a file has no query."""
    assert urls.is_local(url)
    assert urls.local_path(url) == path


@pytest.mark.parametrize(
    "url",
    ["file://other.example/a", "file://a.img", "http://", "http:///a", "http://[bad/a",
     "http://me:se/cret@host/a", "http://host:port/a", "http://host:99999/", "my_http://host/",
     "http:/me:se@cret", r"\\me:cret@host"],
)  # fmt: skip
def test_a_url_that_cannot_be_taken_apart_is_refused(url: str) -> None:
    """In words that hold nothing of it."""
    with pytest.raises(ValueError, match=" ") as raised:
        urls.check_url(url)
    assert "cret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://[::1]:80/a::b?c", "simplecache::http://host/a", "", "a:b"])
def test_other_urls_are_taken(url: str) -> None:
    """IPv6, chains of fsspec, and paths."""
    urls.check_url(url)


def test_a_scheme_is_lower_case() -> None:
    """As RFC 3986 has it, in each URL of a chain; the rest is left alone."""
    assert urls.scheme_of("S3://Bucket/A") == "s3"
    assert urls.normal_url(" ZIP://A::HTTP://Host/A::B") == "zip://A::http://Host/A::B"
    assert urls.normal_url("HTTP:/A") == "HTTP:/A"
    assert urls.normal_url("HTTP://Host/?u=HTTP://A") == "http://Host/?u=HTTP://A"
