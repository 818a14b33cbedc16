"""One call from Python: a source, or images, to an animated GIF."""

from __future__ import annotations

import io
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from luigi_gif import bundles, clip_copy, frames
from luigi_gif.errors import ParameterError
from luigi_gif.tasks import CombineGif

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    Picture: TypeAlias = bytes | Image | np.ndarray
    Name: TypeAlias = str | os.PathLike[str]
    Source: TypeAlias = Name | Iterable[Name] | Iterable[Picture]


class Result(NamedTuple):
    """A clip that is made.

    Attributes
    ----------
    path : str
        Of the clip.
    frames : int
        How many it has.
    width, height : int
        In pixels.
    duration_ms : int
        Of one round.
    size : int
        In bytes.
    left_out : list of str
        Why frames were left out, each in a line.
    """

    path: str
    frames: int
    width: int
    height: int
    duration_ms: int
    size: int
    left_out: list[str]


def make_gif(
    source: Source,
    output: str | os.PathLike[str],
    **options: object,
) -> Result:
    """Make an animated GIF.

    Parameters
    ----------
    source : str, path-like, list of these, or iterable of images
        What ``--url`` takes. Or images: bytes of image files, Pillow images, or NumPy arrays of
        8 bits with the shape (height, width), (height, width, 3) or (height, width, 4).
    output : str or path-like
        Where the clip goes. A file that is no GIF is not overwritten.
    **options
        The parameters of :class:`CombineGif`, such as ``size="320x"``. With ``workdir`` what is
        done is kept there, and skipped the next time.

    Returns
    -------
    Result

    Raises
    ------
    PipelineError
        What went wrong, where, and what to do next; ParameterError for an option.

    Examples
    --------
    >>> import numpy as np
    >>> shades = [np.full((48, 64), shade, np.uint8) for shade in (0, 128, 255)]
    >>> make_gif(shades, getfixture("tmp_path") / "clip.gif", frame_duration_ms=200).duration_ms
    600
    """
    _check_names(options)
    with _work_directory(options) as workdir:
        where = {"url": _url_of(source, workdir), "workdir": os.fspath(workdir)}
        task = CombineGif(**options, **where)
        task.alone = True
        copy = clip_copy.ClipCopy(os.fspath(output), task.output().path, task.url)
        if not task.complete():
            task.run()
        copy.publish(task.output())
        return _result(task, os.fspath(output))


def _check_names(options: dict[str, object]) -> None:
    """Raise ParameterError for an option that no task has."""
    known = {name for name, _ in CombineGif.get_params()} - {"url"}
    if unknown := options.keys() - known:
        raise ParameterError(
            "make_gif() has no such option",
            where=", ".join(sorted(unknown)),
            expected=f"one of {', '.join(sorted(known))}",
            got="another name",
            next_step="correct its name",
        )


@contextmanager
def _work_directory(options: dict[str, object]) -> Iterator[str]:
    workdir = options.pop("workdir", None)
    if workdir is not None:
        yield workdir  # type: ignore[misc]  # the task looks at it
        return
    with tempfile.TemporaryDirectory(prefix="luigi-gif-") as name:
        yield name


def _url_of(source: Source, workdir: str) -> str | list[str]:
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    pictures: Iterator[Any] = iter(source)
    first = next(pictures, b"")
    if isinstance(first, str | os.PathLike):
        return [os.fspath(first), *map(os.fspath, pictures)]
    path = Path(workdir) / "images" / "bundle.img"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for number, picture in enumerate(itertools.chain([first], pictures)):
            file.write(bundles.FRAME_DELIMITER * bool(number) + _image_file(picture))
    return str(path)


def _image_file(picture: Picture) -> bytes:
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture)
    from PIL import Image

    file = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _result(task: CombineGif, path: str) -> Result:
    manifest = frames.load_manifest(task.folder)
    about: Any = task.about()["clips"]
    about = about[task.gif_file]
    left_out = [str(frame.reason) for frame in manifest.skipped] if manifest else []
    return Result(
        path,
        about["frames"],
        about["width"],
        about["height"],
        about["duration_ms"],
        about["bytes"],
        left_out,
    )
