"""What all files beside a clip are made of: its frames, as the manifest has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import clips, frames, settings, storage
from luigi_gif.also.also_options import AlsoOptions
from luigi_gif.also.shown_pictures import (
    FramePlace,
    PartPlan,
    ShownPicture,
    picture_at,
    plan_pictures,
    shown_pictures,
)
from luigi_gif.errors import BundleError

if TYPE_CHECKING:
    from PIL.Image import Image

    from luigi_gif.integrations import ProgressReporter


class FilePlan(NamedTuple):
    """What each of the files shows."""

    sequence: clips.ClipSequence
    canvas: clips.Canvas


class FileSources:
    """Plans what the files show, and decodes it.

    Parameters
    ----------
    folder, data_file, manifest
        The work directory, its bundle, and the manifest, which is complete.
    options : AlsoOptions
        How the files look and play.
    config : settings.dask
        Who encodes.
    reporter : ProgressReporter
        What is told how far it is.
    captions : CaptionPlan, optional
        What is written onto the frames.
    """

    def __init__(
        self,
        folder: storage.Folder,
        data_file: str,
        manifest: frames.Manifest,
        options: AlsoOptions,
        config: settings.dask,
        reporter: ProgressReporter,
        captions: frames.CaptionPlan | None,
    ) -> None:
        self.folder = folder
        self.data_file = data_file
        self.manifest = manifest
        self.options = options
        self.config = config
        self.reporter = reporter
        self._captions = captions
        self.plan = self._planned()

    def item_texts(self) -> frames.TextsOfFrames:
        """Gives what captions tell of items; each time from the first frame on."""
        return frames.find_item_texts(self._captions, self.folder, self.data_file)

    @contextlib.contextmanager
    def shared_options(self) -> Iterator[tuple[storage.FolderHandle, frames.RenderOptions]]:
        """How frames are decoded; while the block lasts, workers find the font of captions."""
        with (
            self.folder.share() as handle,
            frames.shared_captions(
                self.folder, handle, self._captions, self.manifest.frame_count
            ) as captions,
        ):
            yield handle, self.options.render._replace(captions=captions)

    @contextlib.contextmanager
    def reader(self) -> Iterator[frames.TrueColorReader]:
        """Decodes frames in this process."""
        with self.shared_options() as (handle, options):
            options = frames.with_font(handle, self.folder, options)
            yield frames.TrueColorReader(self.folder, self.data_file, options)

    def pictures(self, reader: frames.TrueColorReader) -> Iterator[ShownPicture]:
        """All that is shown, one after another. Raises BundleError and StorageError."""
        for plan in self._parts():
            yield from shown_pictures(reader, plan, self.plan.canvas)

    def last_delay_cs(self, reader: frames.TrueColorReader) -> int:
        """How long the last picture shows, in hundredths of a second."""
        *_, last = (plan for plan in self._parts() if plan.part.steps)
        *_, shown = shown_pictures(reader, last, self.plan.canvas)
        return shown.delay_cs

    def last_frame(self, reader: frames.TrueColorReader) -> Image:
        """The picture of the last frame of the source. Raises BundleError and StorageError."""
        number = self.plan.sequence.ends.last
        for plan in self._parts():
            if number in plan.source.chunk.numbers:
                return picture_at(reader, FramePlace(plan.source, number), self.plan.canvas)
        raise AssertionError

    def _parts(self) -> Iterator[PartPlan]:
        """In the order of the clip."""
        planned = plan_pictures(self.plan.sequence, self.plan.canvas, self.item_texts())
        # Texts of items are told from the first frame to the last: what is shown on the way back
        # has to be held.
        backwards: list[PartPlan] = []
        for there, *back in planned:
            yield there
            backwards += back
        yield from reversed(backwards)

    def _planned(self) -> FilePlan:
        options, manifest = self.options.clip, self.manifest
        sequence = clips.plan_sequence(manifest, options)
        if sequence is None:
            raise BundleError(
                "no frame of the bundle is usable",
                where=self.folder.path(frames.MANIFEST),
                expected="at least 1",
                got=f"0 of {manifest.frame_count:,}",
                next_step="run again once its source has some, with --refresh if it was fetched",
            )
        ends, size = sequence.ends, manifest.screen_size
        holds = ((ends.first, options.hold_first_ms), (ends.last, options.hold_last_ms))
        holds_ms = {number: hold_ms for number, hold_ms in holds if hold_ms is not None}
        canvas = clips.Canvas(size, size, manifest.uniform, b"", options, holds_ms)
        return FilePlan(sequence, canvas)
