"""Whether a file that a run writes would be one of the pictures that its next run reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase

from luigi_gif.sources.left_out import is_hidden
from luigi_gif.sources.local_items import folder_before_pattern, is_pattern
from luigi_gif.sources.selection import fits


def would_be_item(source: str, match: str, path: str) -> bool:
    """Whether a file at an absolute path is one of those of a folder or a pattern, if it is there.

    Parameters
    ----------
    source : str
        The absolute path of the folder, or the pattern; of a file it is never so.
    match : str
        The pattern of the names that are wanted; empty for all.
    """
    has_pattern = is_pattern(source)
    folder = folder_before_pattern(source) if has_pattern else source
    name = path.removeprefix(os.path.join(folder, ""))
    if name == path or is_hidden(name) or (match and not fits(match, name)):
        return False
    patterns = source.removeprefix(os.path.join(folder, "")).split("/") if has_pattern else ["*"]
    return _parts_fit(name.split("/"), patterns)


def _parts_fit(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    """Whether names of folders and a file fit patterns, of which ``**`` is for any number."""
    if not patterns or not parts:
        return not patterns and not parts
    if patterns[0] == "**":
        return _parts_fit(parts, patterns[1:] or ["*"]) or _parts_fit(parts[1:], patterns)
    return fnmatchcase(parts[0], patterns[0]) and _parts_fit(parts[1:], patterns[1:])
