"""Uncompressed pictures with their times, as ffmpeg reads them from a pipe: Matroska.

RFC 8794 (EBML) and RFC 9559. It is the plainest container that tells ffmpeg how long each
picture shows.
"""

from __future__ import annotations

_CS_IN_NS = 10_000_000
"""The unit of times: a hundredth of a second."""
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
_RGB = b"RGB\x18"
"""24 bits a pixel, by the code that ffmpeg has for them."""
_VIDEO, _TRACK = 1, b"\x81"


def raw_video_head(size: tuple[int, int]) -> bytes:
    """What stands in front of the pictures, of this width and height in pixels."""
    kind = _element("4282", b"matroska") + _element("4287", b"\x04") + _element("4285", b"\x02")
    info = _element("2ad7b1", _number(_CS_IN_NS))
    picture = _element("b0", _number(size[0])) + _element("ba", _number(size[1]))
    track = (
        *(_element("d7", b"\x01"), _element("73c5", b"\x01"), _element("83", _number(_VIDEO))),
        *(_element("86", b"V_UNCOMPRESSED"), _element("e0", picture + _element("2eb524", _RGB))),
    )
    tracks = _element("1654ae6b", _element("ae", b"".join(track)))
    segment = bytes.fromhex("18538067") + _UNKNOWN_SIZE
    return _element("1a45dfa3", kind) + segment + _element("1549a966", info) + tracks


def raw_video_frame(pixels: bytes, begin_cs: int, delay_cs: int) -> tuple[bytes, bytes]:
    """A picture in RGB: what stands in front of its pixels, and these.

    It begins, and shows for, so many hundredths of a second.
    """
    head = _TRACK + bytes(3)  # no time of its own in the cluster, and no flags
    block = _head("a1", len(head) + len(pixels)) + head
    duration = _element("9b", _number(delay_cs))
    group = _head("a0", len(duration) + len(block) + len(pixels)) + duration + block
    time = _element("e7", _number(begin_cs))
    cluster = _head("1f43b675", len(time) + len(group) + len(pixels))
    return cluster + time + group, pixels


def _element(identifier: str, body: bytes) -> bytes:
    return _head(identifier, len(body)) + body


def _head(identifier: str, length: int) -> bytes:
    return bytes.fromhex(identifier) + (1 << 56 | length).to_bytes(8, "big")


def _number(value: int) -> bytes:
    return value.to_bytes(max(1, -(-value.bit_length() // 8)), "big")
