"""The frame files: plan batches of them, write one batch, keep the manifest.

The manifest lies beside the frames. It is published first, to claim the
folder for what is being made, then now and then while batches finish, and
last when all are there; an interrupted run goes on from it.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import re
import time
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif import execution, gif, settings, sources, storage
from luigi_gif.errors import (
    LUIGI_LOGGER,
    BundleError,
    ForeignFileError,
    Malformed,
    StorageError,
    Undecodable,
    out_of_memory,
)

if TYPE_CHECKING:
    from luigi_gif.imaging import CommonPalette
    from luigi_gif.integrations import ProgressReporter

logger = logging.getLogger(f"{LUIGI_LOGGER}.frames")

SUBFOLDER = "frames"
MANIFEST = f"{SUBFOLDER}/manifest.json"
CHECKPOINT_S = 5.0
SEVERAL_IMAGES = "several images, of which the first is shown"
MAX_NAMED = 10
"""Frames in a warning; the manifest names all of them."""
MAX_COUNTED_BYTES = 1 << 21
"""Of a bundle whose GIFs are all counted: 2 MiB take some 0.1 s. It is the bundle that decides, so
that the same frames are found bad wherever and however they are written."""
COUNTING_THREADS = 2
BATCHES_PER_THREAD = 8

_FRAME_NAME = re.compile(r"frame_([0-9]+)\.gif")


Made = tuple[bytes, gif.Image, int, list[str]]
"""A frame as the bytes of its file, the image in it, how many it has, and what to note of it."""


class Stretch(NamedTuple):
    """Neighbouring frames of a bundle, from one waypoint to the next."""

    number: int
    """Of the first frame."""
    frames: int
    """How many."""
    start: int
    """Offset of the first frame in the bundle, in bytes."""
    end: int
    """Offset of the frame behind the last, in bytes, or the end of the bundle."""

    @property
    def size(self) -> int:
        """In bytes of the bundle."""
        return self.end - self.start

    @property
    def work(self) -> int:
        """As much as the bytes between waypoints at least: decoding small frames takes longer."""
        return max(self.size, sources.WAYPOINT_WORK)


class Skipped(NamedTuple):
    """A frame that is left out."""

    number: int
    offset: int
    """Of its first byte in the bundle."""
    reason: str


class Written(NamedTuple):
    """The frame files of a stretch, as they were written."""

    bytes: int
    crc32: int
    """Of the files' bytes, one file after another."""
    width: int
    """Of the widest frame, in pixels."""
    height: int
    uniform: bool
    """Whether each frame has this size, and all of its pixels are opaque."""
    surplus: int
    """Images beside the first of each frame; a clip shows the first."""
    hasty: int
    """Frames whose own delay is shorter than any that players keep to."""
    delay_cs: int
    """How long all of them show, in hundredths of a second, each for its own delay."""
    skipped: list[Skipped]
    notes: list[tuple[int, str]] = []  # noqa: RUF012 - never altered
    """Numbers of frames of which the user is to know something, and what."""


class Look(NamedTuple):
    """How the frames are to be made."""

    width: int | None
    """In pixels; None follows from the height, or is that of the image."""
    height: int | None
    quality: str
    """For images of more than 256 colors, "fast" or "best"."""
    max_pixels: int
    """In a frame; larger ones are bad."""
    skip_bad: bool
    """Whether a bad frame is left out, or ends the work."""
    count_pixels: bool = True
    """Whether the codes of each GIF that is copied are counted, or only looked over."""
    copying: bool = False
    """Whether all frames are GIFs that are copied as they are."""
    palette: str = "frame"
    """One for each "frame", one for the "clip", or "auto": one where much stands still."""
    common_palette: CommonPalette | None = None
    """The one for the clip, once it is chosen."""

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height in pixels that an image of this size is to have."""
        if self.width is None and self.height is None:
            return size
        width = self.width or round(size[0] * (self.height or 0) / size[1])
        height = self.height or round(size[1] * (self.width or 0) / size[0])
        return max(1, width), max(1, height)


class Earlier(NamedTuple):
    """Neighbouring frame files of an earlier manifest, which may be replaced or removed."""

    digits: int
    """Of the numbers in their names."""
    start: int
    end: int
    """The number behind the last."""


class Task(NamedTuple):
    """A stretch that is to be written."""

    place: int
    """In the manifest."""
    stretch: Stretch
    begun: bool
    """Whether some of its frame files are there."""
    unclaimed: bool
    """Whether some lay there before any manifest had claimed their names: they are the user's."""
    earlier: tuple[Earlier, ...]
    """Which of them may be replaced all the same."""


class Done(NamedTuple):
    """A stretch that is written."""

    place: int
    written: Written
    new: int
    """How many frame files were not there before, or were others."""
    aside: list[str]
    """New names of files that were set aside, as they were altered."""


class Batch(NamedTuple):
    """What one worker does at a time; it reads and writes the bytes itself."""

    data_file: str
    digits: int
    look: Look
    tasks: tuple[Task, ...]


class Manifest(NamedTuple):
    """Which frame files there are, and of what they were made."""

    recipe: dict[str, Any]
    sha256: str
    """Of the bundle."""
    stretches: list[Stretch]
    written: list[Written | None]
    """For each stretch, None until its frames are there."""
    unclaimed: set[int]
    """Stretches that are not there yet, in whose place files lie that may be the user's."""
    earlier: list[Earlier]
    """What may be replaced or removed until all is there."""

    @property
    def frames(self) -> int:
        """How many there are to be."""
        return sum(stretch.frames for stretch in self.stretches)

    @property
    def skipped(self) -> list[Skipped]:
        """The frames that are left out."""
        return [frame for written in self.written if written for frame in written.skipped]

    @property
    def notes(self) -> list[tuple[int, str]]:
        """Numbers of frames of which the user is to know something, and what."""
        return [note for written in self.written if written for note in written.notes]

    @property
    def size(self) -> tuple[int, int]:
        """Of the smallest screen that holds every frame: width, height in pixels."""
        written = [each for each in self.written if each]
        return max(each.width for each in written), max(each.height for each in written)

    @property
    def uniform(self) -> bool:
        """Whether each frame alone decides every pixel of the clip."""
        size = self.size
        shown = [each for each in self.written if each and each.bytes]
        return all(each.uniform and (each.width, each.height) == size for each in shown)

    def save(self, folder: storage.Folder) -> None:
        """Publish it in ``folder``."""
        value: dict[str, Any] = {
            "recipe": self.recipe,
            "sha256": self.sha256,
            "stretches": self.stretches,
            # As long as there is nothing to note, manifests are what they were without notes.
            "written": [each if each is None or each.notes else each[:-1] for each in self.written],
        }
        if self.unclaimed or self.earlier:
            value |= {"unclaimed": sorted(self.unclaimed), "earlier": self.earlier}
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
            [Stretch(*stretch) for stretch in value["stretches"]],
            [written and _written(*written) for written in value["written"]],
            set(value.get("unclaimed", ())),
            [Earlier(*each) for each in value.get("earlier", ())],
        )
    except (KeyError, TypeError):
        return None
    return manifest if len(manifest.written) == len(manifest.stretches) else None


def _written(*values: Any) -> Written:
    written = Written(*values)
    skipped = [Skipped(*frame) for frame in written.skipped]
    return written._replace(
        skipped=skipped, notes=[(number, text) for number, text in written.notes]
    )


def blank_manifest(recipe: dict[str, Any], index: dict[str, Any]) -> Manifest:
    """The manifest before any frame is written, from what SplitFrames noted."""
    waypoints = index["waypoints"]
    beyond = [*waypoints[1:], (index["frames"], index["end"])]
    stretches = [
        Stretch(number, next_number - number, start, stop)
        for (number, start), (next_number, stop) in zip(waypoints, beyond, strict=True)
    ]
    return Manifest(recipe, index["sha256"], stretches, [None] * len(stretches), set(), [])


def stretch_of(manifest: Manifest, number: int) -> int:
    """The place in the manifest of the stretch that holds frame ``number``."""
    return bisect_right(manifest.stretches, number, key=lambda stretch: stretch.number) - 1


def file_name(number: int, digits: int) -> str:
    """The name of a frame's file inside the work directory."""
    return f"{SUBFOLDER}/frame_{number:0{digits}d}.gif"


def digits_for(count: int) -> int:
    """How many digits the names of ``count`` frame files have."""
    return max(2, len(str(count - 1)))


def _prefixes(digits: int) -> Iterator[str]:
    """Beginnings of the names of all frame files, each that of 100,000 at the most."""
    leading = digits - 5
    if leading <= 0:
        yield ""
    else:
        yield from (f"frame_{number:0{leading}d}" for number in range(10**leading))


def numbers_there(folder: storage.Folder, manifest: Manifest) -> Iterator[int]:
    """The numbers of the manifest's frames whose files are there, in any order."""
    digits = digits_for(manifest.frames)
    for name, _ in folder.entries(SUBFOLDER, _prefixes(digits)):
        frame = _FRAME_NAME.fullmatch(name)
        if frame and len(frame[1]) == digits and int(frame[1]) < manifest.frames:
            yield int(frame[1])


def is_earlier(earlier: Iterable[Earlier], digits: int, number: int) -> bool:
    """Whether a frame file is one that may be replaced or removed."""
    return any(each.digits == digits and each.start <= number < each.end for each in earlier)


class Listing(NamedTuple):
    """What one listing of the frame files says."""

    missing: list[int]
    """The stretches whose files are not all there in their full size."""
    begun: set[int]
    """Those of them that have some files."""
    strays: list[str]
    """Names of frame files of an earlier run that belong to none."""


def listing(folder: storage.Folder, manifest: Manifest) -> Listing:
    """Hold the frame files against the manifest; no file is opened.

    Files under other names than those of frames are the user's, and are left out; so are
    frames that neither this manifest nor an earlier one has claimed.
    """
    count = manifest.frames
    digits = digits_for(count)
    firsts = [stretch.number for stretch in manifest.stretches]
    found = [[0, 0] for _ in firsts]
    strays = []
    for name, size in folder.entries(SUBFOLDER, _prefixes(digits)):
        if frame := _FRAME_NAME.fullmatch(name):
            number = int(frame[1])
            if number < count and len(frame[1]) == digits:
                place = found[bisect_right(firsts, number) - 1]
                place[0] += 1
                place[1] += size
            elif is_earlier(manifest.earlier, len(frame[1]), number):
                strays.append(name)
    missing = [
        index
        for index, (stretch, written) in enumerate(
            zip(manifest.stretches, manifest.written, strict=True)
        )
        if written is None or found[index] != [stretch.frames - len(written.skipped), written.bytes]
    ]
    return Listing(missing, {index for index in missing if found[index][0]}, strays)


def write_missing(
    folder: storage.Folder,
    data_file: str,
    manifest: Manifest,
    look: Look,
    config: settings.dask,
    watch: ProgressReporter,
) -> int:
    """Write what is missing of the frame files, and the manifest; how many were written.

    A file that is there already as it is to be is left alone. Another one is set
    aside, or ends the work where no manifest had claimed its name. Call it only
    when the folder is locked.

    Raises BundleError, ForeignFileError, StorageError or ClusterError.
    """
    todo = listing(folder, manifest)
    if load_manifest(folder) is None:
        manifest.unclaimed.update(todo.begun)
    for name in todo.strays:
        folder.remove(f"{SUBFOLDER}/{name}")
    for place in todo.missing:
        manifest.written[place] = None
    manifest.save(folder)
    missing = sum(manifest.stretches[place].frames for place in todo.missing)
    count, there, size, saved = 0, manifest.frames - missing, 0, time.monotonic()
    aside: list[str] = []
    try:
        with (
            folder.share() as shared,
            execution.open_executor(
                config, work(manifest, todo.missing), copying=look.copying
            ) as executor,
            watch.progress("frames", manifest.frames, there) as progress,
        ):
            if executor.dashboard:
                watch.link(executor.dashboard)
            tasks = _tasks(manifest, todo, executor.threads, config.batch_mib << 20)
            digits = digits_for(manifest.frames)
            bundle_size = sum(stretch.size for stretch in manifest.stretches)
            look = look._replace(count_pixels=bundle_size <= MAX_COUNTED_BYTES)
            if look.palette != "frame":
                from luigi_gif.frames import (
                    palette_choice,  # NumPy and Pillow, which plain GIFs do without
                )

                chosen = palette_choice.choose_palette(shared, executor, data_file, manifest, look)
                look = look._replace(common_palette=chosen)
            batches = (Batch(data_file, digits, look, each) for each in tasks)
            write = partial(write_batch, shared)
            with contextlib.closing(executor.run(write, batches)) as finished:
                for results in finished:
                    for place, written, new, moved in results:
                        manifest.written[place] = written
                        manifest.unclaimed.discard(place)
                        count += new
                        aside += moved
                        there += manifest.stretches[place].frames
                        size += written.bytes
                    progress(there, size)
                    if time.monotonic() - saved >= CHECKPOINT_S:
                        manifest.save(folder)
                        saved = time.monotonic()
        manifest.earlier.clear()
    finally:
        manifest.save(folder)
        warn_of_altered(folder, aside)
    _warn(folder, manifest)
    return count


def write_batch(shared: storage.FolderHandle, batch: Batch) -> list[Done]:
    """On a worker: write the frame files of a batch. Raises BundleError or StorageError."""
    folder = storage.attach(shared)
    try:
        with folder.writer() as write:
            return [_write_stretch(folder, write, batch, task) for task in batch.tasks]
    except MemoryError as error:
        raise out_of_memory(folder.path(batch.data_file)) from error


def bundle_error(error: sources.BadFrame, path: str) -> BundleError:
    """What to tell the user of a bad frame in the bundle at ``path``."""
    return BundleError(
        f"frame {error.number} of the bundle is not usable",
        where=f"{path}, at byte {error.offset:,}",
        expected=error.frame_error.expected,
        got=error.frame_error.got,
        next_step="mend the bundle at its source, delete this file, and run again, "
        "or leave such frames out with --on-bad-frame skip",
    )


def changed_error(path: str) -> BundleError:
    """What to tell the user of a bundle at ``path`` that is not what it was."""
    return BundleError(
        "the bundle changed while it was used",
        where=path,
        expected="the bundle that was there at first",
        got="another one",
        next_step="run again when nobody writes to it",
    )


def warn_of_altered(folder: storage.Folder, aside: list[str]) -> None:
    """Tell the user of frame files that were set aside, if there are any."""
    if aside:
        shown = "%d frame files were not what this pipeline wrote: the first is %s now"
        logger.warning(shown, len(aside), folder.path(aside[0]))


def _warn(folder: storage.Folder, manifest: Manifest) -> None:
    noted: dict[str, list[int]] = {}
    for number, text in manifest.notes:
        noted.setdefault(text, []).append(number)
    several = noted.pop(SEVERAL_IMAGES, [])
    surplus = sum(written.surplus for written in manifest.written if written)
    if surplus:
        message = "%d images are left out: a clip shows the first of each frame%s"
        logger.warning(message, surplus, f" ({_named(several)})" if several else "")
    for text, numbers in noted.items():
        shown = "%d of %d frames: %s (%s)"
        logger.warning(shown, len(numbers), manifest.frames, text, _named(numbers))
    if skipped := manifest.skipped:
        message = "%d of %d frames are bad and left out, as %s says; the first is %s"
        path = folder.path(MANIFEST)
        logger.warning(message, len(skipped), manifest.frames, path, skipped[0].reason)


def _named(numbers: list[int]) -> str:
    """Frames, by their numbers."""
    more = f" and {len(numbers) - MAX_NAMED} more" if len(numbers) > MAX_NAMED else ""
    return f"frames {', '.join(map(str, numbers[:MAX_NAMED]))}{more}"


def _write_stretch(
    folder: storage.Folder, write: Callable[[str, bytes], None], batch: Batch, task: Task
) -> Done:
    stretch = task.stretch
    stop = stretch.end + sources.LOOK_AHEAD_BYTES
    data = folder.read_uncached(batch.data_file, stretch.start, stop)
    # Frames that are there already may be here again because their pixels were found damaged.
    look = batch.look._replace(count_pixels=batch.look.count_pixels or task.begun)
    size, crc32, surplus, hasty, delay_cs, new, number = 0, 0, 0, 0, 0, 0, stretch.number - 1
    extents: set[tuple[int, int]] = set()
    opaque = True
    skipped: list[Skipped] = []
    notes: list[tuple[int, str]] = []
    aside: list[str] = []
    made_frames = _made(frames_of(data, stretch), stretch.number, look)
    for number, (made, there) in enumerate(
        zip(made_frames, _there(folder, batch, task), strict=False), stretch.number
    ):
        execution.stop_if_cancelled()
        if isinstance(made, sources.BadFrame):
            if not batch.look.skip_bad:
                raise bundle_error(made, folder.path(batch.data_file)) from None
            skipped.append(Skipped(number, made.offset, str(made)))
            if there is not None:
                aside += _spared(folder, batch, task, number, there)
                folder.remove(file_name(number, batch.digits))
            continue
        file, image, images, noted = made
        if file != there:
            aside += _spared(folder, batch, task, number, there)
            write(file_name(number, batch.digits), file)
            new += 1
        size += len(file)
        crc32 = zlib.crc32(file, crc32)
        extents.add(image.extent)
        opaque &= image.fills_screen
        surplus += images - 1
        notes += [(number, text) for text in noted + [SEVERAL_IMAGES] * (images > 1)]
        hasty += 0 < image.delay_cs < gif.MIN_DELAY_CS
        delay_cs += gif.displayed_cs(image.delay_cs)
    if number != stretch.number + stretch.frames - 1:
        raise changed_error(folder.path(batch.data_file))
    width = max((extent[0] for extent in extents), default=0)
    height = max((extent[1] for extent in extents), default=0)
    uniform = opaque and len(extents) == 1
    written = Written(size, crc32, width, height, uniform, surplus, hasty, delay_cs, skipped, notes)
    return Done(task.place, written, new, aside)


def _spared(
    folder: storage.Folder, batch: Batch, task: Task, number: int, there: bytes | None
) -> list[str]:
    """The new name of what lay in the place of a frame's file, if it may be the user's.

    Raises ForeignFileError where it surely is.
    """
    if not there or is_earlier(task.earlier, batch.digits, number):
        return []
    name = file_name(number, batch.digits)
    if task.unclaimed:
        raise ForeignFileError(
            "the place of a frame file is taken by a file that this pipeline did not make",
            where=folder.path(name),
            expected=f"no file, or the very bytes of frame {number}",
            got="another file, which is left as it is",
            next_step="move it away, or name another --workdir",
        )
    with contextlib.suppress(FileNotFoundError):  # where two workers do the same
        return [folder.quarantine(name)]
    return []


def _there(folder: storage.Folder, batch: Batch, task: Task) -> Iterator[bytes | None]:
    """For each frame of a stretch, its file, or None where there is none; then None."""
    if task.begun:
        first, count = task.stretch.number, task.stretch.frames
        names = (file_name(number, batch.digits) for number in range(first, first + count))
        yield from folder.read_many(names, task.stretch.size // count)
    yield from repeat(None)


def _made(
    frames: Iterator[sources.Frame], number: int, look: Look
) -> Iterable[Made | sources.BadFrame]:
    """What becomes of each frame, the first of which has this number."""

    def make(numbered: tuple[int, sources.Frame]) -> Made | sources.BadFrame:
        try:
            return _one_image_gif(*numbered, look)
        except sources.BadFrame as error:
            return error

    # Pillow counts without the interpreter's lock, so threads help, but not one of several
    # processes on this machine (Luigi's or Dask's workers), which are as many as there are cores.
    # What is held meanwhile is no more than what was read.
    if not (look.copying and look.count_pixels) or multiprocessing.parent_process() is not None:
        return map(make, enumerate(frames, number))
    with ThreadPoolExecutor(COUNTING_THREADS, "count") as pool:
        return list(pool.map(make, enumerate(frames, number)))


def _one_image_gif(number: int, frame: sources.Frame, look: Look) -> Made:
    """What is made of a frame.

    A GIF of one image that needs no other size is taken as it is; of more, the
    first is copied. All else is decoded, and a GIF without its last bytes or with too many pixels.

    Raises bundle.BadFrame.
    """
    if frame.error:
        raise sources.BadFrame(number, frame.offset, frame.error)
    fault, image = None, None
    if frame.format == "GIF":
        try:
            image, images = gif.read_first_image(frame.data, is_whole=frame.is_whole)
        except Malformed as error:
            got = f"{error.got} {error.offset:,} bytes into it"
            fault = sources.FrameError(error.expected, got)
        else:
            pixels = image.extent[0] * image.extent[1]
            fits = look.fitted(image.extent) == image.extent and pixels <= look.max_pixels
            if fits and frame.is_whole:
                counted = None
                if look.count_pixels or not gif.looks_whole(image.data):
                    counted = gif.count_image_pixels(image.data, image.size)
                    if fault := _damage(image, counted):
                        raise sources.BadFrame(number, frame.offset, fault)
                # ImageMagick shows nothing of a clip with an image of too many pixels.
                if counted is None or counted.pixels <= image.size[0] * image.size[1]:
                    copied = frame.data if images == 1 else gif.encode_single(image)
                    return copied, image, images, []
    from luigi_gif import imaging  # NumPy and Pillow, which plain GIFs do without

    how = (look.fitted, look.quality, look.max_pixels, look.common_palette)
    notes: list[str] = []
    try:
        if image is None:
            image, images, notes = imaging.to_gif(frame.data, *how)
        else:
            image = imaging.resize_image(image, *how)
    except Undecodable as error:
        fault = fault or (image and _damage(image, gif.count_image_pixels(image.data, image.size)))
        undecodable = sources.FrameError(error.expected, f"{frame.format} data: {error.got}")
        raise sources.BadFrame(number, frame.offset, fault or undecodable) from None
    except OSError as error:
        raise StorageError(
            "a frame cannot be decoded on this machine",
            where=f"frame {number}",
            expected="what a decoder needs of the system",
            got=str(error),
            next_step="mend the cause, and run again",
        ) from error
    return gif.encode_single(image), image, images, notes


def _damage(image: gif.Image, counted: gif.PixelCount) -> sources.FrameError | None:
    """What is wrong with image data, where they do not give all of their pixels."""
    width, height = image.size
    if not counted.end:
        return None
    got = f"{counted.pixels:,} before {counted.end}"
    return sources.FrameError(f"image data of {width}x{height} = {width * height:,} pixels", got)


def frames_of(data: bytes, stretch: Stretch) -> Iterator[sources.Frame]:
    """The frames that these bytes of a stretch hold."""
    pieces = iter((data,))
    return sources.iter_frames(lambda _: next(pieces, b""), offset=stretch.start, stop=stretch.end)


def _tasks(
    manifest: Manifest, todo: Listing, threads: int, most: int
) -> Iterator[tuple[Task, ...]]:
    digits = digits_for(manifest.frames)

    def task(place: int) -> Task:
        stretch = manifest.stretches[place]
        start, end = stretch.number, stretch.number + stretch.frames
        earlier = tuple(
            each
            for each in manifest.earlier
            if each.digits == digits and each.start < end and start < each.end
        )
        return Task(place, stretch, place in todo.begun, place in manifest.unclaimed, earlier)

    for run in runs(manifest, todo.missing, threads, most):
        yield tuple(map(task, run))


def work(manifest: Manifest, todo: Iterable[int]) -> int:
    """How much the stretches in ``todo`` are, in bytes of work."""
    return sum(manifest.stretches[index].work for index in todo)


def runs(manifest: Manifest, todo: list[int], threads: int, most: int) -> Iterator[list[int]]:
    """The stretches in ``todo`` as batches: neighbours, of ``most`` bytes' work or one stretch.

    There are enough to keep every thread busy to the end, and no more than that.
    """
    most = min(most, work(manifest, todo) // (BATCHES_PER_THREAD * threads))
    run: list[int] = []
    size = 0
    for index in todo:
        stretch = manifest.stretches[index]
        if run and size + stretch.work > most:
            yield run
            run, size = [], 0
        run.append(index)
        size += stretch.work
    if run:
        yield run
