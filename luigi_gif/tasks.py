"""The four tasks: what each needs, what it makes, and when that is current."""

from __future__ import annotations

import os
from typing import Any

from luigi_gif import (
    clip_step,
    clips,
    download_step,
    frames,
    integrations,
    settings,
    storage,
)
from luigi_gif.also_parameters import AlsoParameters, files_of
from luigi_gif.caption_parameters import ITEMS_KEY, CaptionParameters, caption_plan, caption_recipe
from luigi_gif.clip_parameters import ClipParameters
from luigi_gif.name_parameter import NameParameter
from luigi_gif.pipeline_task import PipelineTask, logger
from luigi_gif.render_parameters import RenderParameters, render_options_of, render_recipe
from luigi_gif.source_task import OWN_NAMES
from luigi_gif.storage import INDEX
from luigi_gif.unwanted_parameters import UnwantedParameters, unwanted_recipe
from luigi_gif.wording import counted

INDEX_KEYS = {"recipe", "sha256", "version", "frames", "waypoints", "end"}


class DownloadData(PipelineTask):
    """Fetch the bundle, whole and checked, and write a receipt beside it.

    A file without a receipt was put there by the user: it is used as it is.

    Parameters
    ----------
    **options
        Those of :class:`CombineGif` from ``url`` to ``on_bad_frame``.
    """

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.data_file)

    def subfolders(self) -> set[str]:
        return super().subfolders() | {storage.ITEMS}

    def reason_in_folder(self) -> str | None:
        version = self.bundle.version()
        if version is None:
            return f"{self.output()} is not there"
        if not self.bundle.has_receipt():
            return None
        receipt = self.bundle.receipt() or {}
        if receipt.get("version") != version:
            return f"{self.output()} is not as its receipt says"
        return self.difference(self.data_file, receipt.get("recipe"), receipt.get("sha256"))

    def make(self) -> str:
        return download_step.make_bundle(self)

    def about(self) -> dict[str, object]:
        receipt = self.bundle.receipt() or {}
        version, sha256 = receipt.get("source"), receipt.get("sha256")
        return {"source": {"version": version, "sha256": sha256} if version else None}

    def reason_once_needed_is_made(self) -> str | None:
        return self.reason_to_run()


class SplitFrames(PipelineTask):
    """Find where each frame of the bundle begins, and note a waypoint now and then.

    Parameters
    ----------
    **options
        Those of :class:`CombineGif` from ``url`` to ``on_bad_frame``.
    """

    needs = DownloadData

    def recipe(self) -> dict[str, object]:
        return super().recipe() | {"on_bad_frame": self.on_bad_frame}

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, INDEX)

    def reason_in_folder(self) -> str | None:
        index = self.folder.read_json(INDEX)
        if index is None or INDEX_KEYS - index.keys():
            return f"{self.output()} is not there, or not whole"
        if not self.bundle.exists():  # whoever asks for places in it wants to read it
            return f"{self.bundle.path} is not there"
        return self.difference(INDEX, index["recipe"], index["sha256"])

    def make(self) -> str:
        version = self.bundle.version()
        sha256 = self.bundle.checked_sha256(self.sha256)
        found = self.bundle.find_frames(version, strict=self.on_bad_frame == "fail")
        if found.empty:
            message = "left out as nothing stands between two delimiters: %s"
            logger.warning(message, counted(found.empty, "empty frame"))
        index = {"recipe": self.recipe(), "sha256": sha256, "version": version}
        self.folder.write_json(INDEX, index | found.to_json(), durable=False)
        return f"{self.output()}: {counted(found.frame_count, 'frame')}"


class WriteFrames(RenderParameters, CaptionParameters, UnwantedParameters, PipelineTask):
    """Write every frame to a GIF of its own, in parallel on Dask.

    Parameters
    ----------
    **options
        Those of :class:`CombineGif` from ``url`` to ``drop_blank``.
    """

    needs = SplitFrames

    def recipe(self) -> dict[str, object]:
        recipe = self.requires().recipe() | render_recipe(self)
        return recipe | caption_recipe(self) | unwanted_recipe(self)

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, frames.MANIFEST)

    def reason_in_folder(self) -> str | None:
        manifest = frames.load_manifest(self.folder)
        if manifest is None:
            return f"{self.output()} is not there, or not whole"
        if reason := self._is_of_others(manifest):
            return reason
        missing = frames.find_missing_chunks(self.folder, manifest).missing
        if missing:
            return f"frame files are missing in {len(missing)} of {len(manifest.chunks)} chunks"
        return None

    def make(self) -> str:
        captions = caption_plan(self)
        manifest = frames.load_manifest(self.folder)
        if manifest is None or self._is_of_others(manifest):
            counted = manifest is not None and (manifest.counted or manifest.damaged)
            index = self.folder.read_json(INDEX) or {}
            manifest = frames.new_manifest(self.recipe(), index, counted=counted)
            quarantined = frames.claim_existing_files(self.folder, manifest)
            frames.warn_of_altered_files(self.folder, quarantined)
        formats = (self.folder.read_json(INDEX) or {}).get("formats", {})
        count = frames.write_missing_frames(
            self.folder,
            self.data_file,
            manifest,
            self._recipe_of_one(),
            render_options_of(self, set(formats)),
            settings.dask.current(),
            integrations.ProgressReporter(self),
            captions,
        )
        path = self.folder.path(frames.SUBFOLDER)
        renamed = f"; {count.renamed:,} were renamed" if count.renamed else ""
        return f"{count.written:,} of {manifest.frame_count:,} frame files in {path}{renamed}"

    def _is_of_others(self, manifest: frames.Manifest) -> str | None:
        """Why all frames are looked at again; None where a manifest is of those that are wanted."""
        difference = self.difference(frames.MANIFEST, manifest.recipe, manifest.sha256)
        return difference or ("a frame has damaged pixels" if manifest.damaged else None)

    def _recipe_of_one(self) -> dict[str, object]:
        """What shapes a frame, whatever other frames there are: by it an earlier run's are known.

        Each worker looks at what is ignored, and at its pixels where duplicates are looked for.
        """
        recipe = render_recipe(self) | caption_recipe(self) | unwanted_recipe(self)
        elsewhere = (ITEMS_KEY, "ignore_sha256", "duplicates")
        return {name: value for name, value in recipe.items() if name not in elsewhere}


class CombineGif(
    RenderParameters,
    CaptionParameters,
    UnwantedParameters,
    ClipParameters,
    AlsoParameters,
    PipelineTask,
):
    """Combine the frames of a bundle into one animated GIF: the last of the four tasks.

    Luigi runs the three before it where their outputs are not current.

    Parameters
    ----------
    url : str or path
        Where the pictures are, a path or URL: a bundle, a folder, a pattern, an archive; or a list.
    workdir : str or path
        The folder or URL where the files of a run live; by default ``data/NAME-HASH``.
    data_file : str
        The bundle's name in the work directory.
    sha256 : str, optional
        The SHA-256 of the file at the URL, 64 hexadecimal digits, if you know it.
    match : str
        A pattern of the names that are wanted, such as ``*.jpg``.
    since : str
        The first time that is wanted, such as ``2026-11-23T18:00Z``, or its age: ``24h``.
    until : str
        The last time that is wanted, or its age.
    sort : str
        The order of the frames: ``natural`` of names, by ``time``, as ``given``, or ``auto``.
    step : str
        A span of time such as ``30m``, of each of which one picture is taken.
    every : int
        Every how many pictures one is taken.
    first : int, optional
        How many of the first pictures are taken.
    last : int, optional
        How many of the last pictures are taken.
    refresh : bool
        Whether each run asks the source whether it has changed, and fetches what has.
    max_age : str
        The same, but only if it was asked longer ago than this span of time, such as ``10m``.
    accumulate : bool
        Of one picture that is overwritten: whether each that a run finds becomes a further frame.
    time_format : str
        How names write a time, as in strptime; by default it is found.
    timezone : str
        Time zone of times without one, such as ``Europe/Oslo``.
    on_bad_frame : str
        Whether a frame that cannot be used ends the run (``fail``) or is left out (``skip``).
    size : str or tuple, optional
        Width and height in pixels, such as ``"320x240"``, ``"320x"`` or ``(320, None)``.
    crop : str, optional
        The part of each picture that is kept: ``"640x360+0+40"``, or ``"50%x50%+25%+25%"`` of it.
    fit : str
        How pictures come to a ``size`` of two sides: ``contain`` pads them, ``cover`` keeps their
        middle, ``fill`` stretches them.
    background : str
        The color of padding and behind transparent pixels, ``#rrggbb``, or ``transparent``.
    quality : str
        Of the palettes of images of more than 256 colors: ``fast`` or ``best``.
    palette : str
        One for each ``frame``, one for the ``clip``, or ``auto``.
    colors : int
        The most colors of a frame, or of the clip if it has one palette, 2 to 256; a transparent
        one does not count.
    dither : str
        Of images of more colors: ``none``, or ``ordered``, which mixes two for one that is missing.
    caption : str
        What is written onto each frame, such as ``"{name} {time:%d %b %H:%M %Z}"``.
    caption_position : str
        ``top-left``, ``top``, ``top-right``, ``left``, ``center`` and so on to ``bottom-right``.
    caption_size : int, optional
        Height of its font in pixels; by default a 20th of the frame's, at least 12.
    caption_color : str
        Of its text, ``#rrggbb``.
    caption_box : str
        Color of the box behind it, ``#rrggbb`` or with alpha ``#rrggbbaa``, or ``none``.
    caption_font : str or path
        A TrueType or OpenType font; by default the one in Pillow.
    caption_timezone : str, optional
        Time zone of its times, such as ``Europe/Oslo``; by default ``timezone``.
    max_megapixels : int
        Millions of pixels that a frame, and the clip, may have.
    range : str or tuple, optional
        Black and white, ``"-40:50"`` or ``(-40, 50)``, in pictures of numbers of unknown range.
    duplicates : str
        Whether to ``keep``, ``merge`` or ``drop`` frames with the same pixels as the one before.
    ignore_sha256 : str or list of str
        The SHA-256 of pictures' files that are left out.
    drop_blank : bool
        Whether frames of one color are left out.
    gif_file : str
        The clip's name in the work directory.
    frame_duration_ms : int, optional
        Milliseconds that each frame shows; by default its own delay, else 100.
    fps : float, optional
        Frames a second, at most 50, in the place of ``frame_duration_ms``.
    hold_first_ms : int, optional
        Milliseconds that the first frame shows, in the place of its delay.
    hold_last_ms : int, optional
        Milliseconds that the last frame shows.
    bounce : bool
        Whether the clip plays forwards, then backwards, without showing its ends twice.
    plays : int
        How often the clip plays; 0 is forever.
    min_frames : int
        The fewest frames that the clip may show; with less it is not made.
    optimize : str
        ``lossless`` stores of each frame only what changed; ``lossy`` only what changed by more
        than ``tolerance``, in colors that take few bytes; ``none`` stores all of it.
    tolerance : int, optional
        How far ``lossy`` may change red, green and blue of a pixel, of 255 levels.
    max_size : int or str, optional
        Largest size of the clip: bytes, or a text such as ``"10MB"``, ``"8MiB"`` or ``"github"``.
    also : str or list of str
        Files beside the clip, such as ``"webp,mp4"``: webp, apng, avif, mp4, webm, poster.

    Raises
    ------
    ParameterError
        When it is made, for a value that cannot be used.
    PipelineError
        From ``run()``: what went wrong, where, and what to do next.
    """

    needs = WriteFrames

    gif_file = NameParameter(
        default="clip.gif",
        description="the clip's name in the work directory",
        **OWN_NAMES,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._combined: clips.CombinedClip | None = None
        """The clip that this run has made."""
        self.is_published = False
        """Whether PublishGif tells of it."""

    def output(self) -> storage.FileTarget:
        return storage.FileTarget(self.folder, self.gif_file)

    def also_outputs(self) -> dict[str, storage.FileTarget]:
        """The files beside the clip, by their formats."""
        return {each.format: storage.FileTarget(self.folder, each.name) for each in files_of(self)}

    def recipe(self) -> dict[str, object]:
        return clip_step.recipe_of_clip(self)

    def reason_in_folder(self) -> str | None:
        return clip_step.find_stale_output(self)

    def bundle_sha256_in_output(self) -> object:
        existing = clips.read_clip_status(self.folder, self.gif_file)
        return existing and existing.origin and existing.origin.get("sha256")

    def subfolders(self) -> set[str]:
        return super().subfolders() | {os.path.dirname(self.gif_file)}

    def make(self) -> str:
        made, self._combined = clip_step.make_outputs(self)
        return made

    def about(self) -> dict[str, object]:
        return clip_step.note_outputs(self, self._combined)

    def on_success(self) -> None:
        if self._made and not self.is_published:  # not by another run
            integrations.notify_success(str(self.output()), self._made)
        super().on_success()
