"""The names of files until they are whole, or as long as a run lasts; a dead run leaves them."""

from __future__ import annotations

import re
import secrets

from luigi_gif.storage.layout import TEMPORARY_SUFFIX

_TEMPORARY = re.compile(r".+\.([0-9a-f]{16})" + re.escape(TEMPORARY_SUFFIX))


def new_token() -> str:
    """A text that no other run has."""
    return secrets.token_hex(8)


def temporary_name(name: str, token: str) -> str:
    """The name of a file until it is whole, or as long as a run lasts."""
    return f"{name}.{token}{TEMPORARY_SUFFIX}"


def token_in(name: str) -> str | None:
    """The token in what :func:`temporary_name` gave; None for any other name."""
    found = _TEMPORARY.fullmatch(name)
    return found[1] if found else None
