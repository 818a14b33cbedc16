"""Faults 12 to 17 of docs/reliability.md: compression, lengths and chunks."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from support.faults import (
    FaultServer,
    chunks,
    fault_server,
    ranges,
    says,
    serves,
)
from support.fetched import Fetch

from luigi_gif.errors import DownloadError, TransientDownloadError


@pytest.fixture
def server() -> Iterator[FaultServer]:
    """It has no answers yet."""
    with fault_server() as server:
        yield server


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
