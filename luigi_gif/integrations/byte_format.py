"""Numbers of bytes, as people read them."""

from __future__ import annotations


def format_mib(size: float) -> str:
    """A number of bytes in MiB, such as 2.1 MiB."""
    return f"{size / 2**20:,.1f} MiB"
