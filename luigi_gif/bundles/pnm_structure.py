"""What the header of a PBM, PGM, PPM, PAM or PFM image says, and where the image ends.

Sources: the manual pages pbm, pgm, ppm, pam and pfm of Netpbm, https://netpbm.sourceforge.net/doc/.
Pure code: bytes in, values out; errors as in :mod:`luigi_gif.bundles.image_ends`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from luigi_gif.errors import Malformed, Truncated

# A comment ends with its line. One match a piece: all at once it would take memory for each of
# them, or *+ for a group, with which Python goes wrong before 3.11.5.
_SPACE = re.compile(rb"[ \t\r\n\v\f]++|#[^\r\n]*+")
_PLAIN = re.compile(rb"[0-9 \t\r\n\v\f]++|#[^\r\n]*+")
_TOKEN = re.compile(rb"([^ \t\r\n\v\f#]{1,20})(?=[ \t\r\n\v\f#])")
_CUT_TOKEN = re.compile(rb"[^ \t\r\n\v\f#]{0,20}\Z")
_COMMENT = re.compile(rb"#[^\r\n]*+")
_SHAPES = bytes.maketrans(b"\t\r\n\v\f123456789", b"     000000000")
_PAM_END = b"\nENDHDR\n"
_MAX_PAM_HEADER_BYTES = 1 << 16
_MAX_LEVEL = 65_535
_CHANNELS = {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3, b"f": 1, b"F": 3}


class PnmHeader(NamedTuple):
    """What stands in front of the pixels."""

    kind: str
    """The second letter of the image: 1 to 7, f or F."""
    width: int
    height: int
    """In pixels."""
    channels: int
    max_level: int
    """Of a channel; 1 for black and white, 0 for floating-point numbers."""
    scale: float
    """Of floating-point numbers; they are little-endian if it is negative."""
    tuple_type: bytes
    """What the channels of a PAM are; else empty."""
    offset: int
    """Of the first pixel in the data."""

    @property
    def row_bytes(self) -> int:
        """How many bytes a row has; 0 where pixels stand in decimal digits."""
        values = self.width * self.channels
        if self.kind in "123":
            return 0
        if self.kind == "4":
            return (self.width + 7) // 8
        if self.kind in "fF":
            return 4 * values
        return values if self.max_level < 256 else 2 * values


def read_pnm_header(data: bytes, start: int = 0) -> PnmHeader:
    """The header of the image at ``start``. Raises Truncated or Malformed."""
    kind = data[start + 1 : start + 2]
    if kind == b"7":
        return _read_pam_header(data, start)
    if kind not in _CHANNELS:
        raise Malformed(1, "1 to 7, f or F", repr(kind))
    is_float = kind in b"fF"
    tokens, position = [], start + 2
    for _ in range(2 if kind in b"14" else 3):
        begin = _behind(_SPACE, data, position)
        token = _TOKEN.match(data, begin)
        if token is None:
            if _CUT_TOKEN.match(data, begin):
                raise Truncated
            got = repr(data[position : position + 20])
            raise Malformed(position - start, "a number and white space", got)
        tokens.append(token[1])
        position = token.end()
    try:
        width, height = int(tokens[0]), int(tokens[1])
        scale = float(tokens[2]) if is_float else 0.0
        max_level = 0 if is_float else int([*tokens, b"1"][2])
    except ValueError:
        raise Malformed(2, "numbers in the header of a PNM", repr(tokens)) from None
    header = PnmHeader(
        kind.decode(), width, height, _CHANNELS[kind], max_level, scale, b"", position + 1
    )
    return _checked(header)


def _read_pam_header(data: bytes, start: int) -> PnmHeader:
    """Lines of a word and its value, in any order."""
    end = data.find(_PAM_END, start, start + _MAX_PAM_HEADER_BYTES)
    if end < 0:
        if len(data) - start < _MAX_PAM_HEADER_BYTES:
            raise Truncated
        raise Malformed(0, "ENDHDR in the header of a PAM", "none")
    words: dict[bytes, bytes] = {}
    for line in data[start:end].split(b"\n")[1:]:
        word, _, value = line.strip().partition(b" ")
        words[word] = value.strip()
    try:
        width, height, channels, max_level = (
            int(words[word]) for word in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
        )
    except (KeyError, ValueError):
        expected = "WIDTH, HEIGHT, DEPTH and MAXVAL in the header of a PAM"
        raise Malformed(2, expected, "others") from None
    offset = end + len(_PAM_END)
    tuple_type = words.get(b"TUPLTYPE", b"")
    return _checked(PnmHeader("7", width, height, channels, max_level, 0.0, tuple_type, offset))


def _checked(header: PnmHeader) -> PnmHeader:
    if min(header.width, header.height, header.channels) <= 0:
        raise Malformed(2, "a PNM with pixels", f"{header.width}x{header.height}")
    if header.kind not in "fF" and not 0 < header.max_level <= _MAX_LEVEL:
        got = f"{header.max_level:,}"
        raise Malformed(2, f"a maximum of 1 to {_MAX_LEVEL:,} in the header of a PNM", got)
    return header


def end_of_pnm(data: bytes, start: int = 0) -> int:
    """Behind the last pixel."""
    header = read_pnm_header(data, start)
    if header.row_bytes:
        end = header.offset + header.row_bytes * header.height
        if end > len(data):
            raise Truncated
        return end
    end = _behind(_PLAIN, data, header.offset)
    plain = data[header.offset : end]
    numbers = count_numbers(plain, header)
    if numbers < header.width * header.height * header.channels:
        if end == len(data):
            raise Truncated
        got = f"{numbers:,} and then {data[end : end + 1]!r}"
        raise Malformed(end - start, f"{header.width}x{header.height} pixels", got)
    return header.offset + len(plain.rstrip())


def _behind(pieces: re.Pattern[bytes], data: bytes, position: int) -> int:
    """Behind all pieces that follow one another."""
    while piece := pieces.match(data, position):
        position = piece.end()
    return position


def plain_text(data: bytes) -> bytes:
    """Pixels in decimal digits, without comments."""
    return _COMMENT.sub(b" ", data) if b"#" in data else data


def count_numbers(text: bytes, header: PnmHeader) -> int:
    """How many numbers there are; those of black and white need no space between them."""
    shapes = plain_text(text).translate(_SHAPES)
    return shapes.count(b"0") if header.kind == "1" else (b" " + shapes).count(b" 0")
