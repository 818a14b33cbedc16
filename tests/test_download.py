"""What arrives is whole and checked, or there is a clear error and no file."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fsspec
import pytest
from pytest_mock import MockerFixture
from support.fetched import Fetch
from support.images import DELIMITER
from support.page_server import Server

from luigi_gif import storage
from luigi_gif.errors import BundleError, DownloadError, TransientDownloadError
from luigi_gif.fetching.partial_file import open_partial

Handler = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, **headers: str) -> Handler:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def body(data: bytes, length: int | None = None) -> Handler:
    """The connection closes behind the data, whatever length was announced."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if length is not None:
            handler.send_header("Content-Length", str(length))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


def chunked(data: bytes, size: int) -> Handler:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    return answer


def in_turn(*answers: Handler) -> Handler:
    waiting = iter(answers)
    return lambda handler: next(waiting)(handler)


def test_a_bundle_arrives_with_a_receipt(fetch: Fetch, server: Server, any_bundle: bytes) -> None:
    """Its bytes, its size and its checksum."""
    server.pages["/bundle"] = any_bundle
    data, receipt = fetch(server.url("/bundle"))
    assert data == any_bundle
    assert receipt == {
        "size": len(any_bundle),
        "sha256": hashlib.sha256(any_bundle).hexdigest(),
        "etag": None,
        "last_modified": None,
    }


def test_what_the_server_says_of_it_is_noted(fetch: Fetch, server: Server, sample: bytes) -> None:
    """ETag and Last-Modified, for later."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(sample)))
        handler.send_header("ETag", '"one"')
        handler.send_header("Last-Modified", "Sat, 01 Aug 2026 00:00:00 GMT")
        handler.end_headers()
        handler.wfile.write(sample)

    server.pages["/bundle"] = answer
    _, receipt = fetch(server.url("/bundle"))
    assert receipt["etag"] == '"one"'
    assert receipt["last_modified"] == "Sat, 01 Aug 2026 00:00:00 GMT"


def test_redirects_are_followed(fetch: Fetch, server: Server, sample: bytes) -> None:
    """Relative and absolute ones."""
    server.pages["/1"] = status(302, Location="/2")
    server.pages["/2"] = status(301, Location=server.url("/3"))
    server.pages["/3"] = sample
    assert fetch(server.url("/1"))[0] == sample


@pytest.mark.parametrize("location", ["/1", "file:///etc/hostname"])
def test_redirects_that_lead_nowhere_fail_at_once(
    fetch: Fetch, server: Server, location: str
) -> None:
    """A loop, or another kind of URL."""
    server.pages["/1"] = status(302, Location=location)
    with pytest.raises(DownloadError, match="redirects"):
        fetch(server.url("/1"))


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_tiny_chunks_make_no_difference(
    fetch: Fetch, server: Server, sample: bytes, size: int
) -> None:
    """The first may hold less than the beginning of an image."""
    data = DELIMITER.join(sample.split(DELIMITER)[: size // 3 + 1])
    server.pages["/bundle"] = chunked(data, size)
    assert fetch(server.url("/bundle"))[0] == data


def test_a_body_without_a_length_is_taken(fetch: Fetch, server: Server, sample: bytes) -> None:
    """There is nothing to check it against."""
    server.pages["/bundle"] = body(sample)
    assert fetch(server.url("/bundle"))[0] == sample


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_tried_again(
    fetch: Fetch, server: Server, sample: bytes, code: int
) -> None:
    """Twice by default, then the error says what the server said."""
    server.pages["/bundle"] = in_turn(status(code), status(code), body(sample))
    assert fetch(server.url("/bundle"))[0] == sample
    server.pages["/bundle"] = status(code)
    with pytest.raises(TransientDownloadError, match=f"got:      {code}"):
        fetch(server.url("/bundle"))
    assert len(server.requests) == 6


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 204, 206])
def test_what_will_not_pass_fails_at_once(fetch: Fetch, server: Server, code: int) -> None:
    """One request, and an error that says what the server said."""
    server.pages["/bundle"] = status(code)
    with pytest.raises(DownloadError, match=f"got:      {code}") as error:
        fetch(server.url("/bundle"))
    assert not isinstance(error.value, TransientDownloadError)
    assert len(server.requests) == 1


def test_a_short_body_is_tried_again(fetch: Fetch, server: Server, sample: bytes) -> None:
    """Nothing of the first attempt is left in the second."""
    short = body(sample[:1000], len(sample))
    server.pages["/bundle"] = in_turn(short, body(sample, len(sample)))
    assert fetch(server.url("/bundle"))[0] == sample
    server.pages["/bundle"] = short
    with pytest.raises(TransientDownloadError, match="the download broke off"):
        fetch(server.url("/bundle"))


def test_a_server_that_is_silent_is_given_up(fetch: Fetch, server: Server) -> None:
    """After the read timeout, and the retries."""
    enough = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        enough.wait(60)

    server.pages["/bundle"] = answer
    with pytest.raises(TransientDownloadError, match="no answer in time"):
        fetch(server.url("/bundle"), read_timeout=0.1, retries=1)
    assert len(server.requests) == 2
    enough.set()


def test_nobody_listening_is_tried_again(
    fetch: Fetch, server: Server, mocker: MockerFixture
) -> None:
    """By default 2 retries, here 10 s apart, as by default."""
    url = server.url("/bundle")
    server.close()
    mocker.patch.object(server, "close")
    sleep = mocker.patch("tenacity.nap.time.sleep")
    with pytest.raises(TransientDownloadError, match="Connection refused"):
        fetch(url, retry_delay=10.0)
    assert [call.args for call in sleep.call_args_list] == [(10,), (10,)]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "nothing"),
        (b"<!DOCTYPE html><title>Sorry", "an HTML or XML page"),
        (b"no image", "data that begin with b'no image'"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (b"\x1f\x8b\x08" + bytes(30), "gzip-compressed data"),
        (b"8BPS\0\1" + bytes(30), "a Photoshop image"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
    ],
)
def test_what_is_no_bundle_is_refused(fetch: Fetch, server: Server, data: bytes, name: str) -> None:
    """At its first bytes, and at once."""
    server.pages["/bundle"] = data
    with pytest.raises(BundleError, match=name):
        fetch(server.url("/bundle"))
    assert len(server.requests) == 1


def test_a_checksum_is_held_against_the_bundle(fetch: Fetch, server: Server, sample: bytes) -> None:
    """The error names both."""
    server.pages["/bundle"] = sample
    right = hashlib.sha256(sample).hexdigest()
    assert fetch(server.url("/bundle"), right)[0] == sample
    with pytest.raises(BundleError, match=right) as error:
        fetch(server.url("/bundle"), "0" * 64)
    assert error.value.expected == f"SHA-256 {'0' * 64}"


def test_certificates_that_are_not_there_are_named(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is about them, not about the file that was to be written."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such")
    with pytest.raises(DownloadError, match="/no/such"):
        fetch("https://127.0.0.1:9/x")


def test_pieces_do_not_pile_up_in_memory(tmp_path: Path, mocker: MockerFixture) -> None:
    """However fast a source is: a piece waits until the one before it is hashed."""
    hashed: list[Future[None]] = []
    submit = ThreadPoolExecutor.submit

    def noted(*arguments: Any) -> Future[None]:
        assert all(future.done() for future in hashed)
        hashed.append(submit(*arguments))
        return hashed[-1]

    mocker.patch.object(ThreadPoolExecutor, "submit", noted)
    with open_partial(storage.LocalFolder(tmp_path), "x.part", "x") as partial:
        for _ in range(20):
            partial.append(bytes(1 << 20))
    assert len(hashed) == 20


def test_files_and_objects_are_read_too(fetch: Fetch, tmp_path: Path, sample: bytes) -> None:
    """By a path, a file:// URL, or any URL that fsspec knows."""
    path = tmp_path / "a bundle.img"
    path.write_bytes(sample)
    fsspec.filesystem("memory").pipe_file("/bundle.img", sample)
    for url in (str(path), path.as_uri(), "memory://bundle.img"):
        assert fetch(url)[0] == sample


@pytest.mark.parametrize("url", ["/no/such.img", "file:///no/such.img", "nonsense://host/x", "/"])
def test_what_cannot_be_read_is_named(fetch: Fetch, url: str) -> None:
    """A missing file, a folder, or a URL that nobody knows."""
    with pytest.raises(DownloadError, match="the file cannot be read") as error:
        fetch(url)
    assert error.value.where == url
