"""What workers look at to estimate the size of a clip: a few of its frames."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import gif, imaging, storage
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_blocks import make_clip_blocks
from luigi_gif.clips.clip_canvas import Canvas
from luigi_gif.clips.frame_reader import FrameReader, ShownFrame
from luigi_gif.clips.sequence import ClipSequence, Part
from luigi_gif.errors import Undecodable, out_of_memory

if TYPE_CHECKING:
    from luigi_gif.imaging import DistinctColors, Likeness

MAX_SAMPLES = 16
MIN_SAMPLES = 2
FRAMES_PER_SAMPLE = 12
"""Each sample reads the frame before it too, so all of them cost less than a fifth of the clip."""


class Sample(NamedTuple):
    """A step of the clip that is looked at."""

    number: int
    """Of the frame that it shows."""
    before: int | None
    """Number of the frame that is shown before; None for the first step."""
    batch: ClipBatch
    """Without parts: what stands around both."""


class SampledColors(NamedTuple):
    """The colors of a frame."""

    color_table: bytes
    shown: DistinctColors


def plan_samples(
    sequence: ClipSequence, canvas: Canvas, digits: int, samples: int | None = None
) -> list[Sample]:
    """The first step and some others, evenly spread; by default few enough for an estimate."""
    ends = list(accumulate(len(part.steps) for part in sequence.parts))
    count = ends[-1]
    if samples is None:
        samples = max(MIN_SAMPLES, min(MAX_SAMPLES, count // FRAMES_PER_SAMPLE))
    samples = min(samples, count - 1)
    places = [0, *(1 + (2 * each + 1) * (count - 1) // (2 * samples) for each in range(samples))]
    return [_sample(sequence.parts, ends, place, canvas, digits) for place in places]


def _sample(parts: list[Part], ends: list[int], place: int, canvas: Canvas, digits: int) -> Sample:
    def number(place: int) -> int:
        index = next(index for index, end in enumerate(ends) if place < end)
        return parts[index].steps[place - ends[index]].number

    before = number(place - 1) if place else None
    after = None if canvas.opaque or place + 1 == ends[-1] else number(place + 1)
    # The frame before is stored whole, and is no part of what is measured.
    steps_before = max(0, place - 1)
    batch = ClipBatch(digits, (), None, after, steps_before, 0, canvas)
    return Sample(number(place), before, batch)


def measure_sample(handle: storage.FolderHandle, sample: Sample) -> tuple[bool, int]:
    """On a worker: whether it is the first step, and how many bytes it takes in the clip.

    Raises ChangedFrame or StorageError.
    """
    folder = storage.attach(handle)
    try:
        *_, last = make_clip_blocks(_SampleReader(folder, sample), sample.batch)
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
    return sample.before is None, sum(map(len, last.pieces))


def compare_sample(handle: storage.FolderHandle, sample: Sample) -> Likeness:
    """On a worker: how alike the frame and what the clip shows of it look, in the clip's size.

    Raises ChangedFrame or StorageError.
    """
    folder = storage.attach(handle)
    reader, canvas = _SampleReader(folder, sample), sample.batch.canvas
    try:
        images = make_clip_blocks(reader, sample.batch)
        head = gif.encode_header(canvas.size, canvas.color_table, 1, b"")
        pieces = [piece for image in images for piece in image.pieces]
        clip = b"".join([head, *pieces, bytes((gif.TRAILER,))])
        return imaging.likeness(clip, reader.read_image(sample.number))
    except MemoryError as error:
        raise out_of_memory(folder.url) from error


class _SampleReader(FrameReader):
    """Reads a frame and the one before it where a batch has many."""

    def __init__(self, folder: storage.Folder, sample: Sample) -> None:
        super().__init__(folder, sample.batch.digits)
        self._sample = sample

    def read_shown_frames(self, batch: ClipBatch) -> Iterator[ShownFrame]:
        for number in (self._sample.before, self._sample.number):
            if number is not None:
                image = self.read_placed(number, batch.canvas)
                yield ShownFrame(number, 0, image, 1, gif.displayed_cs(image.delay_cs))


def sample_colors(handle: storage.FolderHandle, sample: Sample) -> tuple[int, SampledColors]:
    """On a worker: the number of the frame, and its colors. Raises ChangedFrame or StorageError."""
    folder = storage.attach(handle)
    reader = FrameReader(folder, sample.batch.digits)
    image = reader.read_image(sample.number)
    try:
        return sample.number, SampledColors(image.color_table, imaging.shown_colors(image))
    except Undecodable as error:
        raise reader.damaged_frame(sample.number, error) from None
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
