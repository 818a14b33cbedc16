"""One color table for many images of an animation. Pure code, without NumPy."""

from __future__ import annotations

from collections.abc import Iterable

from luigi_gif.gif.blocks import MAX_COLORS, pad_color_table


def split_colors(color_table: bytes) -> list[bytes]:
    """Its colors, 3 bytes each."""
    return [color_table[start : start + 3] for start in range(0, len(color_table), 3)]


def join_color_tables(first: bytes, others: Iterable[bytes]) -> bytes:
    """Extend a color table by the colors of others, so that it serves all their images.

    Parameters
    ----------
    first : bytes
        The colors that keep their indexes, 3 bytes each.
    others : iterable of bytes
        Color tables. One whose colors do not all fit adds none.

    Returns
    -------
    bytes
        A color table. It has an entry more than it needs, for what is transparent, unless it has
        256 colors.
    """
    colors = split_colors(first)
    known = set(colors)
    for color_table in dict.fromkeys(others):
        # Black fills a table up (pad_color_table); what stands there may be a color too, once.
        new = [color for color in dict.fromkeys(split_colors(color_table)) if color not in known]
        if len(colors) + len(new) <= MAX_COLORS:
            colors += new
            known.update(new)
    return pad_color_table(b"".join(colors), min(len(colors) + 1, MAX_COLORS))
