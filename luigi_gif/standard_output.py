"""``-o -``: the clip on standard output."""

from __future__ import annotations

import sys

from luigi_gif import integrations, storage
from luigi_gif.errors import ParameterError

DASH = "-"


def check_stdout() -> None:
    """Raise ParameterError where standard output cannot take a clip."""
    if sys.stdout.isatty() or integrations.is_stream_closed("stdout"):
        raise ParameterError(
            "the clip cannot be written to standard output",
            where=f"-o {DASH}",
            expected="a file or a pipe",
            got="a terminal" if sys.stdout.isatty() else "a closed standard output",
            next_step=f"send it into a file or a pipe: luigi-gif ... -o {DASH} > x.gif",
        )


def write_to_stdout(target: storage.FileTarget) -> None:
    """Write a clip to standard output. Raises StorageError."""
    with target.open() as source:
        integrations.write_bytes(iter(lambda: source.read(storage.COPY_BYTES), b""))
