"""Numbers of bytes, as people read them."""

from __future__ import annotations


def format_mib(size: float) -> str:
    """A number of bytes in MiB, such as 2.1 MiB."""
    return f"{size / 2**20:,.1f} MiB"


def format_size(size: int) -> str:
    """A number of bytes in MB or kB, such as 2.1 MB."""
    return f"{size / 1e6:,.1f} MB" if size >= 1_000_000 else f"{size / 1e3:,.1f} kB"
