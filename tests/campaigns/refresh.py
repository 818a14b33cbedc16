"""Change sources at random, and kill runs with --refresh: what is fetched, and what the clips show.

usage: python tests/campaigns/refresh.py [--rounds 300] [--seed 1]

Each round changes a source in a work directory of its own: a page with and without versions, a
folder, a store, dated URLs, one URL whose server is honest or not, and one that --accumulate
gathers. Every second run is killed with SIGKILL at a call that is drawn of those which write,
publish, rename or remove a file, and then repeated. A model says what the clip must show, byte for
byte in the bundle, and which requests are allowed: none for an item that is in the bundle.
"""

from __future__ import annotations

import argparse
import contextlib
import email.utils
import io
import os
import random
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import fsspec
from PIL import Image, ImageSequence

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.images import DELIMITER  # noqa: E402
from support.page_server import Server, reply  # noqa: E402
from support.pipeline import frame  # noqa: E402

import luigi_gif  # noqa: E402
from luigi_gif.fetching.partial_file import PartialFile  # noqa: E402
from luigi_gif.storage import LocalFolder  # noqa: E402

CALLS = {
    LocalFolder: ("write", "remove", "move", "move_into_place", "atomic_writer", "sync"),
    PartialFile: ("append", "note_whole", "finish"),
}
MOST_CALLS = 40
"""As many a run makes about, of these."""
DAY = 1_790_000_000


def campaign(rounds: int, seed: int, folder: Path) -> Iterator[str]:
    """A line a round. Raises AssertionError where something is not as the model says."""
    chance = random.Random(seed)
    with contextlib.closing(Server()) as server:
        kinds: list[Changing] = [
            kind(server, chance, folder / kind.__name__)
            for kind in (Page, VersionedPage, Folder, Bucket, Dated, Overwritten, Camera)
        ]
        for number in range(rounds):
            source = chance.choice(kinds)
            source.change()
            kill_at = chance.randint(1, MOST_CALLS) if number % 2 else 0
            what = f"round {number}, {type(source).__name__}"
            try:
                killed = source.run(kill_at)
            except AssertionError as error:
                raise AssertionError(f"{what}, kill at call {kill_at}: {error}") from error
            asked = f"{len(server.requests)} requests"
            yield f"{what}: {asked}{f', killed at call {kill_at}' if killed else ''}; right"


class Changing:
    """A source that changes, in a work directory of its own."""

    def __init__(self, server: Server, chance: random.Random, workdir: Path) -> None:
        self.server = server
        self.chance = chance
        self.workdir = workdir
        self.options: dict[str, Any] = {"refresh": True}
        self.number = 0
        self.start()

    def start(self) -> None:
        """Make a first version of the source."""

    def change(self) -> None:
        """Make another one, or leave it as it is."""
        raise NotImplementedError

    def expected(self) -> list[bytes]:
        """The frames of a right bundle."""
        raise NotImplementedError

    def check_requests(self, killed: bool) -> None:
        """Raise AssertionError where something was asked for without need."""

    def took(self) -> None:
        """The bundle is right now."""

    def next_frame(self) -> bytes:
        self.number += 1
        return frame(self.number)

    def run(self, kill_at: int) -> bool:
        """Whether the first of two runs was killed."""
        self.server.requests.clear()
        killed = kill_at > 0 and in_child(self.options, self.workdir, kill_at)
        if killed or not kill_at:
            assert not in_child(self.options, self.workdir, 0)
        expected = self.expected()
        bundle = (self.workdir / "image-data.img").read_bytes()
        assert bundle == DELIMITER.join(expected), "another bundle"
        assert pixels((self.workdir / "clip.gif").read_bytes()) == [
            shown for data in expected for shown in pixels(data)
        ], "another clip"
        left = [path.name for path in self.workdir.iterdir() if ".next" in path.name]
        left += [path.name for path in self.workdir.glob("*.altered*")]
        assert not left, f"left {left}"
        self.check_requests(killed)
        self.took()
        return killed


class Page(Changing):
    """A page of links that tells no versions: the name decides."""

    base = "/page/"

    def start(self) -> None:
        self.pictures: dict[str, bytes] = {}
        self.versions: dict[str, str] = {}
        self.seen: dict[str, bytes] = {}
        """The pictures of the last bundle, by name and version."""
        self.options["url"] = self.server.url(self.base)
        for _ in range(5):
            self.add()

    def add(self) -> None:
        picture = self.next_frame()
        self.set(f"{self.number:04}.gif", picture)

    def set(self, name: str, picture: bytes) -> None:
        self.number += 1
        self.pictures[name] = picture
        self.versions[name] = self.version(self.number)

    def version(self, number: int) -> str:
        return ""

    def change(self) -> None:
        for _ in range(self.chance.randrange(4)):
            action = self.chance.choice(("add", "add", "remove", "overwrite", "last"))
            name = self.chance.choice(list(self.pictures))
            if action == "remove" and len(self.pictures) > 2:
                del self.pictures[name]
            elif action == "overwrite":
                self.set(name, self.next_frame())
            elif action == "last":
                self.options["last"] = self.chance.choice((None, 3, 6))
            elif action == "add":
                self.add()
        for path in [path for path in self.server.pages if path.startswith(self.base)]:
            del self.server.pages[path]
        for name, data in self.pictures.items():
            self.server.pages[f"{self.base}{name}"] = data
        names = self.chance.sample(list(self.pictures), len(self.pictures))
        lines = "".join(f'<a href="{name}">{name}</a>{self.versions[name]}\n' for name in names)
        page = f"<html><title>Index of {self.base}</title><pre>{lines}</pre></html>"
        self.server.pages[self.base] = page.encode()

    def chosen(self) -> list[str]:
        names = sorted(self.pictures)
        return names if self.options.get("last") is None else names[-self.options["last"] :]

    def key(self, name: str) -> str:
        return f"{name} {self.versions[name]}"

    def expected(self) -> list[bytes]:
        return [self.seen.get(self.key(name), self.pictures[name]) for name in self.chosen()]

    def check_requests(self, killed: bool) -> None:
        new = {f"{self.base}{each}" for each in self.chosen() if self.key(each) not in self.seen}
        asked = [path for path in self.server.requests if path != self.base]
        assert set(asked) <= new, f"asked for {set(asked) - new}"
        if not killed:
            assert sorted(asked) == sorted(new), f"asked for {asked}, of {new}"
            assert self.server.requests.count(self.base) == 1

    def took(self) -> None:
        pairs = zip(self.chosen(), self.expected(), strict=True)
        self.seen = {self.key(name): data for name, data in pairs}


class VersionedPage(Page):
    """The index of a web server, with times and sizes."""

    base = "/index/"

    def version(self, number: int) -> str:
        return (
            f"  2026-11-{1 + number // 1440 % 28:02} {number // 60 % 24:02}:{number % 60:02}  433"
        )


class Folder(Page):
    """A folder of this machine: what lies there counts."""

    def start(self) -> None:
        self.folder = self.workdir.with_name("pictures")
        self.folder.mkdir(parents=True)
        super().start()
        self.options["url"] = str(self.folder)

    def change(self) -> None:
        super().change()
        for path in self.folder.iterdir():
            if path.name not in self.pictures:
                path.unlink()
        for name, data in self.pictures.items():
            path = self.folder / name
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)

    def expected(self) -> list[bytes]:
        return [self.pictures[name] for name in self.chosen()]

    def check_requests(self, killed: bool) -> None:
        assert self.server.requests == []


class Bucket(Folder):
    """A prefix of a store."""

    def start(self) -> None:
        self.store = fsspec.filesystem("memory")
        self.there: dict[str, bytes] = {}
        Page.start(self)
        self.options["url"] = "memory://refreshed/"

    def change(self) -> None:
        Page.change(self)
        for name in self.there.keys() - self.pictures.keys():
            self.store.rm_file(f"/refreshed/{name}")
        for name, data in self.pictures.items():
            if self.there.get(name) != data:
                self.store.pipe_file(f"/refreshed/{name}", data)
        self.there = dict(self.pictures)


class Dated(Changing):
    """URLs with the time in them: gaps are asked for again."""

    def start(self) -> None:
        self.pictures: dict[int, bytes] = {}
        self.seen: dict[int, bytes] = {}
        self.first = 0
        self.options |= {"url": self.server.url("/%Y%m%d_%H.gif"), "step": "1h"}

    def change(self) -> None:
        self.first += self.chance.randrange(2)
        for hour in range(self.first, self.first + 8):
            if hour not in self.pictures and (not hour or self.chance.random() < 0.4):
                self.pictures[hour] = self.next_frame()
        if not self.pictures.keys() & set(self.hours()):
            self.pictures[self.first] = self.next_frame()
        times = (f"2026-11-{1 + hour // 24:02}T{hour % 24:02}:00" for hour in self.hours()[::7])
        self.options["since"], self.options["until"] = times
        for hour, data in self.pictures.items():
            self.server.pages[self.path(hour)] = data

    def hours(self) -> range:
        return range(self.first, self.first + 8)

    def path(self, hour: int) -> str:
        return f"/202611{1 + hour // 24:02}_{hour % 24:02}.gif"

    def expected(self) -> list[bytes]:
        return [self.pictures[hour] for hour in self.hours() if hour in self.pictures]

    def check_requests(self, killed: bool) -> None:
        new = {self.path(hour) for hour in self.hours() if hour not in self.seen}
        assert set(self.server.requests) <= new, f"asked for {self.server.requests}, of {new}"

    def took(self) -> None:
        self.seen = {hour: data for hour, data in self.pictures.items() if hour in self.hours()}


class Overwritten(Changing):
    """One URL, of a server that names versions, or times, or nothing, or tells what is not so."""

    path = "/one.gif"

    def start(self) -> None:
        self.options["url"] = self.server.url(self.path)
        self.data = self.next_frame()
        self.version = self.bodies = self.must = 0
        self.kind = ""
        self.is_free = False
        self.server.pages[self.path] = self.answer

    def change(self) -> None:
        self.bodies = 0
        changes = self.chance.random() < 0.5
        self.must = changes
        if changes:
            self.version += 1
            self.data = self.next_frame()
        was_same = not self.must and self.kind in ("etag", "weak", "time")
        kind = self.chance.choice(("etag", "weak", "time", "none", "any"))
        self.is_free = was_same and kind == self.kind
        self.kind = kind

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        headers: dict[str, str] = {}
        if self.kind in ("etag", "weak"):
            headers["ETag"] = f'{"W/" if self.kind == "weak" else ""}"{self.version}"'
        elif self.kind == "any":
            headers["ETag"] = f'"{self.chance.random()}"'
        elif self.kind == "time":
            headers["Last_Modified"] = email.utils.formatdate(DAY + self.version, usegmt=True)
        asked = handler.headers
        known = asked["If-None-Match"] or asked["If-Modified-Since"]
        if known is not None and known in headers.values():
            reply(304, b"", **headers)(handler)
        else:
            self.bodies += 1
            reply(200, self.data, **headers)(handler)

    def expected(self) -> list[bytes]:
        return [self.data]

    def check_requests(self, killed: bool) -> None:
        if self.is_free:
            assert self.bodies == 0, f"{self.bodies} bodies of a version that is known"
        elif not killed:
            assert self.bodies == 1, f"{self.bodies} bodies"


class Camera(Overwritten):
    """One URL that --accumulate gathers."""

    path = "/latest.gif"

    def start(self) -> None:
        super().start()
        self.options = {"url": self.server.url(self.path), "accumulate": True}
        self.pictures: list[bytes] = []

    def change(self) -> None:
        super().change()
        if not self.pictures or self.pictures[-1] != self.data:
            self.pictures.append(self.data)
        self.options["last"] = self.chance.choice((5, 5, 9))
        del self.pictures[: -self.options["last"]]

    def expected(self) -> list[bytes]:
        return self.pictures


def in_child(options: dict[str, Any], workdir: Path, kill_at: int) -> bool:
    """Run in a process of its own; whether it was killed at that call, if it is not 0."""
    child = os.fork()
    if not child:
        try:
            count_calls(kill_at)
            task = luigi_gif.CombineGif(workdir=str(workdir), **options)
            task.alone = True
            if not task.complete():
                task.run()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), "the run fails"
    return code != 0


def count_calls(kill_at: int) -> None:
    calls = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return call

    for owner, names in CALLS.items():
        for name in names:
            setattr(owner, name, counted(getattr(owner, name)))


def pixels(data: bytes) -> list[bytes]:
    """Of each frame of a GIF."""
    with Image.open(io.BytesIO(data)) as image:
        return [each.convert("RGB").tobytes() for each in ImageSequence.Iterator(image)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for line in campaign(arguments.rounds, arguments.seed, Path(name)):
            print(line, flush=True)
