"""Faults 1 to 11, 23 and 25 of docs/reliability.md: what breaks off is resumed or starts anew."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Iterator
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
    ranges,
    says,
    serves,
)
from support.fetched import PART, Fetch, left, part
from support.images import DELIMITER

from luigi_gif.errors import BundleError, DownloadError, TransientDownloadError

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


def test_01_the_rest_of_another_file_that_a_url_leads_to_now_is_not_taken(
    fetch: Fetch, server: FaultServer, halved: Responder, sample: bytes
) -> None:
    """Though it calls its version alike."""
    other = sample[::-1]
    to_other = says(302, f"Location: {server.url('/other')}")
    server.now(halved, to_other, serves(other), to_other, serves(other))
    with pytest.raises(BundleError):
        fetch(server.url())
    assert ranges(server)[1:] == [f"bytes={len(sample) // 2}-"] * 2 + [None] * 2


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
