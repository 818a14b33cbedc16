"""One call from Python: a source, or images, to an animated GIF."""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from luigi_gif import bundles, clip_copy, clip_result, imaging, storage
from luigi_gif.clip_result import Result
from luigi_gif.errors import ParameterError, PipelineError, Undecodable
from luigi_gif.parameters import GIVEN
from luigi_gif.publish import PublishGif
from luigi_gif.source_task import DEFAULT_DATA_FILE
from luigi_gif.temporary_source import temporary_source

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    Picture: TypeAlias = bytes | Image | np.ndarray
    Name: TypeAlias = str | os.PathLike[str]
    Source: TypeAlias = Name | Iterable[Name] | Iterable[Picture]

_SOURCE = "the source of make_gif()"
_FLAG = re.compile(r"(?<![\w./-])--[a-z][a-z-]*[a-z]")


def make_gif(
    source: Source,
    output: str | os.PathLike[str],
    **options: object,
) -> Result:
    """Make an animated GIF.

    Parameters
    ----------
    source : str, os.PathLike, list of these, or iterable of images
        A path or URL of pictures, as CombineGif's ``url``. Or images: bytes of image files,
        Pillow images, or NumPy arrays of 8 bits with the shape (height, width),
        (height, width, 3) or (height, width, 4). Arrays of other numbers need ``range``, the
        values that are black and white. What is masked in an array, or NaN, is transparent.
    output : str or os.PathLike
        Where the clip goes: a path, or the URL of an object on a store. Only a clip of this
        pipeline is replaced there.
    **options
        The parameters of :class:`PublishGif`, such as ``size="320x"``. With ``workdir`` what is
        done is kept there, and skipped the next time.

    Returns
    -------
    Result
        The clip that is made.

    Raises
    ------
    ParameterError
        For a source or an option that cannot be used.
    PipelineError
        What went wrong, where, and what to do next.

    Examples
    --------
    >>> import numpy as np
    >>> shades = [np.full((48, 64), shade, np.uint8) for shade in (0, 128, 255)]
    >>> make_gif(shades, "clip.gif", frame_duration_ms=200).duration_ms
    600
    """
    _check_names(options)
    with _options_by_name(), _work_directory(options) as workdir, _named(source) as url:
        task = PublishGif(**options, url=url, workdir=workdir, to=output)
        _run(task)
        return clip_result.result_of(task.requires(), clip_copy.shown_place(os.fspath(output)))


def _run(task: PublishGif) -> None:
    """Run a task and the steps before it, as far as they are not current."""
    task.alone = True
    try:
        if not task.complete():
            task.run()
    finally:
        task.forget_run()  # Luigi gives the same task for the same parameters


def _check_names(options: dict[str, object]) -> None:
    """Raise ParameterError for an option that no task has."""
    known = {name for name, _ in PublishGif.get_params()} - {"url", "to"}
    if unknown := options.keys() - known:
        raise ParameterError(
            "make_gif() has no such option",
            where=", ".join(sorted(unknown)),
            expected=f"one of {', '.join(sorted(known))}",
            got="another name",
            next_step="correct its name",
        )


@contextmanager
def _work_directory(options: dict[str, object]) -> Iterator[object]:
    workdir = options.pop("workdir", None)
    if workdir is not None:
        yield workdir
        return
    with storage.temporary_folder() as folder:
        data_file = options.get("data_file", DEFAULT_DATA_FILE)
        shown = {f"{folder.url}/{data_file}": _SOURCE, "delete this file, ": ""}
        shown |= {f"{folder.url}/": "", folder.url: "a temporary folder"}
        with _errors_without(shown):
            yield folder.url


@contextmanager
def _errors_without(shown: dict[str, str]) -> Iterator[None]:
    """A block whose errors show something else for paths that are gone by then."""
    try:
        yield
    except PipelineError as error:
        error.replace_words(shown)
        raise


@contextmanager
def _options_by_name() -> Iterator[None]:
    """A block whose errors name options as make_gif() has them."""
    try:
        yield
    except PipelineError as error:
        flags = sorted(set(_FLAG.findall(str(error))), key=len, reverse=True)
        names = {flag: flag.removeprefix("--").replace("-", "_") for flag in flags}
        known = {name for name, _ in PublishGif.get_params()}
        shown = {flag: name for flag, name in names.items() if name in known}
        error.replace_words(shown | {GIVEN: "make_gif()"})
        raise


@contextmanager
def _named(source: object) -> Iterator[object]:
    """What ``--url`` takes of a source; images are kept in a file while the block lasts."""
    if isinstance(source, str | os.PathLike):
        yield source
        return
    items = _items_of(source)
    first = next(items, None)
    if first is None:
        raise _bad_source("nothing")
    items = itertools.chain([first], items)
    if isinstance(first, str | os.PathLike):
        paths = list(items)
        for number, path in enumerate(paths):
            if not isinstance(path, str | os.PathLike):
                raise _bad_source(f"paths, and {type(path).__name__} as number {number}")
        yield paths
        return
    write = functools.partial(_write_bundle, items)
    with temporary_source("images", write) as path:
        # One TIFF is a source of as many frames as it has: an item.
        item = f", made of {os.path.basename(path)}"
        with _errors_without({item: "", path: _SOURCE}):
            yield path


def _items_of(source: Any) -> Iterator[Any]:
    """Those of a list or the like; raises ParameterError for one image, which is none."""
    shape = getattr(source, "shape", None)
    is_image = shape is not None and (len(shape) < 3 or (len(shape) == 3 and shape[2] in (3, 4)))
    if is_image or isinstance(source, bytes | bytearray | memoryview):
        raise _bad_source("one image, or its bytes")
    try:
        return iter(source)
    except TypeError:
        raise _bad_source(type(source).__name__) from None


def _bad_source(got: str) -> ParameterError:
    return ParameterError(
        "this is no source of frames",
        where=_SOURCE,
        expected="a path, a URL, a list of them, or a list of images",
        got=got,
        next_step="give one of these; of one image, a list",
    )


def _write_bundle(pictures: Iterable[Any], file: IO[bytes]) -> None:
    for number, picture in enumerate(pictures):
        file.write(bundles.FRAME_DELIMITER * bool(number))
        file.write(_image_file(number, picture))


def _image_file(number: int, picture: Any) -> bytes:
    """An image file of a picture. Raises ParameterError."""
    if isinstance(picture, str | os.PathLike):
        raise _bad_source(f"images, and a path as number {number}")
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    try:
        return imaging.image_file(picture)
    except Undecodable as error:
        raise ParameterError(
            "an image cannot be used",
            where=f"image {number} of {_SOURCE}",
            expected=error.expected,
            got=error.got,
            next_step="convert it",
        ) from error
