"""Items are fetched some at a time, each whole and once, whatever happens to the others."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
import signal
import ssl
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.page_server import Answer, Server, in_turn, reply
from support.warm import PATIENCE_S

from luigi_gif import settings, storage
from luigi_gif.errors import DownloadError, StorageError, TransientDownloadError
from luigi_gif.fetching import FetchedItem, discard_item, fetch_items
from luigi_gif.fetching.body_download import Body
from luigi_gif.fetching.partial_file import open_partial
from luigi_gif.fetching.retry_rule import new_attempts
from luigi_gif.fetching.source_opener import SourceOpener


class Item(NamedTuple):
    place: str
    version: str = ""


class Reports:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.tracked: list[tuple[str, int | None, int]] = []
        self.told: list[tuple[int, int]] = []

    @contextlib.contextmanager
    def track(self, unit: str, total: int | None, begin: int) -> Iterator[Callable[..., None]]:
        self.tracked.append((unit, total, begin))
        yield lambda done, size: self.told.append((done, size))


Fetched = list[FetchedItem[Item]]
MAX_BYTES = 1 << 21
"""Of an item."""


class Fetching:
    """Fetches items into one folder, again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = storage.LocalFolder(folder)
        self.reports = Reports()

    def start(self, items: Iterable[Item], **values: Any) -> Any:
        section = settings.download(**{"retry_delay": 0.0, **values})
        return fetch_items(items, self.folder, section, self.reports, "", MAX_BYTES)

    def __call__(self, items: Iterable[Item | str], **values: Any) -> Fetched:
        given = [item if isinstance(item, Item) else Item(item) for item in items]
        fetched: Fetched = list(self.start(given, **values))
        assert [each.item for each in fetched] == given
        return fetched

    def body(self, fetched: FetchedItem[Item]) -> bytes:
        """What lies in the folder, which is as it was said."""
        assert fetched.error is None, fetched.error
        data = self.folder.read(fetched.name)
        assert (fetched.size, fetched.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        return data

    def files(self) -> list[str]:
        return [entry.name for entry in self.folder.entries("items")]


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path / "work")


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Three of them."""
    servers = [Server() for _ in range(3)]
    yield servers
    for server in servers:
        server.close()


def together(barrier: threading.Barrier, body: bytes) -> Answer:
    """An answer that waits until as many are asked for as the barrier wants."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        barrier.wait(PATIENCE_S)
        reply(200, body)(handler)

    return answer


def pages(server: Server, count: int) -> list[str]:
    """The URLs of so many items, each with a body of its own."""
    server.pages |= {f"/{number}.jpg": b"%d" % number * 100 for number in range(count)}
    return [server.url(f"/{number}.jpg") for number in range(count)]


def test_items_are_given_in_their_order(fetching: Fetching, server: Server) -> None:
    """Each whole, with what the server says of it, and more than are fetched ahead."""
    urls = pages(server, 200)
    server.pages["/7.jpg"] = reply(200, b"seven", ETag='"7"', Last_Modified="yesterday")
    fetched = fetching(urls)
    assert [fetching.body(each) for each in fetched][:3] == [b"0" * 100, b"1" * 100, b"2" * 100]
    assert (fetched[7].etag, fetched[7].last_modified) == ('"7"', "yesterday")
    assert sorted(server.requests) == sorted(server.pages)


def test_a_slow_item_keeps_no_other_waiting(fetching: Fetching, server: Server) -> None:
    """They are fetched meanwhile, and given behind it."""
    urls = pages(server, 20)
    last = threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        last.wait(PATIENCE_S)
        reply(200, b"slow")(handler)

    def comes_last(handler: BaseHTTPRequestHandler) -> None:
        last.set()
        reply(200, b"last")(handler)

    server.pages |= {"/0.jpg": waits, "/19.jpg": comes_last}
    assert fetching.body(fetching(urls, per_host=2)[0]) == b"slow"


@pytest.mark.parametrize("per_host", [1, 4])
def test_a_host_sees_so_many_connections_and_no_more(
    fetching: Fetching, server: Server, per_host: int
) -> None:
    """That many are used at a time, and used again, also behind errors."""
    barrier = threading.Barrier(per_host)
    for number in range(40):
        server.pages[f"/{number}"] = together(barrier, b"x")
    for number in range(40, 60):
        server.pages[f"/{number}"] = reply(404, b"no", Content_Type="text/plain")
    fetching([server.url(path) for path in list(server.pages)], per_host=per_host)
    assert len(server.requests) == 60
    assert server.most_at_once == server.connections == per_host


def test_connections_over_tls_are_used_again(fetching: Fetching, trusted: ssl.SSLContext) -> None:
    """One by one, each for many items."""
    server = Server(trusted)
    try:
        fetched = fetching(pages(server, 20), per_host=2)
        assert fetching.body(fetched[19]) == b"19" * 100
        assert server.most_at_once <= 2
        assert server.connections <= 2
    finally:
        server.close()


def test_connections_that_the_server_closes_are_replaced_one_by_one(
    fetching: Fetching, server: Server
) -> None:
    """None is opened before the server has seen the end of the last."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        reply(200, b"x", Connection="close")(handler)

    server.pages |= {f"/{number}": answer for number in range(40)}
    fetching([server.url(path) for path in list(server.pages)], per_host=2)
    assert server.connections == 40
    assert server.most_at_once <= 2


def test_hosts_are_asked_at_the_same_time(fetching: Fetching, servers: list[Server]) -> None:
    """Each as often as the setting says."""
    barrier = threading.Barrier(6)
    urls = []
    for server, number in itertools.product(servers, range(10)):
        server.pages[f"/{number}"] = together(barrier, b"x")
        urls.append(server.url(f"/{number}"))
    assert not [each for each in fetching(urls, per_host=2) if each.error]
    assert [server.most_at_once for server in servers] == [2, 2, 2]


def test_redirects_count_where_they_lead(fetching: Fetching, servers: list[Server]) -> None:
    """However many hosts lead to one: the threads of two make four connections to the third."""
    one, two, third = servers
    barrier = threading.Barrier(4)
    urls = []
    for number in range(40):
        third.pages[f"/{number}"] = together(barrier, b"x")
        server = (one, two)[number % 2]
        server.pages[f"/{number}"] = reply(302, Location=third.url(f"/{number}"))
        urls.append(server.url(f"/{number}"))
    assert not [each for each in fetching(urls, per_host=4) if each.error]
    assert third.most_at_once == third.connections == 4
    assert max(one.most_at_once, two.most_at_once) <= 4


def test_a_host_may_redirect_to_itself(fetching: Fetching, server: Server) -> None:
    """A thread that waits for a connection holds none itself."""
    pages(server, 20)
    for number in range(20):
        server.pages[f"/again{number}"] = reply(302, Location=f"/{number}.jpg")
    fetched = fetching([server.url(f"/again{number}") for number in range(20)], per_host=2)
    assert fetching.body(fetched[19]) == b"19" * 100
    assert server.most_at_once <= 2


def test_an_item_that_cannot_be_had_is_given_with_an_error(
    fetching: Fetching, server: Server
) -> None:
    """The others are fetched; what passes is tried again, and what broke off goes on."""
    urls = pages(server, 6)
    server.pages["/1.jpg"] = in_turn(reply(503), reply(503), reply(200, b"in the end"))
    server.pages["/2.jpg"] = reply(404)
    server.pages["/3.jpg"] = reply(200, b"")
    server.pages["/4.jpg"] = reply(503)
    good, passing, missing, empty, busy, last = fetching(urls, retries=2)
    assert [fetching.body(each) for each in (good, passing, last)] == [
        b"0" * 100, b"in the end", b"5" * 100,
    ]  # fmt: skip
    assert missing.error is not None
    assert missing.error.where == urls[2]
    assert missing.error.got.startswith("404")
    assert empty.error is not None
    assert empty.error.got == "0 bytes"
    assert isinstance(busy.error, TransientDownloadError)
    assert [server.requests.count(f"/{number}.jpg") for number in range(6)] == [1, 3, 1, 1, 3, 1]
    assert len(fetching.files()) == 6  # three bodies, and their notes


@pytest.mark.parametrize("etag", ['"one"', None])
def test_an_item_that_is_cut_off_is_made_whole(
    fetching: Fetching, server: Server, etag: str | None
) -> None:
    """From where it broke off if the server names its version, else from its beginning."""
    body = os.urandom(50_000)
    asked = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Range"))
        start = 20_000 if asked[-1] else 0
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(body) - start))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if etag:
            handler.send_header("ETag", etag)
        handler.end_headers()
        handler.wfile.write(body[start : None if len(asked) > 1 else 20_000])
        handler.close_connection = True

    server.pages["/a"] = answer
    (fetched,) = fetching([server.url("/a")])
    assert fetching.body(fetched) == body
    assert asked == [None, "bytes=20000-" if etag else None]


def test_an_item_of_unknown_length_says_so(fetching: Fetching, server: Server) -> None:
    """Only its structure tells whether it is whole; also where it is not fetched again."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"some")
        handler.close_connection = True

    server.pages |= {"/a": answer, "/b": b"b"}
    urls = [server.url("/a"), server.url("/b")]
    for _ in range(2):
        assert [each.is_bounded for each in fetching(urls)] == [False, True]
    assert len(server.requests) == 2


def test_what_is_there_is_not_fetched_again(fetching: Fetching, server: Server) -> None:
    """Unless it was altered, is of another version, or was discarded."""
    items = [Item(url, "1") for url in pages(server, 5)]
    fetched = fetching(items)
    server.requests.clear()
    assert fetching(items) == fetched
    assert server.requests == []
    path = Path(fetching.folder.path(fetched[1].name))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    items[2] = Item(items[2].place, "2")
    discard_item(fetching.folder, items[3].place)
    again = fetching(items)
    assert sorted(server.requests) == ["/1.jpg", "/2.jpg", "/3.jpg"]
    assert [each.sha256 for each in again] == [each.sha256 for each in fetched]


def test_an_item_that_is_named_twice_is_fetched_once(fetching: Fetching, server: Server) -> None:
    """And given twice."""
    urls = pages(server, 3)
    fetched = fetching([*urls, *urls, urls[0]])
    assert len({fetching.body(each) for each in fetched}) == 3
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("/b/", "http://me:pw@{host}/b/"),
        ("{other}/b/", "{other}/b/"),
        (None, "http://me:pw@{host}/a"),
    ],
)
def test_a_page_is_known_by_where_it_was_found(
    tmp_path: Path, servers: list[Server], location: str | None, place: str
) -> None:
    """Relative links begin there; the login is for its own host only."""
    server, other, _ = servers
    names = {"host": server.url("").removeprefix("http://"), "other": other.url("")}
    page = reply(200, b"<a href=x.png>", Content_Type='text/html; charset="koi8-r"')
    server.pages = {"/a": page, "/b/": page}
    other.pages = {"/b/": page}
    if location:
        server.pages["/a"] = reply(302, Location=location.format(**names))
    url, folder = f"http://me:pw@{names['host']}/a", storage.LocalFolder(tmp_path / "work")
    config = settings.download()
    with SourceOpener(config, 1, url) as opener, open_partial(folder, "page", url) as partial:
        body = Body(url, folder, opener, Reports(), lambda beginning: None)
        body.fetch(partial, new_attempts(config))
        assert (partial.place, partial.charset) == (place.format(**names), "koi8-r")


def test_a_file_of_the_user_is_set_aside(fetching: Fetching, server: Server) -> None:
    """Its name is taken, its bytes are not."""
    urls = pages(server, 1)
    (fetched,) = fetching(urls)
    discard_item(fetching.folder, urls[0])
    Path(fetching.folder.path(fetched.name)).write_bytes(b"mine")
    assert fetching.body(fetching(urls)[0]) == b"0" * 100
    assert fetching.folder.read(f"{fetched.name}.altered") == b"mine"


def test_all_items_together_have_a_limit(fetching: Fetching, server: Server) -> None:
    """That of one bundle: it ends the run, whichever item meets it."""
    urls = pages(server, 10)
    with pytest.raises(DownloadError, match="too large") as raised:
        fetching(urls, max_bytes=550)
    assert "--download-max-bytes" in raised.value.expected
    assert len(fetching(urls, max_bytes=1000)) == 10


def test_an_item_has_a_limit(fetching: Fetching, server: Server) -> None:
    """Whether its length is known or not: it is given with an error, and the others are fetched."""

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(ConnectionError):
            while True:
                handler.wfile.write(bytes(1 << 18))

    server.pages |= {"/large": bytes(MAX_BYTES + 1), "/endless": endless, "/whole": b"x"}
    large, stream, whole = fetching([server.url(path) for path in server.pages])
    for each in (large, stream):
        assert each.error is not None
        assert each.error.expected == "at most 2,097,152 bytes"
    assert fetching.body(whole) == b"x"


def test_a_folder_that_cannot_be_written_ends_it(
    fetching: Fetching, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no fault of an item."""
    monkeypatch.setattr(storage.LocalFolder, "free_bytes", lambda _: 5)
    with pytest.raises(StorageError, match="room"):
        fetching(pages(server, 3))


def test_the_progress_is_that_of_all_items(fetching: Fetching, server: Server) -> None:
    """One step, of as many items as there are, and of the bytes of all."""
    fetching(pages(server, 10))
    assert fetching.reports.tracked == [("items", 10, 0)]
    assert fetching.reports.told[-1] == (10, 1000)


def test_files_and_objects_are_items_too(fetching: Fetching, tmp_path: Path) -> None:
    """And one that is not there is given with an error."""
    import fsspec

    (tmp_path / "a").write_bytes(b"file")
    bucket = uuid.uuid4().hex
    fsspec.filesystem("memory").pipe(f"/{bucket}/b", b"object")
    here, there, gone = fetching(
        [str(tmp_path / "a"), f"memory://{bucket}/b", f"memory://{bucket}/c"]
    )
    assert [fetching.body(here), fetching.body(there)] == [b"file", b"object"]
    assert gone.error is not None


def test_a_connection_that_was_closed_unseen_costs_no_try(
    fetching: Fetching, server: Server
) -> None:
    """A server may close one that is idle at the moment at which it is used again."""
    answered: set[int] = set()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if id(handler) in answered:
            handler.close_connection = True
            return
        answered.add(id(handler))
        kept.append(handler)
        reply(200, b"x")(handler)

    kept: list[BaseHTTPRequestHandler] = []  # so that no other has the same id
    server.pages |= {f"/{number}": answer for number in range(5)}
    fetched = fetching([server.url(path) for path in list(server.pages)], per_host=1, retries=0)
    assert [each.error for each in fetched] == [None] * 5
    assert len(server.requests) == 9


def test_no_secret_is_shown(
    fetching: Fetching, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in an error, a log of any level, or a note, with many threads at work."""
    server.pages |= {f"/{number}": reply(503) for number in range(30)}
    urls = [server.url(f"/{number}?token=s3cr3t{number}") for number in range(30)]
    with caplog.at_level(logging.DEBUG):
        fetched = fetching(urls, retries=1)
    shown = [caplog.text, *(str(each.error) for each in fetched)]
    shown += [Path(fetching.folder.path(f"items/{name}")).read_text() for name in fetching.files()]
    assert "503" in shown[0]
    assert not [text for text in shown if "s3cr3t" in text]


def hangs(reached: threading.Semaphore, released: threading.Event) -> Answer:
    """A body whose end does not come."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(1 << 20))
        handler.close_connection = True
        reached.release()
        released.wait(PATIENCE_S)

    return answer


def closes(started: Any) -> bool:
    """Whether a generator can be closed at once, and what it has under way with it."""
    closing = threading.Thread(target=started.close)
    closing.start()
    closing.join(PATIENCE_S)
    return not closing.is_alive()


def test_closing_it_ends_what_is_under_way(fetching: Fetching, server: Server) -> None:
    """What has not arrived whole, though it has no length, is fetched by the next run."""
    reached, released = threading.Semaphore(0), threading.Event()
    items = [Item(url) for url in pages(server, 20)]
    server.pages |= {f"/{number}.jpg": hangs(reached, released) for number in range(1, 20)}
    started = fetching.start(items, per_host=3, read_timeout=3600.0)
    assert next(started).error is None
    for _ in range(3):
        assert reached.acquire(timeout=PATIENCE_S)
    try:
        assert closes(started)
    finally:
        released.set()
    assert len(fetching.files()) == 2
    server.requests.clear()
    urls = pages(server, 20)
    assert fetching.body(fetching(urls)[19]) == b"19" * 100
    assert len(server.requests) == 19


def test_closing_it_ends_a_wait_for_the_next_try(
    fetching: Fetching, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """And nothing is asked afterwards."""
    server.pages["/b"] = b"b"
    started = fetching.start(
        [Item(server.url("/b")), Item(server.url("/a"))], per_host=1, retry_delay=3600.0
    )
    asked = threading.Event()

    def note(record: logging.LogRecord) -> bool:
        if "try 2" in record.getMessage():
            asked.set()
        return True

    caplog.handler.addFilter(note)
    server.pages["/a"] = reply(503)
    next(started)
    assert asked.wait(PATIENCE_S)
    assert closes(started)
    assert server.requests == ["/b", "/a"]


RUN = """
import contextlib, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_item_download import Fetching, Item
fetching = Fetching(Path(sys.argv[1]))
items = [Item(url) for url in sys.argv[2:]]
with contextlib.closing(fetching.start(items, per_host=2, read_timeout=3600.0)) as started:
    for fetched in started:
        print(fetched.name, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_next_run_fetches_what_is_missing(
    tmp_path: Path, server: Server, number: signal.Signals
) -> None:
    """Wherever the run before was killed or interrupted."""
    reached, released = threading.Semaphore(0), threading.Event()
    urls = pages(server, 12)
    server.pages["/8.jpg"] = hangs(reached, released)
    code = RUN.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, str(tmp_path / "work"), *urls]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert reached.acquire(timeout=PATIENCE_S)
        assert process.stdout is not None
        for _ in range(8):
            process.stdout.readline()
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == -number
    released.set()
    asked = len(server.requests)
    fetching = Fetching(tmp_path / "work")
    with fetching.folder.locked():  # as each step does
        fetching.folder.sweep("items")
    assert [fetching.body(each) for each in fetching(pages(server, 12))][8] == b"8" * 100
    again = set(server.requests[asked:])
    assert "/8.jpg" in again
    assert not again & {f"/{number}.jpg" for number in range(8)}
    assert len(server.requests) - asked == len(again)
