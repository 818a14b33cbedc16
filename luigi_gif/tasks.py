"""The four tasks: what each needs, what it makes, and when that is current."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from abc import abstractmethod
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import luigi

from luigi_gif import (
    bundle,
    claims,
    clip,
    download,
    frames,
    gif,
    guard,
    interrupt,
    notify,
    partial,
    report,
    settings,
    storage,
    urls,
)
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    DamagedFileError,
    ForeignFileError,
    ParameterError,
    PipelineError,
    StorageError,
)
from luigi_gif.settings import (
    ChoiceParameter,
    NamedParameter,
    NumberParameter,
    bad_parameter,
)

EXAMPLE_URL = "https://github.com/cicdw/image-data/blob/master/all-images.img?raw=true"
INDEX = "frames.json"
RUN = "run.json"
"""When each step ran last, and how long; for people, not for the steps."""
INDEX_KEYS = {"recipe", "sha256", "version", "frames", "waypoints", "end"}

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class UrlParameter(NamedParameter[str]):
    """A path or URL, shown without its secrets wherever Luigi shows parameters.

    Raises ParameterError for a URL that cannot be taken apart.
    """

    def normalize(self, x: str) -> str:
        try:
            urls.name_from_url(x)
        except ValueError as error:
            flag = f"--{self._attribute_name}"
            got = f"{urls.public_url(x)} ({error})"
            raise bad_parameter(flag, "a path or a URL", got) from None
        return x

    def serialize(self, x: str) -> str:
        shown = urls.public_url(x)
        return shown if shown == x else f"{shown}#{urls.url_digest(x)}"


class NameParameter(NamedParameter[str]):
    """The name of a file inside the work directory. Raises ParameterError."""

    def normalize(self, x: str) -> str:
        path = PurePosixPath(x)
        flag = f"--{self._attribute_name.replace('_', '-')}"
        if not path.name or path.is_absolute() or ".." in path.parts:
            raise bad_parameter(flag, "a relative path inside the work directory", x)
        if path.parts[0] in (frames.SUBFOLDER, storage.LOCK) or path.suffix in (
            ".json",
            partial.SUFFIX,
            storage.ASIDE_SUFFIX,
        ):
            raise bad_parameter(flag, "a name that the pipeline does not use itself", x)
        return str(path)


class SizeParameter(NamedParameter[tuple[int | None, int | None] | None]):
    """Width and height in pixels, one of which may be left out, or None. Raises ParameterError."""

    def parse(self, x: str) -> tuple[int | None, int | None]:
        sides = re.fullmatch("([0-9]*)x([0-9]*)", x)
        if sides is None:
            raise self._error(x)
        return tuple(int(side) if side else None for side in sides.groups())  # type: ignore[return-value]

    def normalize(self, x: Any) -> tuple[int | None, int | None] | None:
        if x is None:
            return None
        if isinstance(x, str):
            x = self.parse(x)
        width, height = x
        sides = [side for side in (width, height) if side is not None]
        if not sides or not all(1 <= side <= gif.MOST_PIXELS for side in sides):
            raise self._error(self.serialize(x))
        return width, height

    def serialize(self, x: tuple[int | None, int | None] | None) -> str:
        return "" if x is None else f"{x[0] or ''}x{x[1] or ''}"

    def _error(self, value: str) -> ParameterError:
        expected = f"WIDTHxHEIGHT, WIDTHx or xHEIGHT, in pixels from 1 to {gif.MOST_PIXELS:,}"
        return bad_parameter("--size", expected, value)


class Sha256Parameter(NamedParameter[str | None]):
    """A SHA-256 checksum, 64 hexadecimal digits, or None. Raises ParameterError."""

    def normalize(self, x: str | None) -> str | None:
        if x is not None and not re.fullmatch("[0-9a-fA-F]{64}", x):
            raise bad_parameter("--sha256", "64 hexadecimal digits", x)
        return x and x.lower()

    def serialize(self, x: str | None) -> str:
        return x or ""


class Step(luigi.Task):
    """What the four tasks share: the bundle, and where its files live.

    Each file notes its recipe (the parameters that shape its bytes) and the
    SHA-256 of the bundle that it was made of. It is current if the recipe is
    this task's, and if the bundle, where it still lies there, is that one.
    """

    url = UrlParameter(
        default=EXAMPLE_URL,
        description="the bundle: http(s)://, file://, a path, or any fsspec URL",
    )
    workdir = UrlParameter(
        default="",
        description="where the files of a run live; by default data/NAME-HASH, from the URL",
    )
    data_file = NameParameter(
        default="image-data.img", description="the bundle's name in the work directory"
    )
    sha256 = Sha256Parameter(default=None, description="the bundle's checksum, if you know it")

    _explained = False
    _made = ""
    _just_made = False

    @property
    def folder(self) -> storage.Folder:
        """The work directory."""
        return storage.folder(self.workdir or f"data/{urls.name_from_url(self.url)}")

    @abstractmethod
    def reason_to_run(self) -> str | None:
        """Why this step has to run, in a few words; None if its output is current."""

    @abstractmethod
    def make(self) -> str:
        """Make the output; what was made, in a few words. Called with the folder locked."""

    def recipe(self) -> dict[str, Any]:
        """The parameters that shape the output's bytes."""
        return {"url": urls.public_url(self.url), "url_digest": urls.url_digest(self.url)}

    def complete(self) -> bool:
        just_made, self._just_made = self._just_made, False
        try:
            reason = self.reason_to_run()
        except PipelineError as error:
            reason = error.got
        if reason is None:
            self._explain("skipped: %s is current", self.output())
        elif just_made:
            raise StorageError(
                "what was just made is not there any more",
                where=str(self.output()),
                expected=f"what {self.task_family} made",
                got=reason,
                next_step="run again when nothing else changes the work directory",
            )
        return reason is None

    def run(self) -> None:
        guard.check_is_no_worker()
        folder = self.folder
        try:
            lock_timeout_s = settings.storage().lock_timeout
            with interrupt.quiet_in_child(), folder.locked(lock_timeout_s):
                reason = self.reason_to_run()
                if reason is None:
                    self._explain("skipped: another run has just made %s", self.output())
                    return
                self._explain("runs: %s", reason)
                self._check_what_it_needs()
                self._sweep(folder)
                begin = time.monotonic()
                made = self.make()
                self._sweep(folder)  # workers may have died meanwhile
                self._note_run(time.monotonic() - begin)
                logger.info("%s made %s", self.task_family, made)
                self._made, self._just_made = made, True
        except FileNotFoundError as error:
            raise StorageError(
                "a file vanished while it was needed",
                where=str(error.filename or folder.url),
                expected="the file",
                got="nothing",
                next_step="run again",
            ) from error

    def about(self) -> dict[str, Any]:
        """What a page is to tell of the output."""
        return {}

    def _note_run(self, seconds: float) -> None:
        run = self.folder.read_json(RUN) or {}
        steps = run.get("steps", {})
        steps[self.task_family] = {"ended": _now(), "seconds": round(seconds, 3)}
        shown = {"url": urls.public_url(self.url), "steps": steps}
        self.folder.write_json(RUN, run | shown | self.about(), lasting=False)

    def _check_what_it_needs(self) -> None:
        """Luigi looked before the folder was locked; a run of another URL may have come since."""
        for step in self.deps():
            reason = step.reason_to_run()
            if reason is not None:
                raise StorageError(
                    f"what {self.task_family} needs has changed meanwhile",
                    where=str(step.output()),
                    expected=f"what {step.task_family} made",
                    got=reason,
                    next_step="run again, with one URL at a time in a work directory",
                )

    def on_failure(self, exception: BaseException) -> str:
        url = urls.public_url(self.url)
        report.note_failure(url, exception)
        notify.failure(self.task_family, url, exception)
        if isinstance(exception, PipelineError):
            return str(exception)
        return str(super().on_failure(exception))

    def _sweep(self, folder: storage.Folder) -> None:
        for subfolder in self._subfolders():
            folder.sweep(subfolder)

    def _subfolders(self) -> set[str]:
        """The folders of the work directory that a dead run may have left something in."""
        return {"", frames.SUBFOLDER, os.path.dirname(self.data_file)}

    @property
    def _receipt(self) -> str:
        return f"{self.data_file}.json"

    def _bundle_sha256(self) -> str | None:
        """The SHA-256 of the bundle that lies there, as a note says that fits it."""
        version = self.folder.version(self.data_file)
        for name in (self._receipt, INDEX):
            note = self.folder.read_json(name) or {}
            if note.get("version") == version:
                return note.get("sha256")
        return None

    def _difference(self, name: str, recipe: object, sha256: object) -> str | None:
        """How the file ``name``, made so and of that bundle, is not current; None if it is."""
        theirs = recipe if isinstance(recipe, dict) else {}
        ours = self.recipe()
        changed = [key for key in ours if key not in theirs or theirs[key] != ours[key]]
        if changed:
            return f"{name} was made with another {' and '.join(changed)}"
        if self.sha256 not in (None, sha256):
            return f"{name} is not of the bundle with this SHA-256"
        if self.folder.size(self.data_file) is not None and self._bundle_sha256() != sha256:
            return f"{name} was made of another bundle"
        return None

    def _explain(self, message: str, *args: object) -> None:
        """Log, once a task, why it runs or is skipped, and with it those it makes needless."""
        if not self._explained:
            self._explained = True
            logger.info("%s " + message, self.task_family, *args)
            if message.startswith("skipped"):
                for step in self.deps():
                    step._explain("skipped: %s needs nothing", self.task_family)


class DownloadData(Step):
    """Fetches the bundle, whole and checked, and writes a receipt beside it.

    A file without a receipt was put there by the user: it is used as it is.
    """

    on_bad_frame = ChoiceParameter(
        default="fail",
        choices=("fail", "skip"),
        description="whether a frame that cannot be used ends the run or is left out",
    )

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.data_file)

    def reason_to_run(self) -> str | None:
        version = self.folder.version(self.data_file)
        if version is None:
            return f"{self.output()} is not there"
        if self.folder.size(self._receipt) is None:
            return None
        receipt = self.folder.read_json(self._receipt) or {}
        if receipt.get("version") != version:
            return f"{self.output()} is not as its receipt says"
        return self._difference(self.data_file, receipt.get("recipe"), receipt.get("sha256"))

    def make(self) -> str:
        """The receipt goes first: a bundle without one is the user's."""
        self._set_aside_if_changed()
        if self.reason_to_run() is None:
            return f"sure of {self.output()}: it is as it was downloaded"
        part = f"{self.data_file}{partial.SUFFIX}"
        with self.folder.nearby() as nearby:
            receipt = download.fetch(
                self.url,
                nearby,
                part,
                settings.download(),
                sha256=self.sha256,
                strict=self.on_bad_frame == "fail",
                watch=report.Watch(self),
            )
            receipt = {"recipe": self.recipe(), **receipt}
            self.folder.remove(self.data_file)
            self.folder.write_json(self._receipt, receipt)
            self.folder.adopt(nearby, part, self.data_file)
        self._note_version(receipt)
        return f"{self.output()}: {receipt['size']:,} bytes"

    def _set_aside_if_changed(self) -> None:
        """A bundle that is not as its receipt says may be the user's: it is not overwritten."""
        version = self.folder.version(self.data_file)
        receipt = self.folder.read_json(self._receipt) or {}
        if version is None or receipt.get("version") == version:
            return
        digest = self.folder.sha256(self.data_file)
        if digest != receipt.get("sha256"):
            aside = self.folder.set_aside(self.data_file)
            raise DamagedFileError(
                "the bundle was changed after it was downloaded",
                where=str(self.output()),
                expected=f"SHA-256 {receipt.get('sha256', 'in a receipt that can be read')}",
                got=f"SHA-256 {digest}; it is {aside} now",
                next_step="run again, to download it anew, or, to use it as it is, first give it "
                f"its name back and delete its receipt, {self._receipt}",
            )
        self._note_version(receipt)

    def _note_version(self, receipt: dict[str, Any]) -> None:
        receipt["version"] = self.folder.version(self.data_file)
        self.folder.write_json(self._receipt, receipt)


class SplitFrames(Step):
    """Finds where each frame of the bundle begins, and notes a waypoint now and then."""

    on_bad_frame = DownloadData.on_bad_frame

    def requires(self) -> DownloadData:
        return self.clone(DownloadData)

    def recipe(self) -> dict[str, Any]:
        return super().recipe() | {"on_bad_frame": self.on_bad_frame}

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, INDEX)

    def reason_to_run(self) -> str | None:
        index = self.folder.read_json(INDEX)
        if index is None or INDEX_KEYS - index.keys():
            return f"{self.output()} is not there, or not whole"
        return self._difference(INDEX, index["recipe"], index["sha256"])

    def make(self) -> str:
        path = self.folder.path(self.data_file)
        version = self.folder.version(self.data_file)
        sha256 = self._checked_sha256(path)
        with self.input().open() as file:
            try:
                survey = bundle.survey(file.read, strict=self.on_bad_frame == "fail")
            except bundle.BadFrame as error:
                raise frames.bundle_error(error, path) from None
        if not survey.frames:
            raise BundleError(
                "the bundle holds no image",
                where=path,
                expected="complete images with four newlines between them",
                got=f"{self.folder.size(self.data_file):,} bytes without one",
                next_step="put a bundle there, or delete the file to download it again",
            )
        if self.folder.version(self.data_file) != version:
            raise frames.changed_error(path)
        index = {"recipe": self.recipe(), "sha256": sha256, "version": version}
        self.folder.write_json(INDEX, index | survey._asdict())
        return f"{self.output()}: {survey.frames:,} frames"

    def _checked_sha256(self, path: str) -> str:
        """Of the bundle; one that was put there, not downloaded, is held against --sha256."""
        receipt = self.folder.read_json(self._receipt) or {}
        if "sha256" in receipt:
            return str(receipt["sha256"])
        digest = self.folder.sha256(self.data_file)
        if self.sha256 is not None:
            download.check_sha256(path, digest, self.sha256)
        return digest


class WriteFrames(Step):
    """Writes every frame to a GIF of its own, in parallel on Dask."""

    on_bad_frame = SplitFrames.on_bad_frame
    size = SizeParameter(
        default=None,
        description="WIDTHxHEIGHT, WIDTHx or xHEIGHT of the frames in pixels; by default their own",
    )
    quality = ChoiceParameter(
        default="fast",
        choices=("fast", "best"),
        description="how images of more than 256 colors get their palette",
    )
    max_megapixels = NumberParameter(
        default=64,
        kind=int,
        least=1,
        most=178,
        description="pixels of a frame, and of the clip, in millions; a frame with more is bad",
    )

    def requires(self) -> SplitFrames:
        return self.clone(SplitFrames)

    def recipe(self) -> dict[str, Any]:
        own = ("size", "quality", "max_megapixels")
        shown = self.to_str_params()
        return self.requires().recipe() | {name: shown[name] for name in own}

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, frames.MANIFEST)

    def reason_to_run(self) -> str | None:
        manifest = frames.load_manifest(self.folder)
        if manifest is None:
            return f"{self.output()} is not there, or not whole"
        difference = self._difference(frames.MANIFEST, manifest.recipe, manifest.sha256)
        if difference:
            return difference
        missing = frames.listing(self.folder, manifest).missing
        if missing:
            return (
                f"frame files are missing in {len(missing)} of {len(manifest.stretches)} stretches"
            )
        return None

    def make(self) -> str:
        manifest = frames.load_manifest(self.folder)
        if manifest is None or self._difference(frames.MANIFEST, manifest.recipe, manifest.sha256):
            manifest = frames.blank_manifest(self.recipe(), self.folder.read_json(INDEX) or {})
            aside = claims.take_over(self.folder, manifest)
            frames.warn_of_altered(self.folder, aside)
        width, height = self.size or (None, None)
        look = frames.Look(
            width, height, self.quality, self.max_megapixels * 10**6, self.on_bad_frame == "skip"
        )
        watch = report.Watch(self)
        count = frames.write_missing(
            self.folder, self.data_file, manifest, look, settings.dask(), watch
        )
        return (
            f"{count:,} of {manifest.frames:,} frame files in {self.folder.path(frames.SUBFOLDER)}"
        )


class CombineGif(Step):
    """Combines the frame files into one animated GIF."""

    gif_file = NameParameter(
        default="clip.gif", description="the clip's name in the work directory"
    )
    frame_duration_ms = NumberParameter(
        default=None,
        kind=int,
        least=20,
        most=655_350,
        description="how long each frame shows; by default its own delay, else 100",
    )
    plays = NumberParameter(
        default=0,
        kind=int,
        least=0,
        most=65_536,
        description="how often the clip plays; 0 is forever",
    )
    optimize = ChoiceParameter(
        default="none",
        choices=("none", "lossless"),
        description="lossless: of each frame only what changed is stored",
    )
    on_bad_frame = WriteFrames.on_bad_frame
    size = WriteFrames.size
    quality = WriteFrames.quality
    max_megapixels = WriteFrames.max_megapixels

    def requires(self) -> WriteFrames:
        return self.clone(WriteFrames)

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.gif_file)

    def recipe(self) -> dict[str, Any]:
        """As a clip may go anywhere, it tells of its source only whether it is the same."""
        source = json.dumps(self.requires().recipe(), sort_keys=True).encode()
        return {
            "source": hashlib.sha256(source).hexdigest()[:16],
            "frame_duration_ms": self.frame_duration_ms,
            "plays": self.plays,
            "optimize": self.optimize,
        }

    def reason_to_run(self) -> str | None:
        found = clip.find(self.folder, self.gif_file)
        if found is None:
            return f"{self.output()} is not there"
        if found.origin is None:
            return f"{self.output()} is not of this pipeline"
        if not found.whole:
            return f"{self.output()} is not as it was written"
        return self._difference(
            self.gif_file, found.origin.get("recipe"), found.origin.get("sha256")
        )

    def _subfolders(self) -> set[str]:
        return super()._subfolders() | {os.path.dirname(self.gif_file)}

    def make(self) -> str:
        found = clip.find(self.folder, self.gif_file)
        if found is not None and found.origin is None:
            raise ForeignFileError(
                "the clip's place is taken by a file that this pipeline did not make",
                where=str(self.output()),
                expected="no file, or a clip of this pipeline",
                got="another file, which is left as it is",
                next_step="move it away, or name another --gif-file",
            )
        manifest = frames.load_manifest(self.folder)
        assert manifest is not None
        style = clip.Style(
            self.plays,
            self.frame_duration_ms,
            self.optimize == "lossless",
            self.max_megapixels * 10**6,
        )
        origin = {"recipe": self.recipe(), "sha256": manifest.sha256}
        config = settings.dask()
        size = clip.combine(self.folder, manifest, self.gif_file, origin, style, config)
        shown = manifest.frames - len(manifest.skipped)
        return f"{self.output()}: {shown:,} frames, {size:,} bytes"

    def about(self) -> dict[str, Any]:
        manifest = frames.load_manifest(self.folder)
        assert manifest is not None
        shown = manifest.frames - len(manifest.skipped)
        duration_ms = 10 * sum(written.delay_cs for written in manifest.written if written)
        if self.frame_duration_ms is not None:
            duration_ms = shown * self.frame_duration_ms
        width, height = manifest.size
        about = {
            "made": _now(),
            "frames": shown,
            "duration_ms": duration_ms,
            "width": width,
            "height": height,
            "bytes": self.folder.size(self.gif_file),
        }
        others = (self.folder.read_json(RUN) or {}).get("clips", {})
        return {"clips": others | {self.gif_file: about}}

    def on_success(self) -> None:
        if self._made:  # not by another run
            notify.success(str(self.output()), self._made)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
