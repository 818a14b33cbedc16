"""The 25 faults of downloads that docs/reliability.md lists, each shown by a real server."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import ssl
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from pytest_mock import MockerFixture
from support import warm
from support.commands import luigi_command, luigi_environment
from support.faults import (
    ETAG,
    Connection,
    FaultServer,
    Request,
    Responder,
    chunks,
    fault_server,
    says,
    serves,
)
from support.fetched import PART, Fetch
from support.images import DELIMITER

from luigi_gif.errors import BundleError, DownloadError, StorageError, TransientDownloadError
from luigi_gif.fetching import http_download

OTHER = '"two"'


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """It has no answers yet."""
    with fault_server() as server:
        yield server


@pytest.fixture
def halved(sample: bytes) -> Responder:
    """The sample, broken off in the middle."""
    return serves(sample, stop_after=len(sample) // 2)


def ranges(server: FaultServer) -> list[str | None]:
    return [request.headers.get("range") for request in server.requests]


def part(tmp_path: Path) -> Path:
    return tmp_path / "fetched" / PART


def left(tmp_path: Path) -> list[str]:
    return sorted(os.listdir(tmp_path / "fetched"))


def leave_a_half(fetch: Fetch, server: FaultServer, halved: Responder) -> None:
    """As a run does that has no time for another try."""
    server.now(halved)
    with pytest.raises(TransientDownloadError, match="broke off"):
        fetch(server.url(), retries=0)


def test_01_a_short_body_is_resumed(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes, tmp_path: Path
) -> None:
    """In the same run, and in the next; no byte is transferred twice."""
    half = f"bytes={len(sample) // 2}-"
    server.now(halved, serves(sample))
    data, receipt = fetch(server.url())
    assert data == sample
    assert receipt["sha256"] == hashlib.sha256(sample).hexdigest()
    assert ranges(server) == [None, half]
    assert server.requests[1].headers["if-range"] == ETAG
    leave_a_half(fetch, server, halved)
    assert left(tmp_path) == [PART, f"{PART}.json"]
    server.now(serves(sample))
    assert fetch(server.url())[0] == sample
    assert ranges(server) == [half]


def test_02_a_reset_is_resumed(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """What had arrived by then counts."""
    server.now(serves(sample, stop_after=200_000, reset=True), serves(sample))
    assert fetch(server.url())[0] == sample
    assert len(server.requests) == 2


@pytest.mark.parametrize("etag", [ETAG, None])
def test_03_chunks_without_an_end_are_not_the_whole(
    fetch: Fetch, server: FaultServer, sample: bytes, etag: str | None
) -> None:
    """Where the version is known they are resumed, else all is fetched again."""
    lines = [f"ETag: {etag}"] if etag else []
    server.now(chunks(sample[:10_000], *lines, end=b""), serves(sample, etag=etag))
    assert fetch(server.url())[0] == sample
    assert ranges(server) == [None, "bytes=10000-" if etag else None]


def test_04_chunks_that_end_too_early_are_found_by_their_frames(
    fetch: Fetch, server: FaultServer, sample: bytes, tmp_path: Path
) -> None:
    """Or by the checksum, where the cut is between two frames; nothing of it is kept."""
    server.now(chunks(sample[:100_000], f"ETag: {ETAG}"))
    with pytest.raises(BundleError, match="of the bundle is not usable"):
        fetch(server.url())
    assert left(tmp_path) == []
    server.now(chunks(sample[: sample.index(DELIMITER, 100_000)]))
    with pytest.raises(BundleError, match="not the one that was asked for"):
        fetch(server.url(), hashlib.sha256(sample).hexdigest())
    assert left(tmp_path) == []


def test_05_a_body_without_a_length_is_found_short_by_its_frames(
    fetch: Fetch, server: FaultServer, sample: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A whole one is taken, with a warning."""
    server.now(says(200, body=sample[:100_000]))
    with pytest.raises(BundleError, match="of the bundle is not usable"):
        fetch(server.url())
    server.now(says(200, body=sample))
    assert fetch(server.url())[0] == sample
    assert "does not say how long the bundle is" in caplog.text


def test_06_a_body_longer_than_its_length_is_found_by_its_frames(
    fetch: Fetch, server: FaultServer, sample: bytes
) -> None:
    """HTTP ends it at the length that was announced."""
    server.now(says(200, "Content-Length: 100000", body=sample))
    with pytest.raises(BundleError, match="of the bundle is not usable"):
        fetch(server.url())


@pytest.mark.parametrize("obeys_if_range", [True, False])
def test_07_another_version_is_fetched_from_its_start(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes, obeys_if_range: bool
) -> None:
    """Also where the server gives a range of it although If-Range names the first."""
    leave_a_half(fetch, server, halved)
    other = DELIMITER.join(sample.split(DELIMITER)[::-1])
    lies = says(
        206,
        f"Content-Length: {len(other) // 2}",
        f"Content-Range: bytes {len(sample) // 2}-{len(other) - 1}/{len(other)}",
        f"ETag: {OTHER}",
        body=other[len(sample) // 2 :],
    )
    honest = serves(other, etag=OTHER)
    server.now(*([] if obeys_if_range else [lies]), honest)
    data, receipt = fetch(server.url())
    assert data == other
    assert receipt["etag"] == OTHER


def test_07_a_weak_etag_is_not_resumed(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """It names what means the same, not what is the same byte by byte."""
    weak = 'W/"one"'
    server.now(serves(sample, etag=weak, stop_after=1000), serves(sample, etag=weak))
    assert fetch(server.url())[0] == sample
    assert ranges(server) == [None, None]


def test_08_a_range_that_is_ignored_starts_anew(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes
) -> None:
    """The whole takes the place of the half."""
    server.now(halved, serves(sample, ranges=False))
    assert fetch(server.url())[0] == sample


@pytest.mark.parametrize(
    "content_range", ["bytes 0-99/{size}", "bytes {half}-99/100", "lines 1-2/3", None]
)
def test_09_a_range_that_does_not_fit_starts_anew(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes, content_range: str | None
) -> None:
    """It begins elsewhere, is of another size, or cannot be understood."""
    values = {"size": len(sample), "half": len(sample) // 2}
    lines = [f"Content-Range: {content_range.format(**values)}"] if content_range else []
    wrong = says(206, "Content-Length: 100", f"ETag: {ETAG}", *lines, body=b"x" * 100)
    server.now(halved, wrong, serves(sample))
    assert fetch(server.url())[0] == sample
    assert len(server.requests) == 3


def test_10_a_range_nobody_asked_for_is_an_error(
    fetch: Fetch, server: FaultServer, sample: bytes
) -> None:
    """At once."""
    lines = ["Content-Length: 100", f"Content-Range: bytes 0-99/{len(sample)}"]
    server.now(says(206, *lines, body=sample[:100]))
    with pytest.raises(DownloadError, match="got:      206"):
        fetch(server.url())
    assert len(server.requests) == 1


@pytest.mark.parametrize("complete", [True, False])
def test_11_a_range_behind_the_end_is_never_added(
    fetch: Fetch, server: FaultServer, sample: bytes, complete: bool
) -> None:
    """If all is there, it is taken; else the rest is not of this bundle, and it starts anew."""
    first = chunks(sample if complete else sample[:100_000], f"ETag: {ETAG}", end=b"")
    size = len(sample) if complete else 50_000
    lines = ["Content-Length: 5", f"Content-Range: bytes */{size}"]
    server.now(first, says(416, *lines, body=b"wrong"), serves(sample))
    assert fetch(server.url())[0] == sample
    assert len(server.requests) == (2 if complete else 3)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_12_compressed_data_are_unpacked(
    fetch: Fetch, server: FaultServer, sample: bytes, encoding: str
) -> None:
    """They were not asked for, and are not resumed."""
    packed = gzip.compress(sample)
    lines = [f"Content-Encoding: {encoding}"]
    server.now(serves(packed, *lines, stop_after=1000), serves(packed, *lines))
    assert fetch(server.url())[0] == sample
    assert ranges(server) == [None, None]
    assert server.requests[0].headers["accept-encoding"] == "identity"
    server.now(serves(packed, "Content-Encoding: br"))
    with pytest.raises(DownloadError, match="got:      br"):
        fetch(server.url())


@pytest.mark.parametrize("cut", [0.5, 0.999])
def test_13_compressed_data_that_are_cut_off_are_an_error(
    fetch: Fetch, server: FaultServer, sample: bytes, cut: float
) -> None:
    """Although HTTP's own length fits."""
    packed = gzip.compress(sample)
    server.now(serves(packed[: int(len(packed) * cut)], "Content-Encoding: gzip"))
    with pytest.raises(TransientDownloadError, match="data compressed with gzip"):
        fetch(server.url())
    assert len(server.requests) == 3


@pytest.mark.filterwarnings("ignore:.*socket")  # urllib3 forgets this one
def test_14_lengths_that_contradict_each_other_are_an_error(
    fetch: Fetch, server: FaultServer, sample: bytes
) -> None:
    """Whichever came first."""
    lines = [f"Content-Length: {len(sample)}", "Content-Length: 100000"]
    for order in (lines, lines[::-1]):
        server.now(says(200, *order, body=sample))
        with pytest.raises(DownloadError, match="contradicts itself"):
            fetch(server.url())


@pytest.mark.parametrize("length", ["-5", "many", "1e3", ""])
def test_15_a_length_that_is_no_number_is_none(
    fetch: Fetch, server: FaultServer, sample: bytes, length: str
) -> None:
    """The connection's end is the body's."""
    server.now(says(200, f"Content-Length: {length}", body=sample))
    assert fetch(server.url())[0] == sample


def test_16_chunks_count_more_than_a_length(
    fetch: Fetch, server: FaultServer, sample: bytes
) -> None:
    """RFC 9112, section 6.3."""
    server.now(chunks(sample, "Content-Length: 1000"))
    assert fetch(server.url())[0] == sample


@pytest.mark.parametrize("size", [b"xyz", b"", b"-1"])
def test_17_a_chunk_without_a_size_is_an_error(
    fetch: Fetch, server: FaultServer, sample: bytes, size: bytes
) -> None:
    """Tried again, as all that breaks off."""
    bad = chunks(sample[:5000], end=size + b"\r\nabc\r\n0\r\n\r\n")
    server.now(bad, chunks(sample))
    assert fetch(server.url())[0] == sample
    server.now(bad)
    with pytest.raises(TransientDownloadError, match="broke off"):
        fetch(server.url())


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
        date = formatdate(time.time() + asked_s, usegmt=True)
        lines.append(f"Retry-After: {date if as_date else asked_s}")
    sleep = mocker.patch("tenacity.nap.time.sleep")
    server.now(says(status, *lines), serves(sample))
    assert fetch(server.url(), retry_delay=10.0)[0] == sample
    (slept,) = sleep.call_args.args
    assert waits_s - 2 <= slept <= waits_s * 1.1


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


def test_23_a_stalled_download_is_resumed(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """After the read timeout."""
    server.now(serves(sample, stop_after=100_000, stall=True), serves(sample))
    assert fetch(server.url(), read_timeout=2)[0] == sample
    assert ranges(server) == [None, "bytes=100000-"]


def trickle(data: bytes) -> Responder:
    def answer(connection: Connection, _: Request) -> None:
        connection.head(200, f"Content-Length: {len(data)}", f"ETag: {ETAG}")
        for byte in data:
            connection.send(bytes([byte]))
            if connection.left.wait(0.02):
                break

    return answer


def test_23_a_trickle_is_broken_off(
    fetch: Fetch, server: FaultServer, sample: bytes, mocker: MockerFixture
) -> None:
    """Each byte comes in time, but all of them never would."""
    mocker.patch("luigi_gif.fetching.http_download.LOW_SPEED_S", 1.0)
    server.now(trickle(sample), serves(sample))
    assert fetch(server.url())[0] == sample
    assert len(server.requests) == 2
    server.now(trickle(sample))
    with pytest.raises(DownloadError, match="takes too long"):
        fetch(server.url(), deadline=0.5, low_speed_limit=0)


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


@pytest.mark.parametrize("damage", ["altered", "shorter", "longer", "note gone", "note altered"])
def test_25_a_damaged_part_is_not_gone_on_with(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes, damage: str, tmp_path: Path
) -> None:
    """What is more than was vouched for is dropped; the rest of it is right.

    A part without a note that can be read may be the user's: it is set aside.
    """
    leave_a_half(fetch, server, halved)
    path, note = part(tmp_path), tmp_path / "fetched" / f"{PART}.json"
    half = path.read_bytes()
    match damage:
        case "altered":
            path.write_bytes(half[:500] + b"x" + half[501:])
        case "shorter":
            path.write_bytes(half[:-1])
        case "longer":
            path.write_bytes(half + b"x")
        case "note gone":
            note.unlink()
        case "note altered":
            note.write_bytes(note.read_bytes().replace(b'"total": ', b'"total": 1'))
    server.now(serves(sample))
    assert fetch(server.url())[0] == sample
    assert ranges(server) == [f"bytes={len(half)}-" if damage == "longer" else None]
    assert path.with_name(f"{PART}.altered").exists() == damage.startswith("note")


def test_25_a_part_of_another_url_is_not_gone_on_with(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes
) -> None:
    """Even if its version has the same name there."""
    leave_a_half(fetch, server, halved)
    server.now(serves(sample))
    assert fetch(server.url("/other"))[0] == sample
    assert ranges(server) == [None]


def test_25_a_killed_download_is_resumed(
    server: FaultServer, sample: bytes, tmp_path: Path
) -> None:
    """By SIGKILL, in the middle of the bundle; the next run needs the rest only."""
    large = DELIMITER.join([sample] * 16)
    server.now(serves(large, stop_after=len(large) * 3 // 4, stall=True))
    command = luigi_command("DownloadData", "--url", server.url(), "--workdir", "work")
    run = warm.Popen(command, cwd=tmp_path, env=luigi_environment())
    note = tmp_path / "work" / "image-data.img.part.json"
    while not note.exists() or b"validator" not in note.read_bytes():
        assert run.poll() is None
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert not (tmp_path / "work" / "image-data.img").exists()
    server.now(serves(large))
    again = warm.run(command, cwd=tmp_path, env=luigi_environment())
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "work" / "image-data.img").read_bytes() == large
    assert ranges(server)[0] is not None
    assert not list((tmp_path / "work").glob("*.part*"))


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
