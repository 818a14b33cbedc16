"""luigi-gif prune on random trees: it removes exactly what it names, and never a file of the user.

usage: python tests/campaigns/prune.py [--rounds 200] [--seed 1]

Each tree has work directories of several ages, whole and interrupted, on a disk or in a store. Some
of their files are altered, removed, or replaced by a link, and the user has put others beside them:
notes, copies of clips, frames and receipts, and files with names that the pipeline uses. A model of
its own says what goes. The pruning is interrupted at random, and then goes on; a clip that was
current is current all the time.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from luigi.task_register import Register

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from support.clips import clip_of  # noqa: E402
from support.images import DELIMITER, gif  # noqa: E402

import luigi_gif  # noqa: E402
from luigi_gif import storage  # noqa: E402
from luigi_gif.pruning import Limits, Pruning  # noqa: E402

DAY_S = 86_400.0
NOW = time.time() + 1000 * DAY_S
LIMITS = [
    Limits(30 * DAY_S, None),
    Limits(30 * DAY_S, 365 * DAY_S),
    Limits(None, 365 * DAY_S),
    Limits(365 * DAY_S, 30 * DAY_S),
]
AGES_DAYS = [1, 29, 31, 364, 366, 1000]
FRAMES, IN_CHUNK = 5, 2
FRAME_FILES = [f"frames/frame_{number:02d}.gif" for number in range(FRAMES)]
OF_FRAMES = {"frames/manifest.json", "frames/records.json"}
OWN = [
    *("image-data.img", "image-data.img.json", "frames.json", "clip.gif", "run.json"),
    *sorted(OF_FRAMES),
    *FRAME_FILES,
]
THEIRS = [
    *("notes.txt", "frames/notes.txt", "items/notes.txt", "sub/clip.gif", "clip.gif.altered"),
    *("frames/frame_05.gif", "frames/frame_000.gif", "image-data.img.part", f"items/{'b' * 64}"),
    *("sub/frames/frame_00.gif", "index.html", "other.img.json", "frames.json.bak"),
]
"""None of them has what would prove that the pipeline made it."""
COPIES = {"copy.gif": "clip.gif", "copy.json": "frames.json", "frames/copy.gif": FRAME_FILES[0],
          "sub/run-copy.json": "run.json", "receipt.json": "image-data.img.json"}  # fmt: skip


class Tree:
    """A folder with work directories, on a disk or in a store."""

    def __init__(self, place: Path | None) -> None:
        self.place = place
        self.url = str(place) if place else f"memory://{uuid.uuid4()}"
        self.folder = storage.open_folder(self.url)

    def files(self) -> dict[str, bytes]:
        """What each holds; of a link, where it leads."""
        if self.place is not None:
            return {
                str(path.relative_to(self.place)): _content(path)
                for path in self.place.rglob("*")
                if path.is_symlink() or not path.is_dir()
            }
        return dict(self._files_in_store(""))

    def _files_in_store(self, subfolder: str) -> Iterator[tuple[str, bytes]]:
        for each in self.folder.scan(subfolder):
            name = f"{subfolder}/{each.name}".lstrip("/")
            if each.is_folder:
                yield from self._files_in_store(name)
            else:
                yield name, self.folder.read(name)

    def link(self, name: str, target: str) -> None:
        """Put a link there."""
        assert self.place is not None
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)


def _content(path: Path) -> bytes:
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()


class WorkDirectory(NamedTuple):
    """One of a tree, and what the model knows of it."""

    name: str
    options: dict[str, str]
    """Of its clip."""
    age_s: float
    own: set[str]
    """Files that are as the pipeline wrote them."""
    missing: set[str]
    linked: set[str]
    """Those in whose place is a link."""
    gathered: bool
    has_lock: bool

    def removed(self, limits: Limits) -> set[str]:
        """What is to go, by rules that look at no file."""
        goes = [limit is not None and self.age_s > limit for limit in limits]
        if not any(goes) or not self.own:
            return set()
        found = self._frames()
        if "image-data.img.json" in self.own and not self.gathered:
            if "image-data.img" in self.own:
                found |= {"image-data.img", "image-data.img.json"}
            elif "image-data.img" in self.missing:
                found.add("image-data.img.json")
        if "frames.json" in self.own and (
            "image-data.img" in found or "image-data.img" not in self.own
        ):
            found.add("frames.json")
        if goes[1]:
            found |= {"clip.gif"} & self.own
            if not self.gathered:
                found |= {"run.json"} & self.own
                found |= {".lock"} if self.has_lock else set()
        return found

    def _frames(self) -> set[str]:
        if "frames/manifest.json" not in self.own:
            is_gone = "frames/manifest.json" in self.missing
            return {"frames/records.json"} & self.own if is_gone else set()
        found = set()
        for begin in range(0, FRAMES, IN_CHUNK):
            chunk = set(FRAME_FILES[begin : begin + IN_CHUNK])
            if chunk <= self.own:
                found |= chunk
            elif "frames/records.json" in self.own:  # which tell of each of them
                found |= chunk & self.own
        others = set(FRAME_FILES) - found - self.missing - self.linked
        return found if others else found | OF_FRAMES & self.own


def campaign(rounds: int, seed: int, folder: Path) -> Iterator[str]:
    """A line for each tree. Raises AssertionError where something is not as promised."""
    source = folder / "source.img"
    source.write_bytes(DELIMITER.join(map(gif, range(1, FRAMES + 1))))
    with _small_chunks():
        for number in range(rounds):
            chance = random.Random(seed * 1000 + number)
            tree = Tree(folder / f"tree-{number}" if chance.random() < 0.7 else None)
            names = chance.sample(["", "a", "a/b", "a/items-of-mine", "c/2026/11", "d e\u00fc"], 3)
            workdirs = [_made(tree, name, source, chance) for name in names]
            limits = chance.choice(LIMITS)
            said = _check(tree, workdirs, limits, chance)
            if tree.place is not None:
                shutil.rmtree(tree.place)
            yield f"tree {number} ({'disk' if tree.place else 'store'}): {said}"


@contextlib.contextmanager
def _small_chunks() -> Iterator[None]:
    with (
        mock.patch.object(luigi_gif.settings.dask.workers, "_default", 0),
        mock.patch("luigi_gif.bundles.bundle_frames.COPIED_FRAME_WORK", 1 << 40),
        mock.patch("luigi_gif.bundles.WAYPOINT_WORK", IN_CHUNK << 40),
        mock.patch("luigi_gif.bundles.bundle_frames.WAYPOINT_WORK", IN_CHUNK << 40),
    ):
        yield


def _made(tree: Tree, name: str, source: Path, chance: random.Random) -> WorkDirectory:
    """A work directory of the clip, some of which was altered since."""
    workdir = f"{tree.url}/{name}".rstrip("/")
    options = {"url": str(source), "workdir": workdir}
    clip_of(_task(options))
    folder = storage.open_folder(workdir)
    gathered = chance.random() < 0.15
    age_s = chance.choice(AGES_DAYS) * DAY_S
    _set_age(folder, NOW - age_s, gathered)
    own, missing, linked = set(OWN), set[str](), set[str]()
    for victim in chance.sample(OWN, chance.choice([0, 0, 1, 1, 2, 3])):
        own.discard(victim)
        path = f"{name}/{victim}".lstrip("/")
        what = chance.random()
        if what < 0.5:
            content = bytearray(folder.read(victim))
            content[chance.randrange(len(content) // 2, len(content) - 1)] ^= 1 << chance.randrange(
                8
            )
            folder.write(victim, bytes(content))
        elif what < 0.9 or tree.place is None:
            folder.remove(victim)
            missing.add(victim)
        else:
            tree.link(path, str(source))
            linked.add(victim)
    if not {"run.json", "image-data.img.json"} & own:
        age_s = NOW - max(filter(None, map(folder.modified, OWN)), default=NOW)
    for theirs in chance.sample(THEIRS, chance.randrange(4)):
        folder.write(theirs, b"mine")
    for copy, original in chance.sample(sorted(COPIES.items()), chance.randrange(3)):
        if folder.exists(original):
            folder.write(copy, folder.read(original))
    gathered = gathered and "image-data.img.json" in own  # which says so
    return WorkDirectory(
        name, options, age_s, own, missing, linked, gathered, tree.place is not None
    )


def _task(options: dict[str, str]) -> luigi_gif.CombineGif:
    Register.clear_instance_cache()
    return luigi_gif.CombineGif(**options)


def _set_age(folder: storage.Folder, time_s: float, gathered: bool) -> None:
    iso = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time_s))
    text = json.dumps(folder.read_json("run.json"))
    for noted in {step["ended"] for step in json.loads(text)["steps"].values()}:
        text = text.replace(noted, iso)
    folder.write_json("run.json", json.loads(text))
    receipt = folder.read_json("image-data.img.json") or {}
    about = {"asked": time_s, **({"accumulated": True} if gathered else {})}
    folder.write_json("image-data.img.json", receipt | about)


def _check(tree: Tree, workdirs: list[WorkDirectory], limits: Limits, chance: random.Random) -> str:
    before = tree.files()
    expected = {
        f"{each.name}/{name}".lstrip("/") for each in workdirs for name in each.removed(limits)
    }
    named = list(Pruning(tree.url, limits, NOW, is_dry=True).run())
    assert tree.files() == before, "a dry run has changed something"
    assert len(set(named)) == len(named), "a name comes twice"
    assert set(named) == expected, f"{set(named) ^ expected}: {limits}, {workdirs}"
    current = [each for each in workdirs if _task(each.options).complete()]
    # Where runs have no note that is right, the ages are known only as long as the receipts are.
    is_noted = all("run.json" in each.own for each in workdirs)
    interruptions = _interrupted(tree, limits, chance, len(named)) if is_noted else 0
    pruning = Pruning(tree.url, limits, NOW)
    list(pruning.run())
    assert not [error for error in pruning.errors if "link" not in error.got], pruning.errors
    after = tree.files()
    gone = before.keys() - after.keys()
    assert gone == expected, f"{gone ^ expected}: {interruptions}, {limits}, {workdirs}"
    changed = {name for name in after if after[name] != before.get(name)}
    assert all(name.endswith((".lock", "manifest.json")) for name in changed), changed
    for each in current:
        if f"{each.name}/clip.gif".lstrip("/") in after:
            assert _task(each.options).complete(), f"{each.name} is not current any more"
    return f"{len(named)} of {len(before)} files went, after {interruptions} interruptions"


def _interrupted(tree: Tree, limits: Limits, chance: random.Random, count: int) -> int:
    """Prune, and be interrupted, some times."""
    owner = storage.LocalFolder if tree.place else type(tree.folder)
    remove, interruptions = owner.remove, chance.randrange(3) if count else 0

    left: list[None] = []

    def remove_or_die(folder: storage.Folder, name: str) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        remove(folder, name)

    with mock.patch.object(owner, "remove", remove_or_die):
        for _ in range(interruptions):
            left[:] = [None] * chance.randrange(count)
            with contextlib.suppress(KeyboardInterrupt):
                list(Pruning(tree.url, limits, NOW).run())
    return interruptions


def main() -> None:
    parser = argparse.ArgumentParser(description="Prune random trees.")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in campaign(options.rounds, options.seed, Path(folder)):
            print(line, flush=True)
    print(f"{options.rounds} trees, seed {options.seed}: all as promised")


if __name__ == "__main__":
    main()
