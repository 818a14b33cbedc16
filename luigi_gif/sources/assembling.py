"""Items to a bundle: complete images with four newlines between them.

So all that follows works the same, wherever the frames come from.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from isal import isal_zlib

from luigi_gif import bundles, frames
from luigi_gif.errors import MissingDecoder, Undecodable
from luigi_gif.sources.frame_choice import chosen_images
from luigi_gif.sources.frames_in_image import may_hold_frames
from luigi_gif.sources.item import Item, ItemError, Items, ReadResult, ReusedImages, place_digest
from luigi_gif.sources.left_out import is_named_as_image
from luigi_gif.sources.listing import Listing
from luigi_gif.sources.selection import Selection

if TYPE_CHECKING:
    from luigi_gif.imaging import SingleFrame

MAX_PIXELS = 178_956_970
"""Of a frame of an image of several; --max-megapixels may have less."""
MAX_ITEM_BYTES = 1 << 29
"""Of one image, which is held in memory."""
_BEGINNING_BYTES = 1 << 9
_OF_ONE_FRAME = ("GIF", "JPEG")
"""Formats of which one whole image is one frame; a PNG may be an animation."""


class BadItemError(Exception):
    """The item that ends the work, and why."""

    def __init__(self, item: Item, error: ItemError) -> None:
        super().__init__(item, error)
        self.item = item
        self.error = error


def may_be_image(source: Items, item: Item) -> bool:
    """Whether an item is a frame, or at least says so: by its name, else by its first bytes.

    Those of a store or a page, which cost a request each, are known by their names only; those
    of a list, of dated URLs and single files are what the user says.
    """
    source, item = source.source_of(item)
    if source.is_named_by_user(item):
        return True
    is_named = is_named_as_image(item.name)
    if is_named or not source.peeks:
        return is_named
    try:
        beginning = source.read(item, _BEGINNING_BYTES)
    except ItemError:
        return False
    return bundles.begins_as_image(beginning) or may_hold_frames(beginning)


def unusable_pictures(source: Items, item: Item) -> str | None:
    """What an item is that holds pictures of a kind which cannot be frames, and what to do."""
    source, item = source.source_of(item)
    try:
        beginning = source.read(item, bundles.BEGINNING_BYTES) if source.peeks else b""
    except ItemError:
        return None
    return bundles.unusable_pictures(beginning)


class Assembly:
    """Makes a bundle of items.

    Parameters
    ----------
    source : Items
        Where they can be read.
    strict : bool
        Whether the first item that cannot be used ends it with BadItemError; else a
        placeholder takes its place, which is a bad frame.
    """

    def __init__(self, source: Items, *, strict: bool) -> None:
        self.noted = Listing(frames.ItemSource)
        """The items so far; to be closed."""
        self._source = source
        self._strict = strict
        self._index: bundles.IndexBuilder | None = bundles.IndexBuilder()
        self._number = 0
        self._size = 0
        self.bad_items = 0
        """How many cannot be used."""

    @property
    def index(self) -> bundles.BundleIndex | None:
        """What the bundle holds; None where a look at all of it has to tell."""
        return None if self._index is None else self._index.build()

    def pieces(self, items: Iterable[Item]) -> Iterator[bytes]:
        """The pieces of a bundle of the images of these items, in their order."""
        for item, read in self._source.read_each(items, MAX_ITEM_BYTES + 1):
            first, bad_before = self._number, self.bad_items
            begin = self._size + len(bundles.FRAME_DELIMITER) * bool(first)
            crc32, formats = 0, []
            try:
                for image, format_ in self._images_of(item, read):
                    if self._number:
                        yield bundles.FRAME_DELIMITER
                    if self._number > first:
                        crc32 = isal_zlib.crc32(bundles.FRAME_DELIMITER, crc32)
                    crc32 = isal_zlib.crc32(image, crc32)
                    self._add(image, format_)
                    formats.append(format_)
                    yield image
            except BadItemError:
                # What has arrived of one that broke off is kept.
                if not isinstance(read, ItemError):
                    self._source.discard(item)
                raise
            sha256 = "" if self.bad_items > bad_before else _sha256_of(read)
            place = range(begin, max(begin, self._size))
            only = formats[0] if len(formats) == 1 else None
            self._note(item, sha256, first, place, crc32, only or "")

    def _images_of(self, item: Item, read: ReadResult) -> Iterator[tuple[bytes, str | None]]:
        """Each image, and its format where it is sure to be found as one frame."""
        if isinstance(read, bytes) and len(read) <= MAX_ITEM_BYTES:
            format_ = bundles.whole_format(read)
            if format_ and (format_ in _OF_ONE_FRAME or not may_hold_frames(read)):
                yield read, format_
                return
        if isinstance(read, ReusedImages) and read.noted.format:
            yield read.data, read.noted.format
            return
        for image in self._with_placeholder(item, images_of(read)):
            yield image, bundles.whole_format(image)

    def _with_placeholder(self, item: Item, images: Iterator[bytes]) -> Iterator[bytes]:
        """The images of an item, and a placeholder where one of them cannot be used."""
        try:
            yield from images
        except ItemError as error:
            if self._strict:
                raise BadItemError(item, error) from None
            self.bad_items += 1
            yield bundles.make_placeholder(item.name, error.expected, error.got)

    def _note(
        self, item: Item, sha256: str, first: int, place: range, crc32: int, format_: str
    ) -> None:
        """Note an item whose images are in the bundle, at these bytes."""
        self.noted.append(
            frames.ItemSource(
                first,
                item.name,
                item.time,
                place_digest(self._source.source_of(item)[1].place),
                item.version,
                sha256,
                place.start,
                len(place),
                crc32,
                format_,
            )
        )

    def _add(self, image: bytes, format_: str | None) -> None:
        """Note a frame, in front of which a delimiter stands unless it is the first."""
        if self._number:
            self._size += len(bundles.FRAME_DELIMITER)
        if format_ is None:
            self._index = None
        elif self._index is not None:
            self._index.add(self._size, len(image), format_)
        self._size += len(image)
        self._number += 1


def _sha256_of(read: ReadResult) -> str:
    """Of the bytes of an item, where they are at hand or were noted."""
    if isinstance(read, ReusedImages):
        return read.noted.sha256
    return hashlib.sha256(read).hexdigest() if isinstance(read, bytes) else ""


def images_of(data: ReadResult, selection: Selection | None = None) -> Iterator[bytes]:
    """The frames of an item: of an image of several frames each, as a browser shows it.

    With a selection only those that it takes.

    Raises ItemError where one is damaged, or there is none.
    """
    if isinstance(data, ItemError):
        raise data
    if isinstance(data, ReusedImages):
        for frame in bundles.frames_in(data.data):
            yield frame.data
        return
    if isinstance(data, Iterator):
        yield from data
        return
    if len(data) > MAX_ITEM_BYTES:
        raise ItemError(f"at most {MAX_ITEM_BYTES:,} bytes of an image", "more")
    frames = _single_frames(data)
    if frames is not None:

        def again() -> Iterator[SingleFrame]:
            return _single_frames(data) or iter(())

        yield from chosen_images(frames, again, selection or Selection())
        return
    if not bundles.begins_as_image(data):
        raise ItemError(f"an image ({', '.join(bundles.FORMATS)})", bundles.describe(data))
    for frame in bundles.frames_in(data):
        if frame.error:
            raise ItemError(*frame.error)
        yield frame.data


def _single_frames(data: bytes) -> Iterator[SingleFrame] | None:
    """The frames of an image of several; None for any other. Raises ItemError."""
    if not may_hold_frames(data):
        return None
    from luigi_gif import imaging  # NumPy and Pillow, which plain images do without here

    with _undecodable_as_bad():
        frames = imaging.single_frames(data, MAX_PIXELS)
    return None if frames is None else _judged(frames)


def _judged(frames: Iterator[SingleFrame]) -> Iterator[SingleFrame]:
    with _undecodable_as_bad():
        yield from frames


@contextlib.contextmanager
def _undecodable_as_bad() -> Iterator[None]:
    try:
        yield
    except (Undecodable, MissingDecoder) as error:
        raise ItemError(error.expected, error.got) from None
