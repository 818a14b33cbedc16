"""How numbers stand in the directories of a TIFF, for whoever walks or reads them.

TIFF revision 6.0, Adobe, 3 June 1992, section 2; the BigTIFF design,
https://www.awaresystems.be/imaging/tiff/bigtiff.html, whose offsets have 8 bytes.
"""

from __future__ import annotations

import functools
import struct
from typing import NamedTuple

TIFF_TYPES = {
    1: "B", 2: "B", 3: "H", 4: "L", 5: "2L", 6: "b", 7: "B", 8: "h", 9: "l", 10: "2l", 11: "f",
    12: "d", 13: "L", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
"""For each type of a tag how one value stands in the file, as in the module struct."""
TIFF_TYPE_BYTES = {type_: struct.calcsize(f"={each}") for type_, each in TIFF_TYPES.items()}


class TiffStructs(NamedTuple):
    """The parts of a directory: a count of tags, the tags, and the offset of the next one."""

    tag_count: struct.Struct
    tag: struct.Struct
    """Its number, its type, how many values it has, and these or their offset."""
    offset: struct.Struct


@functools.cache
def tiff_structs(order: str, is_big: bool) -> TiffStructs:
    """How the parts of a directory stand in a file: TIFF 6.0, section 2; BigTIFF.

    Parameters
    ----------
    order : str
        The byte order as in the module struct: "<" for II, ">" for MM.
    is_big : bool
        Whether it is a BigTIFF.
    """
    formats = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHL4s", "L")
    return TiffStructs(*(struct.Struct(order + each) for each in formats))
