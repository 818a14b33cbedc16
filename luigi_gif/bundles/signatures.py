"""What data are, judged by their first bytes, in plain words.

Pure code: bytes in, words out.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from luigi_gif.bundles.image_formats import BEGINNING
from luigi_gif.bundles.placeholders import MARK


class _Kind(NamedTuple):
    name: str
    magic: bytes
    next_step: str


_UNPACK = "unpack it, and give its folder as the URL"
_CONVERT = "convert it to PNG or another of these formats"
_DEVELOP = "develop it to TIFF or PNG with a raw converter, such as darktable-cli"
_VIDEO = "give it alone as the URL, or take single images from it, as ffmpeg does"
_OTHER_VIDEO = "convert it to MP4, as ffmpeg -i FILE -c copy FILE.mp4 does"
_BINARY = "store or fetch it as binary data, not as text"
_DAMAGED = "check what wrote it, or leave such frames out with --on-bad-frame skip"
_OF_PICTURES = (_CONVERT, _DEVELOP, _VIDEO, _OTHER_VIDEO)
_PAGE = "look at it in a browser or an editor, and correct the URL"
_RAW = (
    rb"II\*\x00.{4}CR\x02|.{4}ftypcrx |IIU\x00|IIR[OS]|MMOR|FUJIFILMCCD-RAW|FOVb|\x00MRM"
    rb"|II.{4}HEAPCCDR"
)
"""Of Canon, Panasonic, Olympus, Fujifilm, Sigma and Minolta; those of others are TIFFs."""
_BYTE_ORDER_MARK = re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff")
_RAW_KIND = _Kind("a camera raw image", _RAW, _DEVELOP)
RAW_IMAGE = f"{_RAW_KIND.name}: {_RAW_KIND.next_step}"
"""What is said of one that cannot be told by its first bytes."""
_KINDS = (
    _Kind("a zip archive", rb"PK(\x03\x04|\x05\x06)", _UNPACK),
    _Kind("gzip-compressed data", rb"\x1f\x8b\x08", _UNPACK),
    _Kind("bzip2-compressed data", rb"BZh[1-9]1AY&SY", _UNPACK),
    _Kind("xz-compressed data", rb"\xfd7zXZ\x00", _UNPACK),
    _Kind("Zstandard-compressed data", rb"\x28\xb5\x2f\xfd", _UNPACK),
    _Kind("a 7z archive", rb"7z\xbc\xaf\x27\x1c", _UNPACK),
    _Kind("a RAR archive", rb"Rar!\x1a\x07", _UNPACK),
    _Kind("a tar archive", rb".{257}ustar", _UNPACK),
    _RAW_KIND,
    _Kind("a QuickTime video", rb".{4}ftypqt  |[\x00-\x1f].{3}(moov|mdat|wide)", _VIDEO),
    _Kind("an MP4 video", rb".{4}ftyp", _VIDEO),
    _Kind("a Matroska or WebM video", rb"\x1a\x45\xdf\xa3", _VIDEO),
    _Kind("an AVI video", rb"RIFF.{4}AVI ", _VIDEO),
    _Kind("an MPEG video", rb"\x00\x00\x01[\xb3\xba]|G.{187}G.{187}G", _OTHER_VIDEO),
    _Kind("a JPEG XL image", rb"\x00\x00\x00\x0cJXL \r\n\x87\n|\xff\x0a", _CONVERT),
    _Kind("a Photoshop image", rb"8BPS\x00[\x01\x02]", _CONVERT),
    _Kind("a GIMP image", rb"gimp xcf ", _CONVERT),
    _Kind("a Windows or macOS icon set or cursor", rb"icns|\x00\x00\x02\x00[^\x00]\x00", _CONVERT),
    _Kind(
        "a Windows metafile (WMF or EMF)",
        rb"\xd7\xcd\xc6\x9a\x00\x00|\x01\x00\x09\x00\x00[\x01\x03]|\x01\x00\x00\x00.{36} EMF",
        _CONVERT,
    ),
    _Kind("a JPEG XR image", rb"II\xbc[\x00\x01]", _CONVERT),
    _Kind("a Radiance HDR image", rb"#\?(RADIANCE|RGBE)\n", _CONVERT),
    _Kind("an OpenEXR image", rb"\x76\x2f\x31\x01", _CONVERT),
    _Kind("a QOI image", rb"qoif", _CONVERT),
    _Kind("a DDS image", rb"DDS \x7c\x00\x00\x00", _CONVERT),
    _Kind("an SVG image", rb"\s*(<\?xml[^>]*>\s*)?(<!--.{,999}?-->\s*)?<svg\b", _CONVERT),
    _Kind("a PDF document", rb"%PDF-", _CONVERT),
    _Kind("a PostScript document", rb"%!PS", _CONVERT),
    _Kind("a FITS file", rb"SIMPLE  =", _CONVERT),
    _Kind("an HDF5 or NetCDF file", rb"\x89HDF\r\n\x1a\n|CDF[\x01\x02\x05]", _CONVERT),
    _Kind("a GRIB file", rb"GRIB.{3}[\x01\x02]", _CONVERT),
    _Kind("a NumPy array", rb"\x93NUMPY", _CONVERT),
    _Kind(
        "a Git LFS pointer, not the file that it stands for",
        rb"version https://(git-lfs\.github\.com|hawser\.github\.com)/",
        "fetch the file with git lfs pull, or take the URL of its raw content",
    ),
    _Kind(
        "a git-annex pointer, not the file that it stands for",
        rb"/annex/objects/",
        "fetch the file with git annex get",
    ),
    _Kind("a byte order mark, as text has it", _BYTE_ORDER_MARK.pattern, _BINARY),
    _Kind(
        "an image as base64 text", rb"data:image/|R0lGODlh|iVBORw0KGgo|/9j/[24]|UklGR", "decode it"
    ),
    _Kind("data that begin with zeros", rb"\x00{32}", _DAMAGED),
    _Kind("an HTML or XML page", rb"\s*<(!doctype|html|\?xml|head|body)", _PAGE),
    _Kind("JSON text", rb"\s*[{\[]\s*[\"{\[\]}]", _PAGE),
)
KNOWN = re.compile(
    BEGINNING.pattern
    + b"|"
    + MARK
    + rb"|.{4}ftyp[a-z0-9 ]{4}|PK\x03\x04|\x1f\x8b\x08[\x00-\x1f]"
    + rb"|\x00\x00\x00\x0c(JXL|jP ) ?\r\n\x87\n|8BPS\x00\x01|%PDF-|<!doctype|<html|<\?xml|<svg",
    re.DOTALL,
)
"""What stands behind a delimiter and begins so is a frame, if not always one that can be used."""
BEGINNING_BYTES = 1 << 9
"""As many tell what data are: the mark of a tar stands far in."""


def looks_like(data: bytes) -> str:
    """What data seem to be, in a few words.

    Parameters
    ----------
    data : bytes
        The beginning, of BEGINNING_BYTES or more if there are as many.
    """
    if not data:
        return "nothing"
    if beginning := BEGINNING.match(data):
        return f"{beginning.lastgroup} data"
    kind = _kind(data)
    if kind is None:
        return f"data that begin with {data[:20]!r}"
    if kind.next_step is _PAGE:
        return f"{kind.name} that begins with {data[:40]!r}"
    if kind.next_step is _BINARY:
        return f"{kind.name}, and then {looks_like(_BYTE_ORDER_MARK.sub(b'', data, 1))}"
    return kind.name


def describe(data: bytes) -> str:
    """What data seem to be; of pictures that cannot be frames, also what to do with them."""
    return unusable_pictures(data) or looks_like(data)


def unusable_pictures(data: bytes) -> str | None:
    """What pictures that cannot be frames are, and what to do with them; None for all else."""
    kind = None if BEGINNING.match(data) else _kind(data)
    return f"{kind.name}: {kind.next_step}" if kind and kind.next_step in _OF_PICTURES else None


def is_unknown(data: bytes) -> bool:
    """Whether ``data`` may be anything, or a frame that a camera filled with zeros."""
    kind = _kind(data)
    return kind is None or kind.next_step is _DAMAGED


def advice(data: bytes) -> str:
    """What the user can do whose data are no bundle; see :func:`looks_like`."""
    kind = _kind(data)
    return _PAGE if kind is None else kind.next_step


@functools.cache
def _any_kind() -> re.Pattern[bytes]:
    """Compiled in 2 ms, when it is needed: most runs see only frames."""
    kinds = (b"(?P<k%d>%s)" % (number, kind.magic) for number, kind in enumerate(_KINDS))
    return re.compile(b"|".join(kinds), re.DOTALL | re.IGNORECASE)


def _kind(data: bytes) -> _Kind | None:
    match = _any_kind().match(data)
    return None if match is None else _KINDS[int(str(match.lastgroup)[1:])]
