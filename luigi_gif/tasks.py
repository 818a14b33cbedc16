"""The four tasks: what each needs, what it makes, and when that is current."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from abc import abstractmethod
from pathlib import PurePosixPath
from typing import Any

import luigi

from luigi_gif import bundle, clip, download, frames, settings, storage
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    ForeignFileError,
    PipelineError,
    StorageError,
)
from luigi_gif.settings import NumberParameter, bad_parameter

EXAMPLE_URL = "https://github.com/cicdw/image-data/blob/master/all-images.img?raw=true"
INDEX = "frames.json"

logger = logging.getLogger(LUIGI_LOGGER)


class UrlParameter(luigi.Parameter[str]):
    """A URL, shown without its secrets wherever Luigi shows parameters."""

    def serialize(self, x: str) -> str:
        shown = download.public_url(x)
        return shown if shown == x else f"{shown}#{download.url_digest(x)}"


class NameParameter(luigi.Parameter[str]):
    """The name of a file inside the work directory. Raises ParameterError."""

    def normalize(self, x: str) -> str:
        path = PurePosixPath(x)
        if not path.name or path.is_absolute() or ".." in path.parts:
            flag = f"--{self._attribute_name.replace('_', '-')}"
            raise bad_parameter(flag, "a relative path inside the work directory", x)
        return str(path)


class Sha256Parameter(luigi.Parameter[str | None]):
    """A SHA-256 checksum, 64 hexadecimal digits, or None. Raises ParameterError."""

    def normalize(self, x: str | None) -> str | None:
        if x is not None and not re.fullmatch("[0-9a-fA-F]{64}", x):
            raise bad_parameter("--sha256", "64 hexadecimal digits", x)
        return x and x.lower()

    def serialize(self, x: str | None) -> str:
        return x or ""


class Step(luigi.Task):
    """What the four tasks share: the bundle, and where its files live.

    A file is current if its recipe (the parameters that shape its bytes) is
    this task's, and if the bundle, where it still lies there, is the one it
    was made of.
    """

    url = UrlParameter(
        default=EXAMPLE_URL,
        description="the bundle: http(s)://, file://, a path, or any fsspec URL",
    )
    workdir = luigi.Parameter(
        default="",
        description="where the files of a run live; by default data/NAME-HASH, from the URL",
    )
    data_file = NameParameter(
        default="image-data.img", description="the bundle's name in the work directory"
    )
    sha256 = Sha256Parameter(default=None, description="the bundle's checksum, if you know it")

    _explained = False

    @property
    def folder(self) -> storage.Folder:
        """The work directory."""
        return storage.folder(self.workdir or f"data/{download.name_from_url(self.url)}")

    @abstractmethod
    def reason_to_run(self) -> str | None:
        """Why this step has to run, in a few words; None if its output is current."""

    @abstractmethod
    def make(self) -> str:
        """Make the output; what was made, in a few words. Called with the folder locked."""

    def recipe(self) -> dict[str, Any]:
        """The parameters that shape the output's bytes."""
        return {
            "url": download.public_url(self.url),
            "url_digest": download.url_digest(self.url),
            "sha256": self.sha256,
        }

    def complete(self) -> bool:
        try:
            current = self.reason_to_run() is None
        except PipelineError:
            current = False
        if current:
            self._explain("skipped: %s is current", self.output())
        return current

    def run(self) -> None:
        folder = self.folder
        try:
            with folder.locked():
                reason = self.reason_to_run()
                if reason is None:
                    self._explain("skipped: another run has just made %s", self.output())
                    return
                self._explain("runs: %s", reason)
                self._check_what_it_needs()
                folder.sweep()
                logger.info("%s made %s", self.task_family, self.make())
        except FileNotFoundError as error:
            raise StorageError(
                "a file vanished while it was needed",
                where=str(error.filename or folder.url),
                expected="the file",
                got="nothing",
                next_step="run again",
            ) from error

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
        if isinstance(exception, PipelineError):
            return str(exception)
        return str(super().on_failure(exception))

    def origin(self) -> dict[str, Any]:
        """What the output is made of: the recipe, and which bundle."""
        return {"recipe": self.recipe(), "bundle": self._bundle()}

    def _bundle(self) -> str | None:
        """A text for the very bundle that lies in the work directory, if one does."""
        if self.folder.size(self.data_file) is None:
            return None
        receipt = self.folder.read_json(self._receipt) or {}
        return receipt.get("sha256") or self.folder.version(self.data_file)

    @property
    def _receipt(self) -> str:
        return f"{self.data_file}.json"

    def _difference(self, name: str, origin: dict[str, Any]) -> str | None:
        """How the file ``name``, made of ``origin``, is not current; None if it is."""
        theirs, ours = origin.get("recipe", {}), self.recipe()
        changed = [key for key, value in ours.items() if theirs.get(key) != value]
        if changed:
            return f"{name} was made with another {' and '.join(changed)}"
        bundle = self._bundle()
        if bundle is not None and bundle != origin.get("bundle"):
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

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.data_file)

    def reason_to_run(self) -> str | None:
        size = self.folder.size(self.data_file)
        if size is None:
            return f"{self.output()} is not there"
        if self.folder.size(self._receipt) is None:
            return None
        receipt = self.folder.read_json(self._receipt) or {}
        if size != receipt.get("size"):
            return f"{self.output()} has not the size that its receipt says"
        return self._difference(self.data_file, {**receipt, "bundle": receipt.get("sha256")})

    def make(self) -> str:
        with self.folder.publish(self.data_file) as file:
            receipt = download.fetch(self.url, file, settings.download(), self.sha256)
            # A kill between any two of these leaves no bundle that could pass for another.
            self.folder.remove(self.data_file)
            self.folder.write_json(self._receipt, {"recipe": self.recipe(), **receipt})
        return f"{self.output()}: {receipt['size']:,} bytes"


class SplitFrames(Step):
    """Finds where each frame of the bundle begins, and notes a waypoint about every MiB."""

    def requires(self) -> DownloadData:
        return self.clone(DownloadData)

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, INDEX)

    def reason_to_run(self) -> str | None:
        index = self.folder.read_json(INDEX)
        if index is None or not {"origin", "frames", "waypoints", "end"} <= index.keys():
            return f"{self.output()} is not there, or not whole"
        return self._difference(INDEX, index["origin"])

    def make(self) -> str:
        path = self.folder.path(self.data_file)
        self._check_own_bundle(path)
        with self.input().open() as file:
            try:
                survey = bundle.survey(file.read)
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
        index = {"origin": self.origin(), "frames": survey.frames, "formats": survey.formats}
        index |= {"waypoints": survey.waypoints, "end": survey.end}
        self.folder.write_json(INDEX, index)
        return f"{self.output()}: {survey.frames:,} frames"

    def _check_own_bundle(self, path: str) -> None:
        """Hold a bundle that was put there, not downloaded, against --sha256."""
        if self.sha256 is None or self.folder.size(self._receipt) is not None:
            return
        with self.input().open() as file:
            download.check_sha256(
                path, hashlib.file_digest(file, "sha256").hexdigest(), self.sha256
            )


class WriteFrames(Step):
    """Writes every frame to a file of its own, in parallel on Dask."""

    def requires(self) -> SplitFrames:
        return self.clone(SplitFrames)

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, frames.MANIFEST)

    def reason_to_run(self) -> str | None:
        manifest = frames.load_manifest(self.folder)
        if manifest is None:
            return f"{self.output()} is not there, or not whole"
        difference = self._difference(frames.MANIFEST, manifest.origin)
        if difference:
            return difference
        missing = frames.listing(self.folder, manifest).missing
        if missing:
            return f"frame files of {len(missing)} of {len(manifest.stretches)} MiB are missing"
        return None

    def make(self) -> str:
        manifest = frames.load_manifest(self.folder)
        if manifest is None or self._difference(frames.MANIFEST, manifest.origin):
            index = self.folder.read_json(INDEX) or {}
            manifest = frames.blank_manifest(
                self.origin(), index["frames"], index["waypoints"], index["end"]
            )
        count = frames.write_missing(self.folder, self.data_file, manifest, settings.dask())
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

    def requires(self) -> WriteFrames:
        return self.clone(WriteFrames)

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.gif_file)

    def recipe(self) -> dict[str, Any]:
        """As a clip may go anywhere, it tells of its source only whether it is the same."""
        source = json.dumps(super().recipe(), sort_keys=True).encode()
        return {
            "source": hashlib.sha256(source).hexdigest()[:16],
            "frame_duration_ms": self.frame_duration_ms,
            "plays": self.plays,
        }

    def reason_to_run(self) -> str | None:
        found = clip.find(self.folder, self.gif_file)
        if found is None:
            return f"{self.output()} is not there"
        if found.origin is None:
            return f"{self.output()} is not of this pipeline"
        if not found.whole:
            return f"{self.output()} is cut off"
        return self._difference(self.gif_file, found.origin)

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
        timing = clip.Timing(self.plays, self.frame_duration_ms)
        origin = {"recipe": self.recipe(), "bundle": manifest.origin["bundle"]}
        size = clip.combine(self.folder, manifest, self.gif_file, origin, timing)
        return f"{self.output()}: {manifest.frames:,} frames, {size:,} bytes"
