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
from luigi_gif.clips.sequence import ClipSequence
from luigi_gif.errors import Undecodable, out_of_memory

if TYPE_CHECKING:
    from luigi_gif.imaging import DistinctColors, Likeness

MAX_SAMPLES = 16
MIN_SAMPLES = 2
FRAMES_PER_SAMPLE = 12
"""Each reads the frame before it too, so all of them cost less than a fifth of the clip."""


class Sample(NamedTuple):
    """A step of the clip that is looked at, with some before it."""

    numbers: tuple[int, ...]
    """Of the frames that these show, one after another."""
    batch: ClipBatch
    """Without parts: what stands around them."""


class SampledColors(NamedTuple):
    """The colors of a frame."""

    color_table: bytes
    shown: DistinctColors


def plan_samples(
    sequence: ClipSequence,
    canvas: Canvas,
    digits: int,
    samples: int | None = None,
    lead: int = 1,
) -> list[Sample]:
    """The first step and some others, evenly spread; by default few enough for an estimate.

    Each comes with ``lead`` steps before it, of which the first is stored whole.
    """
    ends = list(accumulate(len(part.steps) for part in sequence.parts))
    count = ends[-1]
    if samples is None:
        samples = max(MIN_SAMPLES, min(MAX_SAMPLES, count // FRAMES_PER_SAMPLE))
    samples = min(samples, count - 1)
    places = [0, *(1 + (2 * each + 1) * (count - 1) // (2 * samples) for each in range(samples))]

    def number(place: int) -> int:
        index = next(index for index, end in enumerate(ends) if place < end)
        return sequence.parts[index].steps[place - ends[index]].number

    def sample(place: int) -> Sample:
        begin = max(0, place - lead)
        after = None if canvas.opaque or place + 1 == count else number(place + 1)
        batch = ClipBatch(digits, (), None, after, begin, 0, canvas)
        return Sample(tuple(map(number, range(begin, place + 1))), batch)

    return [sample(place) for place in places]


def measure_sample(handle: storage.FolderHandle, sample: Sample) -> tuple[bool, int]:
    """On a worker: whether it is the first step, and how many bytes it takes in the clip.

    Raises ChangedFrame or StorageError.
    """
    folder = storage.attach(handle)
    try:
        *_, last = make_clip_blocks(_SampleReader(folder, sample), sample.batch)
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
    return len(sample.numbers) == 1, sum(map(len, last.pieces))


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
        return imaging.likeness(clip, reader.read_image(sample.numbers[-1]))
    except MemoryError as error:
        raise out_of_memory(folder.url) from error


class _SampleReader(FrameReader):
    """Reads the frames of a sample where a batch has parts."""

    def __init__(self, folder: storage.Folder, sample: Sample) -> None:
        super().__init__(folder, sample.batch.digits)
        self._sample = sample

    def read_shown_frames(self, batch: ClipBatch) -> Iterator[ShownFrame]:
        for number in self._sample.numbers:
            image = self.read_placed(number, batch.canvas)
            yield ShownFrame(number, 0, image, 1, gif.displayed_cs(image.delay_cs))


def sample_colors(handle: storage.FolderHandle, sample: Sample) -> tuple[int, SampledColors]:
    """On a worker: the number of the frame, and its colors. Raises ChangedFrame or StorageError."""
    folder = storage.attach(handle)
    reader, number = FrameReader(folder, sample.batch.digits), sample.numbers[-1]
    image = reader.read_image(number)
    try:
        return number, SampledColors(image.color_table, imaging.shown_colors(image))
    except Undecodable as error:
        raise reader.damaged_frame(number, error) from None
    except MemoryError as error:
        raise out_of_memory(folder.url) from error
