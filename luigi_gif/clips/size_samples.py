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
    from luigi_gif.imaging import DistinctColors

MAX_SAMPLES = 16
MIN_SAMPLES = 2
FRAMES_PER_SAMPLE = 12
"""Each sample reads the frame before it too, so all of them cost less than a fifth of the clip."""


class Sample(NamedTuple):
    """A step of the clip whose size is looked at."""

    number: int
    """Of the frame that it shows."""
    batch: ClipBatch
    """Without parts: what stands around it."""


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
    def number(place: int) -> int | None:
        if not 0 <= place < ends[-1]:
            return None
        index = next(index for index, end in enumerate(ends) if place < end)
        return parts[index].steps[place - ends[index]].number

    shown = number(place)
    assert shown is not None
    after = None if canvas.opaque else number(place + 1)
    return Sample(shown, ClipBatch(digits, (), number(place - 1), after, place, 0, canvas))


def measure_sample(handle: storage.FolderHandle, sample: Sample) -> tuple[bool, int]:
    """On a worker: whether it is the first step, and how many bytes it takes in the clip.

    Raises ChangedFrame or StorageError.
    """
    folder = storage.attach(handle)
    reader = _SampleReader(folder, sample)
    try:
        images = make_clip_blocks(reader, sample.batch)
        size = sum(len(piece) for image in images for piece in image.pieces)
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
    return sample.batch.steps_before == 0, size


class _SampleReader(FrameReader):
    """Reads one frame where a batch has many."""

    def __init__(self, folder: storage.Folder, sample: Sample) -> None:
        super().__init__(folder, sample.batch.digits)
        self._number = sample.number

    def read_shown_frames(self, batch: ClipBatch) -> Iterator[ShownFrame]:
        image = self.read_placed(self._number, batch.canvas)
        yield ShownFrame(self._number, 0, image, 1, gif.displayed_cs(image.delay_cs))


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
