"""The frame files to one clip.

Image data are copied as they are where every frame alone decides each pixel
of the clip. Else, and to store only what changes, workers write parts of the
clip beside the frames, and these are copied.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import zlib
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif import execution, frames, gif, settings, sources, storage
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    DamagedFileError,
    Malformed,
    Truncated,
    Undecodable,
    out_of_memory,
)

if TYPE_CHECKING:
    from luigi_gif import imaging

logger = logging.getLogger(f"{LUIGI_LOGGER}.clip")

_HEAD_BYTES = 4096
"""Enough for all that stands before the first image of a clip."""
_MARK = b"luigi_gif "
_NO_CRC32 = b"00000000"
_seen: dict[str, str | None] = {}
"""The version of each clip that was written or read whole, so that it is not read again."""


class Style(NamedTuple):
    """How a clip plays and is stored."""

    plays: int
    """How often; 0 is forever."""
    frame_duration_ms: int | None
    """For every frame; None leaves each its own."""
    only_changes: bool
    """Whether what did not change since the frame before is left out."""
    max_pixels: int
    """Of its canvas."""


class Found(NamedTuple):
    """What lies where a clip should."""

    whole: bool
    """Whether it is as it was written."""
    origin: dict[str, Any] | None
    """Of what this pipeline made it; None where it did not."""


class Canvas(NamedTuple):
    """What the images of a clip have in common."""

    size: tuple[int, int]
    """Width and height of the logical screen, in pixels."""
    opaque: bool
    """Whether each frame alone decides every pixel, so that none is ever transparent."""
    color_table: bytes
    """The global one: that of the first image."""
    style: Style


class Part(NamedTuple):
    """Neighbouring stretches, of which a worker makes blocks of the clip."""

    digits: int
    stretches: tuple[tuple[int, frames.Stretch, frames.Written], ...]
    """Each with its place in the manifest."""
    before: int | None
    """Number of the frame shown before the first; None where there is none."""
    after: int | None
    shown: int
    """How many frames are shown before the first."""
    canvas: Canvas


class PartFile(NamedTuple):
    """The blocks of one stretch, as a worker wrote them to a file."""

    place: int
    size: int
    """In bytes."""
    crc32: int


class WrittenPart(NamedTuple):
    """What a worker made of a part."""

    files: list[PartFile]
    digests: dict[int, str]
    """SHA-256 of frame files, by number: the part's first and last, and those beside it."""


class ChangedFrame(DamagedFileError):
    """The file of frame ``number`` is not what was written."""

    def __init__(self, number: int, path: str, got: str) -> None:
        super().__init__(
            "a frame file is not what was written",
            where=path,
            expected="the bytes that WriteFrames wrote",
            got=got,
            next_step="run again: it is written anew",
        )
        self.number = number

    def __reduce__(self) -> tuple[object, ...]:
        return ChangedFrame, (self.number, self.where, self.got)


def find(folder: storage.Folder, name: str) -> Found | None:
    """Look at the clip ``name``; None if it is not there, or empty and thus nobody's.

    One of this pipeline is read to its end, once for each of its versions.
    """
    try:
        head = folder.read(name, 0, _HEAD_BYTES)
        if not head:
            return None
        origin = _origin(gif.read_first_comment(head) or b"")
        return Found(origin is not None and _is_whole(folder, name), origin)
    except FileNotFoundError:  # or another run has just moved it
        return None


def combine(
    folder: storage.Folder,
    manifest: frames.Manifest,
    name: str,
    origin: dict[str, Any],
    style: Style,
    config: settings.dask,
) -> int:
    """Publish the clip ``name`` of the manifest's frames; its size in bytes.

    A clip that was altered since it was written may be the user's: it is set aside.

    Raises DamagedFileError where a frame file is not what was written; the
    manifest then says that it is missing. Raises BundleError, StorageError or
    ClusterError.
    """
    first_number = _check(folder, manifest, style)
    comment = _MARK + _NO_CRC32 + json.dumps(origin, separators=(",", ":")).encode()
    digests: dict[int, str] = {}
    try:
        first = _image(folder, first_number, frames.digits_for(manifest.frames), digests)
        canvas = Canvas(manifest.size, manifest.uniform, first.color_table, style)
        copied = manifest.uniform and not style.only_changes
        blocks = _copied if copied else _made_by_workers
        head = gif.encode_header(canvas.size, canvas.color_table, style.plays, comment)
        with folder.atomic_writer(name) as file:
            crc32 = zlib.crc32(head)
            file.write(head)
            with contextlib.closing(blocks(folder, manifest, canvas, config, digests)) as pieces:
                for piece in chain(pieces, [bytes((gif.TRAILER,))]):
                    crc32 = zlib.crc32(piece, crc32)
                    file.write(piece)
            size = file.tell()
            file.seek(head.index(_MARK) + len(_MARK))
            file.write(b"%08x" % crc32)
            _set_aside_if_altered(folder, name)
        _seen[folder.path(name)] = folder.version(name)
        return size
    except ChangedFrame as error:
        manifest.written[frames.stretch_of(manifest, error.number)] = None
        manifest.save(folder)
        raise
    except MemoryError as error:
        raise out_of_memory(folder.path(name)) from error


def write_part(shared: storage.FolderHandle, part: Part) -> WrittenPart:
    """On a worker: write the blocks of each stretch. Raises ChangedFrame or StorageError."""
    folder = storage.attach(shared)
    digests: dict[int, str] = {}
    files = []
    try:
        with folder.writer() as write:
            found = _blocks(folder, part, digests)
            for place, pieces in groupby(found, key=lambda block: block[0]):
                blocks = b"".join(piece for _, piece in pieces)
                write(shared.part_name(frames.SUBFOLDER, place), blocks)
                files.append(PartFile(place, len(blocks), zlib.crc32(blocks)))
    except MemoryError as error:
        raise out_of_memory(folder.path(frames.SUBFOLDER)) from error
    return WrittenPart(files, digests)


def _set_aside_if_altered(folder: storage.Folder, name: str) -> None:
    found = find(folder, name)
    if found is not None and not found.whole:
        aside = folder.path(folder.quarantine(name))
        logger.warning("%s is not as it was written: it is %s now", folder.path(name), aside)


def _origin(comment: bytes) -> dict[str, Any] | None:
    if not comment.startswith(_MARK):
        return None
    try:
        origin = json.loads(comment[len(_MARK) + len(_NO_CRC32) :])
    except ValueError:
        return None
    return origin if isinstance(origin, dict) else None


def _is_whole(folder: storage.Folder, name: str) -> bool:
    """Whether the checksum in a clip of this pipeline is that of its bytes."""
    path, version = folder.path(name), folder.version(name)
    if version == _seen.get(path, ""):
        return True
    with folder.open(name) as file:
        head = file.read(_HEAD_BYTES)
        begin = head.index(_MARK) + len(_MARK)
        end = begin + len(_NO_CRC32)
        crc32 = zlib.crc32(head[:begin] + _NO_CRC32 + head[end:])
        while piece := file.read(storage.COPY_BYTES):
            crc32 = zlib.crc32(piece, crc32)
    whole = head[begin:end] == b"%08x" % crc32
    if whole:
        _seen[path] = version
    return whole


def _check(folder: storage.Folder, manifest: frames.Manifest, style: Style) -> int:
    """Number of the first frame, once what is to be said of them was said. Raises BundleError."""
    first = _first_shown(manifest, 0)
    if first is None:
        skipped = manifest.skipped
        raise BundleError(
            "no frame of the bundle is usable",
            where=folder.path(frames.MANIFEST),
            expected="one at least",
            got=f"{len(skipped):,} bad ones; {skipped[0].reason}",
            next_step="mend the bundle at its source, delete it here, and run again",
        )
    width, height = manifest.size
    if width * height > style.max_pixels:
        raise BundleError(
            "the frames need too large a canvas",
            where=folder.path(frames.MANIFEST),
            expected=f"at most {style.max_pixels:,} pixels (see --max-megapixels)",
            got=f"{width}x{height}, from the widest frame and the tallest",
            next_step="give all frames one --size, or mend the bundle at its source",
        )
    hasty = sum(written.hasty for written in manifest.written if written)
    if hasty and style.frame_duration_ms is None:
        shown = "%d frames ask to show for less than 20 ms, which players do not do: they get 20 ms"
        logger.warning(shown, hasty)
    return first


def _copied(
    folder: storage.Folder,
    manifest: frames.Manifest,
    canvas: Canvas,
    _: settings.dask,
    digests: dict[int, str],
) -> Generator[bytes | memoryview, None, None]:
    everything = list(range(len(manifest.stretches)))
    for part in _parts(manifest, canvas, [everything]):
        found: dict[int, str] = {}
        yield from (block for _, block in _blocks(folder, part, found))
        _compare(folder, manifest, digests, found)


def _made_by_workers(
    folder: storage.Folder,
    manifest: frames.Manifest,
    canvas: Canvas,
    config: settings.dask,
    digests: dict[int, str],
) -> Generator[bytes | memoryview, None, None]:
    everything = list(range(len(manifest.stretches)))
    files: dict[int, PartFile] = {}
    with folder.share() as shared:
        try:
            with execution.open_executor(config, frames.work(manifest, everything)) as executor:
                runs = frames.runs(manifest, everything, executor.threads, config.batch_mib << 20)
                parts = _parts(manifest, canvas, runs)
                work = executor.run(partial(write_part, shared), parts)
                with contextlib.closing(work) as finished:
                    for written in finished:
                        files |= {file.place: file for file in written.files}
                        _compare(folder, manifest, digests, written.digests)
            yield from _read_parts(folder, shared, files)
        finally:
            for place in files:
                folder.remove(shared.part_name(frames.SUBFOLDER, place))


def _compare(
    folder: storage.Folder,
    manifest: frames.Manifest,
    digests: dict[int, str],
    found: dict[int, str],
) -> None:
    """Add to ``digests`` what another part found of frame files. Raises ChangedFrame.

    Each stretch is held against the manifest by whoever copies it. The frame before and
    behind it, and the first one, are read once more elsewhere: they must be the same then.
    """
    for number, digest in found.items():
        if digests.setdefault(number, digest) != digest:
            path = folder.path(frames.file_name(number, frames.digits_for(manifest.frames)))
            raise ChangedFrame(number, path, "other bytes from one moment to the next")


def _read_parts(
    folder: storage.Folder, shared: storage.FolderHandle, files: dict[int, PartFile]
) -> Iterator[bytes]:
    """The blocks of each stretch, in order, each removed behind it. Raises DamagedFileError."""
    names = {place: shared.part_name(frames.SUBFOLDER, place) for place in sorted(files)}
    contents = folder.read_many(names.values(), sources.WAYPOINT_WORK)
    for (place, name), blocks in zip(names.items(), contents, strict=True):
        _, size, crc32 = files[place]
        if blocks is None or len(blocks) != size or zlib.crc32(blocks) != crc32:
            raise DamagedFileError(
                "a part of the clip is not what a worker wrote",
                where=folder.path(name),
                expected=f"{size:,} bytes with the checksum {crc32:08x}",
                got="no file" if blocks is None else f"{len(blocks):,} other bytes",
                next_step="run again when nothing else changes the work directory",
            )
        yield blocks
        folder.remove(name)
        del files[place]


def _parts(manifest: frames.Manifest, canvas: Canvas, runs: Iterable[list[int]]) -> Iterator[Part]:
    digits = frames.digits_for(manifest.frames)
    before, shown = None, 0
    for run in runs:
        stretches = tuple(
            (index, manifest.stretches[index], _written(manifest, index)) for index in run
        )
        after = _first_shown(manifest, run[-1] + 1)
        yield Part(digits, stretches, before, after, shown, canvas)
        for _, stretch, written in stretches:
            numbers = _numbers(stretch, written)
            before = numbers[-1] if numbers else before
            shown += len(numbers)


def _written(manifest: frames.Manifest, index: int) -> frames.Written:
    written = manifest.written[index]
    assert written is not None
    return written


def _first_shown(manifest: frames.Manifest, index: int) -> int | None:
    """Number of the first frame that is shown of the stretches from ``index`` on."""
    for place in range(index, len(manifest.stretches)):
        if numbers := _numbers(manifest.stretches[place], _written(manifest, place)):
            return numbers[0]
    return None


def _numbers(stretch: frames.Stretch, written: frames.Written) -> list[int]:
    """Of the frames that are shown."""
    skipped = {frame.number for frame in written.skipped}
    everything = range(stretch.number, stretch.number + stretch.frames)
    return [number for number in everything if number not in skipped]


def _blocks(
    folder: storage.Folder, part: Part, digests: dict[int, str]
) -> Iterator[tuple[int, bytes | memoryview]]:
    """What stands in the clip for each image, with the place of its stretch in the manifest.

    ``digests`` gets those of a :class:`WrittenPart`.
    """
    canvas = part.canvas
    before, after = (
        None
        if number is None
        else _placed(_image(folder, number, part.digits, digests), canvas.size)
        for number in (part.before, part.after)
    )
    changes = _Changes(canvas.color_table)
    images = _neighbors(_images(folder, part, digests), before, after)
    for shown, (previous, frame, following) in enumerate(images, part.shown):
        execution.stop_if_cancelled()
        covered = following is None or following.fills_screen
        try:
            stored = _first(frame.image) if shown == 0 else frame.image
            # Pillow shows transparent pixels only where the first image has a transparent index.
            altered_first = shown == 0 and not canvas.opaque
            if altered_first or not (covered and stored.fills_screen):
                stored = _clearable(stored)
            elif canvas.style.only_changes and (shown > 1 or canvas.opaque):
                stored = changes.since(previous, stored)
        except Undecodable as error:  # WriteFrames, called again for it, looks closely
            path = folder.path(frames.file_name(frame.number, part.digits))
            got = f"damaged pixels (expected {error.expected}, got {error.got})"
            raise ChangedFrame(frame.number, path, got) from None
        yield (
            frame.place,
            gif.encode_image_blocks(
                stored,
                delay_cs=_delay_cs(canvas.style.frame_duration_ms, shown, stored.delay_cs),
                disposal=gif.DISPOSE_NOT if covered else gif.DISPOSE_TO_BACKGROUND,
                global_table=canvas.color_table,
            ),
        )
        yield frame.place, stored.data


def _neighbors(
    frames_: Iterator[_Frame], before: gif.Image | None, after: gif.Image | None
) -> Iterator[tuple[gif.Image | None, _Frame, gif.Image | None]]:
    """Each frame between the images shown before and after it."""
    current = next(frames_, None)
    while current is not None:
        following = next(frames_, None)
        yield before, current, following.image if following else after
        before, current = current.image, following


class _Changes:
    """Finds what changes from image to image, and decodes each once."""

    def __init__(self, global_table: bytes) -> None:
        self._global_table = global_table
        self._last: imaging.IndexedImage | None = None

    def since(self, previous: gif.Image | None, image: gif.Image) -> gif.Image:
        """What to store of ``image`` where ``previous`` was left in place. Raises Undecodable."""
        from luigi_gif import imaging  # NumPy and Pillow, which copying does without

        if previous is None or not previous.fills_screen:
            return image
        last, self._last = self._last, None
        if last is None or last.image is not previous:
            try:
                last = imaging.IndexedImage.of(previous)
            except Undecodable:  # whoever stores it tells
                return image
        self._last = imaging.IndexedImage.of(image)
        return imaging.encode_delta(last, self._last, self._global_table)


def _first(image: gif.Image) -> gif.Image:
    """The image with a color table by which Pillow does not take the clip for a gray one.

    It does where each color of the first table is as gray as its index, and
    shows frames of other colors wrongly. Raises Undecodable.
    """
    if not gif.is_gray_ramp(image.color_table):
        return image
    from luigi_gif.imaging import reorder_colors

    return reorder_colors(image)


def _clearable(image: gif.Image) -> gif.Image:
    """The image with a transparent index: decoders agree only then on clearing it.

    Raises Undecodable.
    """
    from luigi_gif.imaging import make_clearable

    return make_clearable(image)


def _delay_cs(frame_duration_ms: int | None, shown: int, own: int) -> int:
    """In hundredths of a second, for the frame before which so many are shown.

    The roundings of a duration do not add up.
    """
    if frame_duration_ms is None:
        return gif.displayed_cs(own)
    return round((shown + 1) * frame_duration_ms / 10) - round(shown * frame_duration_ms / 10)


class _Frame(NamedTuple):
    number: int
    place: int
    """Of its stretch in the manifest."""
    image: gif.Image
    """On the canvas of the clip."""


def _images(folder: storage.Folder, part: Part, digests: dict[int, str]) -> Iterator[_Frame]:
    """The frames of a part, each stretch held against the manifest. Raises ChangedFrame."""
    ends = _ends(part)
    contents = folder.read_many(
        (
            frames.file_name(number, part.digits)
            for _, stretch, written in part.stretches
            for number in _numbers(stretch, written)
        ),
        sum(written.bytes for _, _, written in part.stretches)
        // sum(stretch.frames for _, stretch, _ in part.stretches),
    )
    for place, stretch, written in part.stretches:
        numbers = _numbers(stretch, written)
        files = [
            _there(folder, number, part.digits, content)
            for number, content in zip(numbers, islice(contents, len(numbers)), strict=True)
        ]
        images = [
            _placed(_first_image(folder, number, part.digits, file), part.canvas.size)
            for number, file in zip(numbers, files, strict=True)
        ]
        crc32 = 0
        for file in files:
            crc32 = zlib.crc32(file, crc32)
        if crc32 != written.crc32:
            got = f"other bytes, in it or in a file up to number {numbers[-1]}"
            path = folder.path(frames.file_name(numbers[0], part.digits))
            raise ChangedFrame(numbers[0], path, got)
        digests |= {
            number: hashlib.sha256(file).hexdigest()
            for number, file in zip(numbers, files, strict=True)
            if number in ends
        }
        yield from map(_Frame, numbers, [place] * len(numbers), images)


def _ends(part: Part) -> set[int]:
    """Numbers of the first and the last frame that a part shows, if it shows any."""
    ends = set()
    for stretches, end in ((part.stretches, 0), (part.stretches[::-1], -1)):
        shown = (_numbers(stretch, written) for _, stretch, written in stretches)
        ends |= {numbers[end] for numbers in islice(filter(None, shown), 1)}
    return ends


def _image(folder: storage.Folder, number: int, digits: int, digests: dict[int, str]) -> gif.Image:
    """The image of a frame file, whose SHA-256 is added to ``digests``. Raises ChangedFrame."""
    (content,) = folder.read_many([frames.file_name(number, digits)], 1)
    file = _there(folder, number, digits, content)
    digests[number] = hashlib.sha256(file).hexdigest()
    return _first_image(folder, number, digits, file)


def _there(folder: storage.Folder, number: int, digits: int, content: bytes | None) -> bytes:
    """The content of a frame file. Raises ChangedFrame where there is none."""
    if content is None:
        raise ChangedFrame(number, folder.path(frames.file_name(number, digits)), "no file")
    return content


def _first_image(folder: storage.Folder, number: int, digits: int, file: bytes) -> gif.Image:
    try:
        return gif.read_first_image(file)[0]
    except (Truncated, Malformed) as error:
        path = folder.path(frames.file_name(number, digits))
        raise ChangedFrame(number, path, str(error) or "a GIF that is cut off") from None


def _placed(image: gif.Image, screen: tuple[int, int]) -> gif.Image:
    """The image in the middle of a larger screen."""
    if image.screen == screen:
        return image
    left, top = image.position
    width, height = image.extent
    position = (left + (screen[0] - width) // 2, top + (screen[1] - height) // 2)
    return image._replace(screen=screen, position=position)
