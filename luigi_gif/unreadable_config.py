"""A configuration file that Luigi cannot read: it reads them all when it is imported."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from luigi_gif import exit_codes, own_command
from luigi_gif.errors import ParameterError

_NO_PARSER = "Parser not installed"
_FILES = "luigi.cfg, client.cfg, one of these in /etc/luigi, or that of LUIGI_CONFIG_PATH"


@contextlib.contextmanager
def translating_config_errors() -> Iterator[None]:
    """Name the file; our own command then ends here, as nothing of it has begun.

    Raises ParameterError.
    """
    is_command = own_command.is_own_command()
    try:
        yield
    except Exception as error:  # what reads them raises many kinds
        if isinstance(error, ImportError) and _NO_PARSER not in str(error):
            raise
        explanation = _config_error(error)
        if is_command:
            print(f"ERROR: {explanation}", file=sys.stderr)
            sys.exit(exit_codes.BAD_USAGE)
        raise explanation from None


def _config_error(error: Exception) -> ParameterError:
    file, line = getattr(error, "source", None), getattr(error, "lineno", None)
    words = str(error).splitlines()
    where = str(file or _FILES)
    return ParameterError(
        "a configuration file of Luigi cannot be read",
        where=f"{where}, line {line}" if file and line else where,
        expected="sections such as [dask], each once, in UTF-8 without a byte order mark",
        # Those behind it hold what stands in the file, but for a package's name.
        got=" ".join(words if isinstance(error, ImportError) else words[:1]),
        next_step="correct the file, or name another one by LUIGI_CONFIG_PATH",
    )
