"""A frame that is damaged is lost alone, and none is lost without a word."""

from __future__ import annotations

import contextlib
import io
import itertools
import random
import struct
from pathlib import Path

import pytest
from campaigns import cuts, fuzz
from PIL import Image
from support.images import DELIMITER, FORMATS, gif
from support.paths import SAMPLE

from luigi_gif import gif as gif_
from luigi_gif.bundles import bundle_frames, bundle_window, cut_images, image_ends
from luigi_gif.errors import Malformed, Truncated

PICTURES = [Image.effect_mandelbrot((24 + n, 17), (-2, -1, 1, 1), 9 + n) for n in range(4)]
PHOTOSHOP = b"8BPS\0\1" + bytes(60)


def encoded(format_: str, picture: Image.Image = PICTURES[0], **options: object) -> bytes:
    file = io.BytesIO()
    picture.convert("P" if format_ == "GIF" else "RGB").save(file, format_, **options)
    return file.getvalue()


def found(data: bytes, piece: int | None = None) -> list[bundle_frames.Frame]:
    """The frames, read at once or in pieces of so many bytes."""
    source = io.BytesIO(data)
    return list(
        bundle_frames.iter_frames(source.read if piece is None else lambda _: source.read(piece))
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", FORMATS)
def test_a_frame_that_is_cut_anywhere_is_lost_alone(format_: str) -> None:
    """At every byte of its headers and near its end, and at some between."""
    images = [encoded(format_, picture) for picture in PICTURES]
    size = len(images[1])
    places = {*range(1, min(size, 120)), *range(1, size, 41), *range(max(1, size - 60), size)}
    for stay in sorted(places):
        cuts.check_cut(images, 1, stay)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_last_frame_that_is_cut_is_lost_alone(format_: str) -> None:
    """There is no other behind it that could tell."""
    images = [encoded(format_, picture) for picture in PICTURES[:2]]
    for stay in {*range(1, 40), *range(40, len(images[1]), 53)}:
        cuts.check_cut(images, 1, stay)


@pytest.mark.slow
@pytest.mark.parametrize("format_", [None, "WebP"])
def test_random_cuts_lose_one_frame(format_: str | None, tmp_path: Path) -> None:
    """The short form of tests/campaigns/cuts.py."""
    images = cuts.images_of(SAMPLE.read_bytes(), None)[:4]
    images = [cuts.encoded(image, format_) if format_ else image for image in images]
    assert not list(cuts.campaign(images, 3, range(40), 20, tmp_path))


def cut_into_step(rest: int) -> list[bytes]:
    """GIFs whose colors are few, the first cut so that its sub-blocks go on in the second."""
    noise = Image.effect_noise((90, 90), 90).quantize(4)
    image = encoded("GIF", noise)
    return [image[: len(image) - rest], image, image]


def test_a_cut_gif_whose_sub_blocks_fit_those_of_the_next_is_known() -> None:
    """Then the two look like one: full sub-blocks, and a good end."""
    swallowed = 0
    for rest in range(2, 300, 3):
        images = cut_into_step(rest)
        with contextlib.suppress(Malformed, Truncated):
            swallowed += gif_.end_of_gif(DELIMITER.join(images)) == len(images[0]) + 4 + len(
                images[1]
            )
        assert [frame.data for frame in found(DELIMITER.join(images))] == images
    assert swallowed


def test_two_cut_frames_in_a_row_are_both_named() -> None:
    """Neither is whole, but the one behind them is."""
    images = cuts.images_of(SAMPLE.read_bytes(), None)[:5]
    r = random.Random(4)
    for _ in range(30):
        images[1:3] = [image[: r.randrange(1, len(image) - 50)] for image in images[1:3]]
        faults = [frame.error is not None for frame in found(DELIMITER.join(images))]
        assert faults == [False, True, True, False, False]
        images = cuts.images_of(SAMPLE.read_bytes(), None)[:5]


@pytest.mark.parametrize("format_", ["PNG", "BMP", "TIFF", "JPEG", "WebP"])
@pytest.mark.parametrize("stay", [20, -3])
def test_what_is_no_image_is_a_frame_behind_a_damaged_one(format_: str, stay: int) -> None:
    """If it is known by its first bytes; it is named, and not taken for a part of the other."""
    damaged = encoded(format_)[:stay]
    frames = found(DELIMITER.join([damaged, PHOTOSHOP, gif(1)]))
    assert [frame.data for frame in frames] == [damaged, PHOTOSHOP, gif(1)]
    assert frames[1].error is not None
    assert frames[1].error.got.startswith("a Photoshop image: convert it")


@pytest.mark.parametrize("big", [False, True])
def test_anything_behind_a_tiff_is_a_frame(big: bool) -> None:
    """A TIFF says where its last byte is."""
    images = [encoded("TIFF", big_tiff=big), b"not known", encoded("TIFF", big_tiff=True), gif(2)]
    assert [frame.data for frame in found(DELIMITER.join(images))] == images
    assert [frame.format for frame in found(DELIMITER.join(images))][2] == "TIFF"


@pytest.mark.parametrize(
    "between", [b"", b"\n", b"\n\n\n", b"\r\n" * 4, b"\0\0", b"\r\n--frame\r\n"]
)
@pytest.mark.parametrize("format_", FORMATS)
def test_images_with_another_separator_are_not_lost(format_: str, between: bytes) -> None:
    """Whoever forgot the four newlines is told; of JPEGs too, that have no last marker or have."""
    images = [encoded(format_, PICTURES[0]), encoded(format_, PICTURES[0], quality=60)]
    with pytest.raises(bundle_frames.BadFrame, match="expected four newlines") as error:
        bundle_frames.index_bundle(io.BytesIO(between.join([*images, *images])).read, strict=True)
    assert ("LF to CRLF" in str(error.value)) == (between.count(b"\r\n") == 4)
    assert f"{format_} data" in str(error.value)


@pytest.mark.parametrize("between", [b"--\n", b"\r\n--frame\r\nContent-Type: image/x\r\n\r\n"])
@pytest.mark.parametrize("pair", list(itertools.permutations(FORMATS, 2)))
def test_images_of_two_formats_with_lines_between_them_are_not_lost(
    pair: tuple[str, str], between: bytes
) -> None:
    """Whatever stands behind what, and however large it is."""
    data = between.join(map(encoded, pair, PICTURES))
    assert found(data)[0].error


def test_jpegs_of_other_sizes_right_behind_another_are_not_lost() -> None:
    """Also without a last marker."""
    images = [encoded("JPEG", picture) for picture in PICTURES]
    assert found(b"".join(images))[0].error
    assert found(b"".join(image[:-2] for image in images))[0].error


SMALL = encoded("JPEG", PICTURES[0].resize((8, 6)))
SAME = encoded("JPEG", PICTURES[0], quality=50)
TRAILERS = {
    "a video": b"MotionPhoto_Data" + b"\7" * 1_200_000,
    "two pictures": b"\0\0\x01\nDualShot_Extra" + SAME + b"SEFHk\0\0\0\1\0\0\0SEFT",
    "a preview": b"Kodak\0" + SMALL,
    "a beginning by chance": bytes(20) + b"\xff\xd8\xff" + bytes(20),
    "a PNG's signature": b"meta\x89PNG\r\n\x1a\n.",
    "newlines": b"x\n\n\n\n\n.",
}


@pytest.mark.parametrize("trailer", TRAILERS.values(), ids=TRAILERS)
def test_what_cameras_put_behind_a_jpeg_belongs_to_it(trailer: bytes) -> None:
    """Videos, second pictures, previews: no program shows them."""
    images = [encoded("JPEG") + trailer, encoded("JPEG"), gif(1)]
    for frames in (found(DELIMITER.join(images)), found(DELIMITER.join(images), 5000)):
        assert [frame.data for frame in frames] == images
        assert not any(frame.error for frame in frames)


@pytest.mark.parametrize("padding", [0, 1, 23])
def test_images_that_a_jpeg_lists_belong_to_it(padding: int) -> None:
    """Padded or not, of its own size or not; but not one more."""
    several = [PICTURES[0], PICTURES[0].resize((8, 8))]
    mpo = encoded("MPO", PICTURES[0], save_all=True, append_images=several)
    begin = image_ends.end_of_jpeg(mpo)
    listed = mpo[:begin] + bytes(padding) + mpo[begin:]
    frames = found(listed + DELIMITER + gif(1))
    assert [frame.data for frame in frames] == [listed, gif(1)]
    assert frames[0].error is None
    assert found(listed + SMALL + DELIMITER + gif(1))[0].error
    alone = mpo[:begin]
    assert [frame.error for frame in found(alone + DELIMITER + gif(1))] == [None, None]


@pytest.mark.parametrize("format_", FORMATS)
def test_an_image_may_end_where_a_read_ends(format_: str) -> None:
    """Whatever stands in it: BMP and TIFF hold newlines and a beginning here."""
    picture = Image.new("RGB", (13, 40), (32, 32, 32))
    inside = {"comment": DELIMITER + b"GIF89a"} if format_ in ("GIF", "JPEG") else {}
    image = encoded(format_, picture, **inside)
    if format_ in ("BMP", "TIFF"):
        image = image[:200] + DELIMITER + b"GIF89a" + image[210:]
    images = [image, gif(1), gif(2)]
    for piece in (len(image), len(image) + 2, len(image) + 4, len(image) - 1, 7):
        assert [frame.data for frame in found(DELIMITER.join(images), piece)] == images


@pytest.mark.slow
def test_damaged_bundles_are_the_same_in_any_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """All in memory, in pieces, and in the chunks that workers get: the same frames and faults."""
    separators = [DELIMITER] * 9 + [b"", b"\n", b"\r\n" * 4, b"\n" * 7, b"x" + DELIMITER]
    for number in range(60):
        r = random.Random(number)
        data = b""
        for _ in range(r.randint(2, 5)):
            image = fuzz.encoded(r, r.choice(fuzz.FORMATS), (r.randint(1, 20), r.randint(1, 20)))
            harm = r.choice((lambda _, image: image, fuzz.damaged, cut_off))
            data += harm(r, image)[:20_000] + r.choice(separators)
        whole = found(data)
        monkeypatch.setattr(cut_images, "PIECE_BYTES", r.choice((1, 100, 1 << 20)))
        assert found(data, r.choice((50, 333, 1000))) == whole, number
        monkeypatch.undo()
        assert list(bundle_frames.frames_in(data)) == whole, number
        for first, last in itertools.pairwise(whole):
            chunk = data[first.offset : last.offset + bundle_frames.LOOK_AHEAD_BYTES]
            alone = bundle_frames.frames_in(chunk, offset=first.offset, stop=last.offset)
            assert list(alone) == [first], number


def cut_off(r: random.Random, data: bytes) -> bytes:
    return data[: r.randrange(len(data))]


def test_a_cut_image_does_not_make_the_rest_of_a_bundle_be_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its length may be said to be gigabytes: the next whole image tells that it is not."""
    for module in (bundle_window, cut_images, bundle_frames):
        monkeypatch.setattr(module, "PIECE_BYTES", 1 << 13)
    cut = b"RIFF\xff\xff\xff\x7fWEBPVP8 "
    data = (cut + DELIMITER + gif(1) + DELIMITER) * 4_000
    asked = []
    source = io.BytesIO(data)

    def read(size: int) -> bytes:
        asked.append(size)
        return source.read(size)

    assert sum(1 for _ in bundle_frames.iter_frames(read)) == 8_000
    assert max(asked) <= 2 * bundle_window.PIECE_BYTES < len(data) / 10


class Counted:
    """A struct that counts how often it is used."""

    def __init__(self, layout: str) -> None:
        self._struct = struct.Struct(layout)
        self.size = self._struct.size
        self.count = 0

    def unpack_from(self, data: bytes, offset: int) -> tuple[object, ...]:
        self.count += 1
        return self._struct.unpack_from(data, offset)


def test_nested_headers_cost_no_more_than_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each PNG here goes on to the end of the bundle, and holds the beginnings of all others."""
    chunks = Counted(">I4s")
    monkeypatch.setattr(image_ends, "_PNG_CHUNK", chunks)
    inner = DELIMITER + b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0AAAA"
    unit = struct.pack(">I", len(inner)) + b"AAAA" + inner + bytes(4)
    headers = 4000
    assert len(found(b"\x89PNG\r\n\x1a\n" + unit * headers)) == headers + 1
    assert chunks.count < 50 * headers
