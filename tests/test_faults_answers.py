"""Faults 18 to 22, 24 and 25 of docs/reliability.md: refusals, redirects, and what is too large."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from pytest_mock import MockerFixture
from support.faults import (
    FaultServer,
    fault_server,
    says,
    serves,
)
from support.fetched import Fetch, left

from luigi_gif.errors import BundleError, DownloadError, StorageError, TransientDownloadError
from luigi_gif.fetching import http_download


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """It has no answers yet."""
    with fault_server() as server:
        yield server


@pytest.mark.parametrize(
    ("status", "asked_s", "waits_s"),
    [(503, 30, 30), (429, 30, 30), (503, 100_000, 600), (503, 1, 10), (503, None, 10)],
)
@pytest.mark.parametrize("as_date", [True, False])
def test_18_a_server_says_when_to_come_again(
    fetch: Fetch, server: FaultServer, sample: bytes, mocker: MockerFixture,
    status: int, asked_s: int | None, waits_s: int, as_date: bool,
) -> None:  # fmt: skip
    """In seconds or by a date; never sooner than the settings say, never later than 10 minutes."""
    lines = ["Content-Length: 0"]
    if asked_s is not None:
        now = int(time.time())
        mocker.patch("time.time", return_value=now)
        date = formatdate(now + asked_s, usegmt=True)
        lines.append(f"Retry-After: {date if as_date else asked_s}")
    sleep = mocker.patch("tenacity.nap.time.sleep")
    server.now(says(status, *lines), serves(sample))
    assert fetch(server.url(), retry_delay=10.0)[0] == sample
    (slept,) = sleep.call_args.args
    assert waits_s <= slept <= waits_s * 1.1


def test_19_no_word_of_a_server_keeps_it_from_being_asked_again(
    fetch: Fetch, server: FaultServer, sample: bytes
) -> None:
    """Python makes no number of more than 4,300 digits, as one that names a character may have."""
    body = b"&#" + b"9" * 5000 + b";"
    refusal = says(503, "Content-Type: text/plain", f"Content-Length: {len(body)}", body=body)
    server.now(refusal, serves(sample))
    assert fetch(server.url())[0] == sample


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_19_what_may_pass_is_tried_again(
    fetch: Fetch, server: FaultServer, sample: bytes, status: int
) -> None:
    """Twice by default, then the error says what the server said."""
    refusal = says(status, "Content-Length: 0")
    server.now(refusal, refusal, serves(sample))
    assert fetch(server.url())[0] == sample
    server.now(refusal)
    with pytest.raises(TransientDownloadError, match=f"got:      {status}"):
        fetch(server.url())
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204])
def test_19_what_will_not_pass_fails_at_once(
    fetch: Fetch, server: FaultServer, status: int
) -> None:
    """One request, and an error that says what the server said."""
    server.now(says(status, "Content-Length: 0"))
    with pytest.raises(DownloadError, match=f"got:      {status}") as error:
        fetch(server.url())
    assert not isinstance(error.value, TransientDownloadError)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "nothing"),
        (b"<!DOCTYPE html><title>Sorry", "an HTML or XML page"),
        (b"no image", "data that begin with b'no image'"),
    ],
)
def test_20_what_is_no_bundle_is_refused(
    fetch: Fetch, server: FaultServer, data: bytes, name: str
) -> None:
    """At its first bytes, and at once."""
    server.now(serves(data))
    with pytest.raises(BundleError, match=name):
        fetch(server.url())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("location", "got"),
    [("/bundle", "another one"), ("file:///etc/hostname", "file:///etc/hostname"), ("ftp://x/", "ftp://x/")],
)  # fmt: skip
def test_21_redirects_end_and_stay_in_http(
    fetch: Fetch, server: FaultServer, location: str, got: str
) -> None:
    """Ten at the most, and from https only to https."""
    server.now(says(302, f"Location: {location}", "Content-Length: 0"))
    with pytest.raises(DownloadError, match=f"got:      {got}"):
        fetch(server.url())
    assert len(server.requests) == (http_download.MAX_REDIRECTS + 1 if location == "/bundle" else 1)


def test_21_a_redirect_never_leaves_tls(
    fetch: Fetch, trusted: ssl.SSLContext, server: FaultServer, sample: bytes
) -> None:
    """The other way is fine."""
    server.now(serves(sample))
    with fault_server(
        says(302, f"Location: {server.url()}", "Content-Length: 0"), tls=trusted
    ) as safe:
        with pytest.raises(DownloadError, match="redirects to another kind of URL"):
            fetch(safe.url())
        assert server.requests == []
        server.now(says(302, f"Location: {safe.url()}", "Content-Length: 0"))
        safe.now(serves(sample))
        assert fetch(server.url())[0] == sample


def test_22_credentials_go_to_no_other_host(
    fetch: Fetch, server: FaultServer, sample: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """They are of the host that the URL names."""
    caplog.set_level("DEBUG")
    target = server.url("/other").replace("127.0.0.1", "localhost")
    server.now(says(302, f"Location: {target}", "Content-Length: 0"), serves(sample))
    url = server.url("/bundle?token=secret").replace("//", "//user:secret@")
    assert fetch(url)[0] == sample
    assert "authorization" in server.requests[0].headers
    assert "authorization" not in server.requests[1].headers
    assert "secret" not in str(server.requests[1])
    assert "secret" not in caplog.text


@pytest.mark.parametrize("length", [True, False])
def test_24_what_is_too_large_is_refused(
    fetch: Fetch, server: FaultServer, sample: bytes, length: bool, tmp_path: Path
) -> None:
    """By the length that is announced, or as soon as more arrives."""
    server.now(serves(sample) if length else says(200, body=sample))
    with pytest.raises(DownloadError, match=r"at most 100,000 bytes"):
        fetch(server.url(), max_bytes=100_000)
    assert left(tmp_path) == []
    assert len(server.requests) == 1


def test_24_room_is_looked_for_first(
    fetch: Fetch, server: FaultServer, sample: bytes, mocker: MockerFixture, tmp_path: Path
) -> None:
    """The error says how much is needed."""
    server.now(serves(sample))
    mocker.patch("luigi_gif.storage.LocalFolder.free_bytes", return_value=1000)
    with pytest.raises(StorageError, match=f"expected: {len(sample):,} bytes free"):
        fetch(server.url())
    assert left(tmp_path) == []


def test_25_a_bad_certificate_is_not_tried_again(
    fetch: Fetch, trusted: ssl.SSLContext, sample: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A good one is taken."""
    with fault_server(serves(sample), tls=trusted) as server:
        assert fetch(server.url())[0] == sample
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        server.now(serves(sample))
        with pytest.raises(DownloadError, match="identity cannot be verified") as error:
            fetch(server.url())
        assert not isinstance(error.value, TransientDownloadError)
        assert server.requests == []


def test_19_no_answer_is_tried_again(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """The connection ends before a status."""
    server.now(lambda connection, request: None, serves(sample))
    assert fetch(server.url())[0] == sample
    server.now(lambda connection, request: None)
    with pytest.raises(TransientDownloadError, match="the end of the connection, and no answer"):
        fetch(server.url())
