"""Standard input, output and error of a command, which may be closed, full, or ASCII only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from luigi_gif.errors import StorageError

# Of this process, as its streams are: once they are open on /dev/null, nothing else tells.
_closed: set[str] = set()
"""The streams that were closed when the command began."""


def install_streams() -> None:
    """Open closed streams on /dev/null, and make the others accept any text.

    Otherwise the next file that is opened takes the number of a closed stream, and messages land
    in it. What an encoding cannot show is escaped.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            _closed.add(name)
            # It takes the lowest number that is free: this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        stream = getattr(sys, name)
        if stream is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, closefd=False, encoding="utf-8"))  # noqa: SIM115
        elif number and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def is_stream_closed(name: str) -> bool:
    """Whether "stdin", "stdout" or "stderr" was closed when the command began."""
    return name in _closed


def print_path(path: str) -> None:
    """Print a path, byte for byte as the file system has it.

    Raises StorageError if it cannot be written. A closed pipe is no error: nobody reads it.
    """
    _write_if_wanted(os.fsencode(path) + b"\n")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of text. Raises StorageError as :func:`print_path` does."""
    text = "".join(f"{line}\n" for line in lines)
    _write_if_wanted(text.encode(sys.stdout.encoding, "backslashreplace"))


def write_bytes(pieces: Iterable[bytes]) -> None:
    """Write bytes, all of which must arrive, to standard output. Raises StorageError."""
    for piece in pieces:
        _write(piece)


def _write_if_wanted(data: bytes) -> None:
    try:
        _write(data)
    except StorageError as error:
        if not isinstance(error.__cause__, BrokenPipeError):
            raise


def _write(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except OSError as error:
        _discard_stdout()
        raise StorageError(
            "what was asked for cannot be written",
            where="standard output",
            expected="a file, or a program that reads all of it",
            got=error.strerror or str(error),
            next_step="mend the cause and run again: what is done is kept",
        ) from error


def _discard_stdout() -> None:
    """Discard what it still buffers; Python would try to write it again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
