"""The manifest: which frame files there are, and of what they were made.

It lies beside the frames. It is published first, to claim the folder for what
is being made, then now and then while batches finish, and last when all frames
exist. An interrupted run continues from it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif import bundles, storage
from luigi_gif.frames.duplicates import ComparedFrame, Duplicate, settle_duplicates
from luigi_gif.frames.frame_files import SUBFOLDER

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

MANIFEST = f"{SUBFOLDER}/manifest.json"


class Chunk(NamedTuple):
    """Neighbouring frames of a bundle, from one waypoint to the next."""

    first_number: int
    """Of the first frame."""
    frame_count: int
    start: int
    """Offset of the first frame in the bundle, in bytes."""
    end: int
    """Offset of the frame behind the last, in bytes, or the end of the bundle."""

    @property
    def numbers(self) -> range:
        """Of its frames."""
        return range(self.first_number, self.first_number + self.frame_count)

    @property
    def size_bytes(self) -> int:
        """Of the bundle."""
        return self.end - self.start

    @property
    def work(self) -> int:
        """In bytes to copy, a waypoint's at least: decoding small frames takes longer."""
        return max(self.size_bytes, bundles.WAYPOINT_WORK)


class SkippedFrame(NamedTuple):
    """A bad frame that is left out."""

    number: int
    offset: int
    """Of its first byte in the bundle."""
    reason: str


class UnwantedFrame(NamedTuple):
    """A good frame that is left out, as an option asks for it."""

    number: int
    offset: int
    """Of its first byte in the bundle."""
    reason: str
    option: str
    """Its name, such as "drop-blank"."""


class ChunkResult(NamedTuple):
    """The frame files of a chunk, as they were written."""

    size_bytes: int
    crc32: int
    """Of the files' bytes, one file after another."""
    width: int
    """Of the widest frame, in pixels."""
    height: int
    uniform: bool
    """Whether each frame has this size, and all of its pixels are opaque."""
    extra_images: int
    """Images beside the first of each frame; a clip shows the first."""
    short_delays: int
    """Frames whose own delay is shorter than any that players keep to."""
    duration_cs: int
    """How long all of them show, in hundredths of a second, each for its own delay."""
    skipped: list[SkippedFrame]
    notes: list[tuple[int, str]] = []  # noqa: RUF012 - never altered
    """Numbers of frames of which the user is to know something, and what."""
    unwanted: list[UnwantedFrame] = []  # noqa: RUF012
    duplicates: list[Duplicate] = []  # noqa: RUF012
    """They have files, but are not shown."""
    ends: list[ComparedFrame] = []  # noqa: RUF012
    """Where duplicates are looked for, the first and the last frame that has a file."""

    def file_numbers(self, chunk: Chunk) -> list[int]:
        """Numbers of the frames of its chunk that have a file."""
        without = {each.number for each in self.skipped} | {each.number for each in self.unwanted}
        return [number for number in chunk.numbers if number not in without]

    def file_count(self, chunk: Chunk) -> int:
        """How many frames of its chunk have a file."""
        return chunk.frame_count - len(self.skipped) - len(self.unwanted)

    def shown_numbers(self, chunk: Chunk) -> list[int]:
        """Numbers of the frames of its chunk that a clip shows."""
        duplicates = {frame.number for frame in self.duplicates}
        return [number for number in self.file_numbers(chunk) if number not in duplicates]


_FIRST_COLUMNS = len(ChunkResult._fields) - len(ChunkResult._field_defaults)
"""Of a result, which are always there."""


_FLAGS = ("counted", "damaged")


class EarlierFiles(NamedTuple):
    """Neighbouring frame files of an earlier manifest, which may be replaced or removed."""

    digits: int
    """Of the numbers in their names."""
    start: int
    end: int
    """The number behind the last."""


class Manifest(NamedTuple):
    """Which frame files there are, and of what they were made."""

    recipe: dict[str, object]
    sha256: str
    """Of the bundle."""
    chunks: list[Chunk]
    results: list[ChunkResult | None]
    """For each chunk, None until its frames exist."""
    unclaimed: set[int]
    """Indexes of chunks without a result under whose names files may lie that are the user's."""
    earlier: list[EarlierFiles]
    """What may be replaced or removed until all frames exist, in order."""
    counted: bool = False
    """Whether all GIFs were counted, however large the bundle is."""
    damaged: bool = False
    """Whether a later step found one that only looks whole, so that they have to be."""

    @property
    def frame_count(self) -> int:
        """How many frames there are to be."""
        return sum(chunk.frame_count for chunk in self.chunks)

    @property
    def shown_count(self) -> int:
        """How many frames a clip shows."""
        left_out = len(self.skipped) + len(self.unwanted) + len(self.duplicates)
        return self.frame_count - left_out

    @property
    def skipped(self) -> list[SkippedFrame]:
        """The bad frames that are left out."""
        return [frame for result in self.results if result for frame in result.skipped]

    @property
    def unwanted(self) -> list[UnwantedFrame]:
        """The good frames that are left out, but for duplicates."""
        return [frame for result in self.results if result for frame in result.unwanted]

    @property
    def duplicates(self) -> list[Duplicate]:
        """The frames with the same pixels as the one before, which are not shown."""
        return [frame for result in self.results if result for frame in result.duplicates]

    @property
    def reasons(self) -> list[tuple[int, str]]:
        """Why frames are not shown, by their numbers, in their order."""
        found = [(frame.number, frame.reason) for frame in self.skipped]
        found += [(frame.number, frame.reason) for frame in self.unwanted]
        found += [(frame.number, frame.reason) for frame in self.duplicates]
        return sorted(found)

    @property
    def notes(self) -> list[tuple[int, str]]:
        """Numbers of frames of which the user is to know something, and what."""
        return [note for result in self.results if result for note in result.notes]

    @property
    def screen_size(self) -> tuple[int, int]:
        """Of the smallest screen that holds every frame: width, height in pixels."""
        results = [each for each in self.results if each]
        return max(each.width for each in results), max(each.height for each in results)

    @property
    def uniform(self) -> bool:
        """Whether each frame alone decides every pixel of the clip."""
        size = self.screen_size
        shown = [each for each in self.results if each and each.size_bytes]
        return all(each.uniform and (each.width, each.height) == size for each in shown)

    def save(self, folder: storage.Folder) -> None:
        """Publish it in ``folder``. The names in the file are older than those in this class."""
        settle_duplicates(self.results)
        value: dict[str, object] = {
            "recipe": self.recipe,
            "sha256": self.sha256,
            "stretches": self.chunks,
            "written": [result and _row(result) for result in self.results],
        }
        if self.unclaimed or self.earlier:
            value |= {"unclaimed": sorted(self.unclaimed), "earlier": self.earlier}
        value |= {name: True for name in _FLAGS if getattr(self, name)}
        folder.write_json(MANIFEST, value, durable=False)


def load_manifest(folder: storage.Folder) -> Manifest | None:
    """The manifest of ``folder``, or None where there is none that can be read."""
    value = folder.read_json(MANIFEST)
    if value is None:
        return None
    try:
        manifest = Manifest(
            value["recipe"],
            value["sha256"],
            [Chunk(*chunk) for chunk in value["stretches"]],
            [result and _chunk_result(result) for result in value["written"]],
            set(value.get("unclaimed", ())),
            [EarlierFiles(*each) for each in value.get("earlier", ())],
            *(bool(value.get(name)) for name in _FLAGS),
        )
    except (KeyError, TypeError):
        return None
    return manifest if len(manifest.results) == len(manifest.chunks) else None


def _row(result: ChunkResult) -> list[Any]:
    """A chunk's result as it stands in the file, without what there is nothing of at its end.

    So a manifest is what it was before there was such a thing to note.
    """
    told = [(*frame, frame.reason) for frame in result.duplicates]  # for people
    row: list[Any] = list(result._replace(duplicates=told))  # type: ignore[arg-type]
    while len(row) > _FIRST_COLUMNS and not row[-1]:
        row.pop()
    return row


def _chunk_result(row: list[Any]) -> ChunkResult:
    result = ChunkResult(*row)
    duplicates: Any = result.duplicates
    return result._replace(
        skipped=[SkippedFrame(*frame) for frame in result.skipped],
        notes=[(number, text) for number, text in result.notes],
        unwanted=[UnwantedFrame(*frame) for frame in result.unwanted],
        duplicates=[Duplicate(*frame[:-1]) for frame in duplicates],
        ends=[ComparedFrame(*frame) for frame in result.ends],
    )


def new_manifest(
    recipe: dict[str, object], index: JsonObject, *, counted: bool = False
) -> Manifest:
    """The manifest before any frame is written, from what SplitFrames noted."""
    waypoints = index["waypoints"]
    beyond = [*waypoints[1:], (index["frames"], index["end"])]
    chunks = [
        Chunk(number, next_number - number, start, stop)
        for (number, start), (next_number, stop) in zip(waypoints, beyond, strict=True)
    ]
    return Manifest(recipe, index["sha256"], chunks, [None] * len(chunks), set(), [], counted)


def find_chunk_index(manifest: Manifest, number: int) -> int:
    """The index of the chunk that holds frame ``number``."""
    return bisect_right(manifest.chunks, number, key=lambda chunk: chunk.first_number) - 1


def earlier_among(
    earlier: Sequence[EarlierFiles], digits: int, numbers: range
) -> Sequence[EarlierFiles]:
    """Those of ``earlier``, which are in order and apart from each other, that hold such numbers.

    There may be as many as frames that were left out.
    """
    first = bisect_left(
        earlier, (digits, numbers.start), key=lambda each: (each.digits, each.end - 1)
    )
    beyond = bisect_left(
        earlier, (digits, numbers.stop), key=lambda each: (each.digits, each.start)
    )
    return earlier[first:beyond]


def is_earlier(earlier: Sequence[EarlierFiles], digits: int, number: int) -> bool:
    """Whether a frame file is one that may be replaced or removed."""
    return bool(earlier_among(earlier, digits, range(number, number + 1)))
