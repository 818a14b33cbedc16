"""The files to start from that luigi-gif --write-samples writes: examples, and configuration."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import sysconfig
from collections.abc import Iterator
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable

from luigi_gif.errors import ForeignFileError, ParameterError, StorageError

NEXT_STEP = (
    "next: luigi-gif examples/sample.img -o sunflower.gif makes a clip of the sample;"
    " each file of config/ says at its top how it is used"
)


def write_sample_files() -> list[str]:
    """Write the samples into ``examples`` and ``config`` of the current folder.

    Returns
    -------
    list of str
        The paths of the files, relative to the current folder.

    Raises
    ------
    ForeignFileError
        If one of the files is there already; then none is written.
    ParameterError
        If the current folder has a name that a crontab or a unit cannot hold.
    StorageError
        If a file cannot be written.
    """
    path = "."
    try:
        samples = dict(_samples(os.getcwd()))
        _refuse_existing(samples)
        for path, data in samples.items():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "xb") as file:
                file.write(data)
    except OSError as error:
        raise StorageError(
            "a sample cannot be written",
            where=path,
            expected="to write it",
            got=error.strerror or str(error),
            next_step="mend the cause, remove the samples that were written, and run again",
        ) from error
    return list(samples)


def _samples(folder: str) -> Iterator[tuple[str, bytes]]:
    """The path and the bytes of each, as they fit this folder."""
    # The package holds files of the repository: in a clone by links, in a wheel as files.
    package = resources.files("luigi_gif") / "samples"
    for file in _by_name(package / "examples"):
        yield f"examples/{file.name}", file.read_bytes()
    values = _values(folder)
    placeholders = re.compile("|".join(map(re.escape, values)))
    for file in _by_name(package / "config"):
        text = placeholders.sub(lambda found: values[found[0]], file.read_text(encoding="utf-8"))
        yield f"config/{file.name}", text.encode()


def _by_name(folder: Traversable) -> list[Traversable]:
    # pip leaves a folder with what it compiled beside a sample that is a module.
    files = (file for file in folder.iterdir() if file.is_file())
    return sorted(files, key=lambda file: file.name)


def _values(folder: str) -> dict[str, str]:
    """What takes the place of the folder, the user and the first night of config/."""
    programs = _folder_of_programs()
    for path in (folder, programs):
        if not re.fullmatch(r"[\w@+=,./-]+", path):
            raise ParameterError(
                "the samples cannot name this folder",
                where=path,
                expected="letters, digits, and @ + = , . / _ - only, as a crontab and a systemd "
                "unit give other characters a meaning",
                got="another character",
                next_step="run this in a folder with another name",
            )
    return {
        "/srv/gifs/venv/bin": programs,
        "/srv/gifs": folder,
        "User=gifs": f"User={_user()}",
        "2026-11-01": str(date.today()),
    }


def _folder_of_programs() -> str:
    """Where luigi and luigi-gif are installed."""
    of_user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    folders = [sysconfig.get_path("scripts"), of_user]  # the second by pip install --user
    found = shutil.which("luigi", path=os.pathsep.join(folders))
    return os.path.dirname(found) if found else folders[0]


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container it may have a number only
        return str(os.getuid())


def _refuse_existing(samples: dict[str, bytes]) -> None:
    for path in samples:
        if os.path.lexists(path):
            raise ForeignFileError(
                "a sample is not written over a file that is there",
                where=path,
                expected="a folder without the samples",
                got="a file of this name; nothing was written",
                next_step="use it, move it away, or run this in another folder",
            )
