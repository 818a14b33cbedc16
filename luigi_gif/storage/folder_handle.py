"""How another process is told of a work directory, and sees that it has found the same one."""

from __future__ import annotations

from typing import NamedTuple

from luigi_gif.storage.temporary_names import temporary_name

# Names as earlier versions gave them: what these left on a store is swept too.
_PROBE, _BLOCKS, _FONT, _ASIDE = "shared", "part_", "font", "aside_"
PROBE_PREFIX = f"{_PROBE}."
SHARED_PREFIXES = (PROBE_PREFIX, _BLOCKS, f"{_FONT}.", _ASIDE)
"""What the names of the files begin with that a run has beside those that it makes."""


class FolderHandle(NamedTuple):
    """A folder as another process is told of it."""

    url: str
    token: str
    """Of the run: a file of this name lies there, by which the other sees that it is the same."""

    @property
    def probe_file(self) -> str:
        """The name of that file."""
        return temporary_name(_PROBE, self.token)

    @property
    def font_file(self) -> str:
        """The name of a copy of the font of captions."""
        return temporary_name(_FONT, self.token)

    def block_file(self, subfolder: str, part_index: int) -> str:
        """The name of the file with the blocks of a part of the clip; no other run uses it."""
        return temporary_name(f"{subfolder}/{_BLOCKS}{part_index}", self.token)

    def aside_file(self, subfolder: str, number: int) -> str:
        """The name of a file that is out of the way of others until it is renamed."""
        return temporary_name(f"{subfolder}/{_ASIDE}{number}", self.token)
