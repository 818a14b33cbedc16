"""Where each image of a bundle begins and ends.

A bundle is complete images, one after another, with four newlines
between them and perhaps at either end. Images are found by their own
structure, so a delimiter inside one does not break it. Where a bundle can be
split plainly, the result is that of
``[f for f in data.split(FRAME_DELIMITER) if f]``.

Pure code: it reads through a function and gives values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import gif
from luigi_gif.bundles import image_formats, signatures
from luigi_gif.bundles.bundle_window import FRAME_DELIMITER, PIECE_BYTES, MoreNeeded, Window
from luigi_gif.bundles.frame_end import find_frame_end
from luigi_gif.bundles.frame_span import FrameError, Span
from luigi_gif.errors import Malformed, Truncated

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

__all__ = [
    "BadFrame",
    "BundleIndex",
    "Frame",
    "FrameError",
    "IndexBuilder",
    "frames_in",
    "index_bundle",
    "iter_frames",
    "may_be_bundle",
    "whole_format",
]

WAYPOINT_WORK = 1 << 20
"""How much work may lie between waypoints: a byte to copy is 1."""
COPIED_FRAME_WORK = 1 << 10
DECODED_FRAME_WORK = 1 << 17
"""What a frame adds to its bytes: a GIF can be copied, another image must be decoded."""
LOOK_AHEAD_BYTES = image_formats.LONGEST_BEGINNING
MAX_WAYPOINTS = 1 << 14
"""Where a bundle would need more, they stand twice, four times ... as far apart."""


class Frame(NamedTuple):
    """One image of a bundle, or what stands where one should."""

    offset: int
    """Of its first byte in the bundle."""
    format: str
    """Its name; "unknown" where it does not begin as any."""
    data: bytes
    """The image as it stands in the bundle."""
    error: FrameError | None
    """None for an image whose structure is whole, or that only its decoder can judge."""
    is_whole: bool
    """Whether its structure ends well. Of a GIF or JPEG only the last bytes may be missing else."""


class BundleIndex(NamedTuple):
    """What a bundle holds, in a size that does not grow with it."""

    frame_count: int
    formats: dict[str, int]
    """How many frames there are of each format."""
    waypoints: list[tuple[int, int]]
    """Number and offset of a frame now and then, the first included: see WAYPOINT_WORK."""
    end: int
    """Offset behind the last frame."""
    empty: int = 0
    """How many frames have no byte: eight newlines or more stand between two others."""

    def to_json(self) -> JsonObject:
        """For a file; the keys there are older than the names in this class."""
        return {
            "frames": self.frame_count,
            "formats": self.formats,
            "waypoints": self.waypoints,
            "end": self.end,
            "empty": self.empty,
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> BundleIndex:
        """The index that :meth:`to_json` was called of."""
        frame_count, formats = value["frames"], value["formats"]
        return cls(frame_count, formats, value["waypoints"], value["end"], value.get("empty", 0))


class IndexBuilder:
    """Notes what a bundle holds, frame by frame."""

    def __init__(self) -> None:
        self._count = self._end = self._empty = 0
        self._formats: dict[str, int] = {}
        self._waypoints: list[tuple[int, int]] = []
        self._spacing = WAYPOINT_WORK
        self._work = 0
        """Since the last waypoint."""

    def add(self, offset: int, size: int, format_: str) -> None:
        """Note the next frame."""
        if not self._waypoints or self._work >= self._spacing:
            self._waypoints.append((self._count, offset))
            self._work = 0
        if self._count:
            self._empty += max(0, (offset - self._end) // len(FRAME_DELIMITER) - 1)
        self._count += 1
        self._end = offset + size
        self._formats[format_] = self._formats.get(format_, 0) + 1
        self._work += size + (COPIED_FRAME_WORK if format_ == "GIF" else DECODED_FRAME_WORK)
        if len(self._waypoints) > MAX_WAYPOINTS:
            self._waypoints = self._waypoints[::2]
            self._spacing *= 2

    def build(self) -> BundleIndex:
        """What the frames so far are."""
        return BundleIndex(self._count, self._formats, self._waypoints, self._end, self._empty)


class BadFrame(ValueError):
    """A frame is no image that can be used.

    Attributes
    ----------
    number : int
        Of the frame, counted from 0.
    offset : int
        Of its first byte in the bundle.
    frame_error : FrameError
        Why it cannot be used.
    """

    def __init__(self, number: int, offset: int, frame_error: FrameError) -> None:
        super().__init__(number, offset, frame_error)
        self.number = number
        self.offset = offset
        self.frame_error = frame_error

    def __str__(self) -> str:
        expected, got = self.frame_error
        return f"frame {self.number} at byte {self.offset:,}: expected {expected}, got {got}"


def iter_frames(read: Callable[[int], bytes]) -> Iterator[Frame]:
    """The frames of a bundle.

    An image ends where its structure does. Where that cannot be told, as it is
    damaged, it ends at the next delimiter that the beginning of an image
    follows, or with the bundle. No more is held in memory than a few pieces or
    a few times the largest frame.

    Parameters
    ----------
    read : callable
        ``read(n)`` returns about n more bytes, and b"" at the end only.

    Yields
    ------
    Frame
        Each frame, also one that cannot be used: see its ``error``.
    """
    return _frames(Window(), read, 0, None)


def frames_in(data: bytes, *, offset: int = 0, stop: int | None = None) -> Iterator[Frame]:
    """The frames of a bundle, or of a chunk of one that begins with a frame, in memory.

    Parameters
    ----------
    data : bytes
        The bundle or chunk.
    offset : int
        Of the first frame in the bundle, in bytes.
    stop : int, optional
        Offset of the frame behind the last one. LOOK_AHEAD_BYTES of what stands there tell
        where the last one ends.

    See Also
    --------
    iter_frames : Yields the same.
    """
    window = Window(None if stop is None else stop - offset)
    window.advance(0, data)
    window.at_end = True  # at once: else the last frame is looked at twice
    return _frames(window, lambda _: b"", offset, stop)


def _frames(
    window: Window, read: Callable[[int], bytes], offset: int, stop: int | None
) -> Iterator[Frame]:
    for begin_at, data, begin, (format_, end, error, is_whole) in _spans(window, read, offset):
        if stop is not None and begin_at >= stop:
            return
        yield Frame(begin_at, format_, data[begin:end], error, is_whole)


def _spans(
    window: Window, read: Callable[[int], bytes], offset: int
) -> Iterator[tuple[int, bytes, int, Span]]:
    """For each frame its offset, data in which it lies, its offset in these, and the rest."""
    position = 0
    while True:
        try:
            begin = window.after_newlines(position)
            if begin == len(window.data):
                return
            span = find_frame_end(window, begin)
        except MoreNeeded:
            piece = read(max(PIECE_BYTES, len(window.data) - position))
            window.advance(position, piece)
            position, offset = 0, offset + position
        else:
            yield offset + begin, window.data, begin, span
            position = span.end


def index_bundle(read: Callable[[int], bytes], *, strict: bool) -> BundleIndex:
    """Walk a bundle once, and note what it holds.

    Parameters
    ----------
    read : callable
        As that of :func:`iter_frames`.
    strict : bool
        Whether the first frame with an error ends the walk.

    Returns
    -------
    BundleIndex

    Raises
    ------
    BadFrame
        For that frame.
    """
    index = IndexBuilder()
    for number, (offset, _, begin, span) in enumerate(_spans(Window(), read, 0)):
        format_, end, error, _ = span
        if strict and error:
            raise BadFrame(number, offset, error)
        index.add(offset, end - begin, format_)
    return index.build()


def whole_format(data: bytes) -> str | None:
    """The format of data that are one image and nothing else, and not a damaged one.

    Behind one of these, walkers of a bundle find the same end, whatever follows the delimiter.
    None for anything of which that is not sure.
    """
    beginning = image_formats.BEGINNING.match(data)
    if beginning is None or FRAME_DELIMITER in data:
        return None
    format_ = str(beginning.lastgroup)
    if format_ == "GIF":
        return format_ if gif.is_one_image(data) else None
    known = image_formats.BY_NAME[format_]
    try:
        is_whole = known.has_end_mark and known.end(data, 0) == len(data)
    except (Truncated, Malformed):
        return None
    return format_ if is_whole else None


def begins_as_image(data: bytes) -> bool:
    """Whether data begin as an image that can be a frame."""
    return image_formats.BEGINNING.match(data) is not None


def may_be_bundle(data: bytes, *, strict: bool) -> bool:
    """Whether a source can be a bundle.

    Parameters
    ----------
    data : bytes
        Its first piece, or all of it.
    strict : bool
        Whether it must begin with an image. Else another may follow what is none: behind a
        delimiter, or behind the end of the piece.
    """
    if image_formats.BEGINNING.match(data.lstrip(b"\n")):
        return True
    if strict:
        return False
    window = Window()
    window.advance(0, data)
    if window.holds_image():
        return True
    return len(data) >= PIECE_BYTES and signatures.is_unknown(data)
