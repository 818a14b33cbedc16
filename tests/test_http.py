"""An exchange with a server: it ends in time, shows the server's reasons, and keeps secrets."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.faults import (
    Connection,
    FaultServer,
    Request,
    Responder,
    chunks,
    fault_server,
    says,
    serves,
)
from support.fetched import Fetch

from luigi_gif.errors import BundleError, DownloadError, ParameterError, TransientDownloadError
from luigi_gif.fetching import content_coding


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[FaultServer]:
    """A server on loopback that each test tells what to answer."""
    with fault_server() as server:
        yield server


def authorization(request: Request) -> str:
    """User and password that a request gives, or nothing."""
    return base64.b64decode(
        request.headers.get("authorization", "").removeprefix("Basic ")
    ).decode()


def drips(*beginning: str) -> Responder:
    """Header lines without an end, each in time."""

    def answer(connection: Connection, _: Request) -> None:
        connection.send("\r\n".join(["HTTP/1.1 200 OK", *beginning, "X: "]).encode())
        while not connection.left.wait(0.01):
            connection.send(b"x")
            if connection.sent > 60_000:
                return

    return answer


def pours(head: str) -> Responder:
    """A body without an end."""

    def answer(connection: Connection, _: Request) -> None:
        connection.send(head.encode())
        while not connection.left.is_set():
            before = connection.sent
            connection.send(b"\0" * 65_536)
            if connection.sent == before:
                return

    return answer


@pytest.mark.parametrize(
    "answer",
    [drips(), drips("Content-Length: 5"), pours("HTTP/1.1 200 OK\r\n\r\nGIF89a")],
    ids=["status", "headers", "body"],
)
def test_a_download_ends_at_its_deadline(
    fetch: Fetch, server: FaultServer, answer: Responder
) -> None:
    """Whatever it waits for; also where each byte comes in time."""
    server.now(answer)
    with pytest.raises(DownloadError, match="takes too long") as raised:
        fetch(server.url(), deadline=0.5)
    assert "--download-deadline" in raised.value.expected


def test_a_silent_tls_handshake_ends_at_the_deadline(fetch: Fetch) -> None:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/a"
        with pytest.raises(DownloadError, match="takes too long"):
            fetch(url, deadline=0.5, retries=0)


@pytest.mark.parametrize("coded", [True, False])
def test_the_body_of_a_redirect_is_not_read(
    fetch: Fetch, server: FaultServer, sample: bytes, coded: bool
) -> None:
    """Be it a bomb, or without an end."""
    head = "HTTP/1.1 302 Found\r\nLocation: /other\r\n"
    head += "Content-Encoding: gzip\r\n\r\n" if coded else "\r\n"
    server.now(pours(head), serves(sample))
    assert fetch(server.url())[0] == sample
    assert [request.path for request in server.requests] == ["/bundle", "/other"]


@pytest.mark.parametrize(
    "location",
    ["http://[bad/", "http://127.0.0.1:99999999/", "http://\u2100.example/", "http://.invalid/",
     f"http://{'a' * 70}.invalid/", "http://host:port/", "http:\x1b[2J", "\x1b[2J://host/"],
)  # fmt: skip
def test_a_redirect_to_nowhere_is_an_error(
    fetch: Fetch, server: FaultServer, location: str
) -> None:
    """Not a traceback, and nothing in it moves the cursor."""
    server.now(says(302, f"Location: {location}", "Content-Length: 0"))
    with pytest.raises(DownloadError) as raised:
        fetch(server.url(), retries=0)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("location", [b"/caf\xe9", "/café".encode(), b"/caf%C3%A9", b" /caf "])
def test_a_redirect_may_be_spelled_in_any_way(
    fetch: Fetch, server: FaultServer, sample: bytes, location: bytes
) -> None:
    """In UTF-8, in Latin-1, or with spaces around it."""

    def answer(connection: Connection, _: Request) -> None:
        connection.send(b"HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location)

    server.now(answer, serves(sample))
    assert fetch(server.url())[0] == sample
    assert server.requests[1].path.startswith("/caf")


@pytest.mark.parametrize(
    ("status", "etag"),
    [(206, None), (206, '"two"'), (206, 'W/"one"'), (416, '"two"'), (416, 'W/"one"')],
)
def test_a_rest_without_the_same_etag_is_not_taken(
    fetch: Fetch, server: FaultServer, sample: bytes, status: int, etag: str | None
) -> None:
    """RFC 9110 wants it in a 206: who leaves it out may have overlooked If-Range."""
    half = len(sample) // 2
    other = sample[:half] + bytes(len(sample) - half)
    size = half if status == 416 else len(sample)
    content_range = f"*/{size}" if status == 416 else f"{half}-{len(sample) - 1}/{size}"
    lines = [f"Content-Range: bytes {content_range}", *([f"ETag: {etag}"] if etag else [])]
    server.now(
        serves(sample, stop_after=half),
        says(status, *lines, body=other[half:]),
        serves(sample, etag='"two"'),
    )
    data, receipt = fetch(server.url())
    assert data == sample
    assert receipt["etag"] == '"two"'


def members(data: bytes, count: int) -> bytes:
    step = -(-len(data) // count)
    return b"".join(gzip.compress(data[i : i + step], mtime=0) for i in range(0, len(data), step))


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("step", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (members(b"some data" * 500, 4), "gzip"),
        (members(b"some data" * 500, 3) + b"\0\0\0", "gzip"),
        (zlib.compress(b"some data" * 500), "deflate"),
        (bare(b"some data" * 500), "deflate"),
        (gzip.compress(b"some data" * 500, mtime=0), "deflate"),
        (zlib.compress(b"some data" * 500), "gzip"),
    ],
)
def test_all_of_a_packed_body_is_unpacked(packed: bytes, coding: str, step: int) -> None:
    """Each member of gzip; deflate with and without its wrapper; in pieces of any size."""
    pieces = (packed[start : start + step] for start in range(0, len(packed), step))
    assert b"".join(content_coding.decompressed(pieces, [coding])) == b"some data" * 500


@pytest.mark.parametrize("cut", [0, 1, 5, 30])
def test_a_packed_body_that_is_cut_off_is_an_error(cut: int) -> None:
    """Also in its second member."""
    whole = gzip.compress(b"some data" * 500)
    for before in (b"", whole):
        if before and cut < 2:
            continue  # one byte is no member: it is left out, with a warning
        with pytest.raises(content_coding.CodingError):
            list(content_coding.decompressed([before + whole[:cut]], ["gzip"]))


def test_what_stands_behind_packed_data_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """As gzip does: left out, with a warning that counts it."""
    packed = gzip.compress(b"data") + b"garbage"
    assert b"".join(content_coding.decompressed([packed[:-3], packed[-3:]], ["gzip"])) == b"data"
    assert "left out: 7 bytes behind the compressed data" in caplog.text


@pytest.mark.parametrize(
    "encoding", ["", "none", "binary", "UTF-8", "aws-chunked", "identity", "gzip", "br", "gzip, br"]
)
def test_an_encoding_that_encodes_nothing_is_none(
    fetch: Fetch, server: FaultServer, sample: bytes, encoding: str
) -> None:
    """As stores and CDNs send it; also a compression that was not applied. It is resumed."""
    line = f"Content-Encoding: {encoding}"
    server.now(serves(sample, line, stop_after=len(sample) // 2), serves(sample))
    assert fetch(server.url())[0] == sample
    assert "range" in server.requests[1].headers


@pytest.mark.parametrize("encoding", ["gzip,identity", "aws-chunked, GZIP", "gzip, gzip"])
def test_encodings_may_be_several(
    fetch: Fetch, server: FaultServer, sample: bytes, encoding: str
) -> None:
    """They are undone one after the other."""
    packed = sample
    for _ in range(encoding.lower().count("gzip")):
        packed = gzip.compress(packed, 1)
    server.now(serves(packed, f"Content-Encoding: {encoding}"))
    assert fetch(server.url())[0] == sample


@pytest.mark.parametrize("packed", [True, False])
def test_a_bundle_without_a_length_ends_with_a_whole_frame(
    fetch: Fetch, server: FaultServer, sample: bytes, packed: bool
) -> None:
    """Also where bad frames are skipped: a cut-off bundle is not taken for the whole."""
    cut = sample[:-500]
    server.now(chunks(cut))
    for strict in (True, False):
        with pytest.raises(BundleError, match=r"not usable|cut off"):
            fetch(server.url(), strict=strict)
    server.now(serves(gzip.compress(cut), "Content-Encoding: gzip") if packed else serves(cut))
    assert fetch(server.url(), strict=False)[0] == cut


@pytest.mark.parametrize("strict", [True, False])
def test_a_last_frame_without_its_end_is_taken_where_the_length_is_known(
    fetch: Fetch, server: FaultServer, sample: bytes, strict: bool
) -> None:
    """All of its pixels are there; but frames that stood behind it may be missing else."""
    cut = sample.rstrip(b"\n")[:-2]
    server.now(chunks(cut))
    with pytest.raises(BundleError, match="cut off"):
        fetch(server.url(), strict=strict)
    server.now(serves(cut))
    assert fetch(server.url(), strict=strict)[0] == cut


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_a_last_frame_of_any_format_tells_that_a_bundle_is_cut_off(
    fetch: Fetch, server: FaultServer, sample: bytes, format_: str
) -> None:
    """What its structure does not tell, its decoder does."""
    file = io.BytesIO()
    Image.effect_noise((90, 90), 80).save(file, format_)
    whole = sample.rstrip(b"\n") + b"\n\n\n\n" + file.getvalue()
    server.now(chunks(whole[:-2000]))
    with pytest.raises(BundleError, match="cut off"):
        fetch(server.url(), strict=False)
    server.now(chunks(whole))
    assert fetch(server.url(), strict=False)[0] == whole


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message>"
         b"<AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>", "application/xml",
         "AccessDenied: Request has expired"),
        (b'{"error": {"message": "Quota exceeded", "key": "abc"}}', "application/json",
         "Quota exceeded"),
        (b"<html><head><title>x</title><style>a{}</style></head><body><h1>Robots</h1> <p>are "
         b"not &amp; welcome</p></body>", "text/html", "Robots are not & welcome"),
        (b"<title>Only a title</title>", "text/html; charset=utf-8", "Only a title"),
        (b"plain\nwords \x1b[2J", "text/plain", r"plain words \x1b[2J"),
        (b"token=s3cret is too old, user bob", "text/plain", "*** is too old, user ***"),
        (b"\0\1\2", "image/png", None),
        (b"[" * 9000, "application/json", None),
        (b"word " * 100_000, "text/plain", "word word"),
    ],
)  # fmt: skip
def test_what_a_server_says_is_shown(
    fetch: Fetch, server: FaultServer, body: bytes, kind: str, words: str | None
) -> None:
    """Its reason for an error: a few words, without what it repeats of the URL."""
    server.now(says(403, f"Content-Type: {kind}", f"Content-Length: {len(body)}", body=body))
    url = server.url("/a?token=s3cret").replace("//", "//bob:pa55word@")
    with pytest.raises(DownloadError) as raised:
        fetch(url)
    assert raised.value.got.startswith("403 As told" + (f": {words}" if words else ""))
    assert len(raised.value.got) < 320
    assert "AKIA" not in str(raised.value)
    assert "--download-user-agent" in raised.value.next_step


def test_a_request_names_its_program(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """Sites refuse the names of libraries; the setting gives any other."""
    server.now(serves(sample))
    fetch(server.url())
    fetch(server.url(), user_agent="radar-loop/1 (me@example.org)")
    agents = [request.headers["user-agent"] for request in server.requests]
    assert agents[0].startswith("luigi_gif/")
    assert agents[1] == "radar-loop/1 (me@example.org)"
    for odd in ("two\nlines", "über", " x", "\x1b[2J"):
        with pytest.raises(ParameterError, match="--download-user-agent"):
            fetch(server.url(), user_agent=odd)


def test_the_url_counts_more_than_netrc(
    fetch: Fetch,
    server: FaultServer,
    sample: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with curl; netrc has what the URL leaves open, each host its own."""
    (tmp_path / "netrc").write_text(
        "machine 127.0.0.1 login me password mine\nmachine localhost login you password yours\n"
    )
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.now(serves(sample))
    for login in ("", "me@", "other@", "me:own@", "j%C3%B6:p%40%E2%82%AC@"):
        fetch(server.url().replace("//", f"//{login}"))
    sent = [authorization(request) for request in server.requests]
    assert sent == ["me:mine", "me:mine", "other:", "me:own", "jö:p@€"]
    target = server.url("/other", host="localhost").replace("//", "//evil:x@")
    server.now(says(302, f"Location: {target}", "Content-Length: 0"), serves(sample))
    fetch(server.url().replace("//", "//user:own@"))
    assert [authorization(request) for request in server.requests] == ["user:own", "you:yours"]


@contextlib.contextmanager
def proxy(answer: bytes) -> Iterator[str]:
    """A proxy that says this to whatever it is asked; its URL, with a password."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(10)
                        connection.recv(65_536)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://me:pr0xypass@127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", "407"),
        (b"HTTP/1.1 403 Not this one\r\nContent-Length: 0\r\n\r\n", "403"),
        (b"\x16garbage\r\n\r\n", "not HTTP"),
    ],
)
def test_a_proxy_that_refuses_is_named(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, scheme: str, answer: bytes, got: str
) -> None:
    """Without its password, be it asked for the URL or for a tunnel."""
    with proxy(answer) as url:
        monkeypatch.setenv(f"{scheme}_proxy", url)
        with pytest.raises(DownloadError) as raised:
            fetch(f"{scheme}://host.invalid/a", retries=0)
    assert got in raised.value.got
    assert url.rpartition("@")[2] in raised.value.where
    assert "pr0xypass" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "got", "next_step"),
    [
        ("socks5://127.0.0.1:9", "SOCKS", "requests[socks]"),
        ("http:/127.0.0.1:9", "without a host", "check the proxy"),
        ("http://127.0.0.1:9", "refused", "check the proxy"),
        ("http://[bad:9", "", "check the proxy"),
        ("foo://127.0.0.1:9", "", "check the proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, url: str, got: str, next_step: str
) -> None:
    """The advice is not to correct the URL."""
    monkeypatch.setenv("ALL_PROXY", url)
    with pytest.raises(DownloadError, match="proxy") as raised:
        fetch("http://host.invalid/a", retries=0)
    assert got in raised.value.got
    assert next_step in raised.value.next_step
    assert "--url" not in raised.value.next_step


def test_a_secret_is_not_in_what_urllib3_logs(
    fetch: Fetch, server: FaultServer, sample: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Its warning of a bad header line holds the whole URL."""
    caplog.set_level("DEBUG")

    def answer(connection: Connection, _: Request) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(sample))
        connection.send(b"no colon here\r\n\r\n" + sample)

    server.now(answer)
    assert fetch(server.url("/a?token=s3cret"))[0] == sample
    assert "Failed to parse headers" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "date",
    ["Mon, 01 Jan 0001 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2400", "x", "²", "9" * 5000],
)  # fmt: skip
def test_an_odd_retry_after_counts_as_none_or_as_long(
    fetch: Fetch, server: FaultServer, date: str
) -> None:
    """It is no traceback."""
    server.now(says(503, f"Retry-After: {date}", "Content-Length: 0"))
    with pytest.raises(TransientDownloadError, match="503"):
        fetch(server.url(), retries=0)


def test_what_a_server_notes_is_bounded(fetch: Fetch, server: FaultServer, sample: bytes) -> None:
    """An ETag or a date that is none is not kept."""
    odd = ["Last-Modified: <script>x</script>"]
    server.now(serves(sample, *odd, etag='"' + "x" * 5000 + '"'))
    receipt = fetch(server.url())[1]
    assert (receipt["etag"], receipt["last_modified"]) == (None, None)


@pytest.mark.filterwarnings("ignore:.*socket")  # urllib3 forgets one without a handshake
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_drips_ends_at_the_deadline(
    fetch: Fetch, server: FaultServer, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Also while it opens a tunnel, where each byte comes in time."""
    server.now(drips())
    monkeypatch.setenv(f"{scheme}_proxy", server.url(""))
    with pytest.raises(DownloadError, match="takes too long"):
        fetch(f"{scheme}://host.invalid/a", deadline=0.5)


def test_a_redirect_behind_a_proxy_is_not_the_proxys_fault(
    fetch: Fetch, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be fetched is where it leads."""
    server.now(says(302, "Location: http://*.example/", "Content-Length: 0"))
    monkeypatch.setenv("http_proxy", server.url(""))
    with pytest.raises(DownloadError) as raised:
        fetch("http://host.invalid/a", retries=0)
    assert "the proxy cannot be used" not in str(raised.value)
