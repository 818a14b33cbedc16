"""A clip looks the same in decoders that others wrote, whatever images it is made of."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.clips import make_clip
from support.decoders import DECODERS, EACH_DECODER, Pixels, need
from support.images import DELIMITER

from luigi_gif import gif as gif_

COLORS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (240, 240, 20), (0, 0, 0), (255, 255, 255)]


def drawn(number: int, size: tuple[int, int], colors: int) -> Image.Image:
    """A picture of so many colors, all of them in use, that is another for each number."""
    draw = random.Random(f"{number} {size} {colors}")
    palette = [draw.randrange(256) for _ in range(3 * colors)]
    cells = [draw.randrange(colors) for _ in range(size[0] * size[1])]
    cells[:colors] = range(colors)
    image = Image.new("P", size)
    image.putpalette(palette)
    image.putdata(cells)
    return image


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "GIF", **{"optimize": False, "interlace": 0, **options})
    return file.getvalue()


def placed(data: bytes, screen: tuple[int, int], position: tuple[int, int]) -> bytes:
    """The same image at a place of a larger logical screen."""
    image, _ = gif_.read_first_image(data)
    return gif_.encode_single(image._replace(screen=screen, position=position))


def with_local_table(data: bytes) -> bytes:
    """The same GIF with its colors in a local table, and others in the global one."""
    image, _ = gif_.read_first_image(data)
    other = bytes(reversed(image.color_table))
    blocks = gif_.encode_image_blocks(image, delay_cs=5, disposal=0, global_table=other)
    head = gif_.encode_header(image.screen, other, 1, b"x")
    return head + blocks + image.data + b";"


pytestmark = pytest.mark.xdist_group("chromium")  # one process makes each clip once

SIZE = (24, 18)
FRAMES = {
    "opaque": saved(drawn(1, SIZE, 6)),
    "interlaced": saved(drawn(2, SIZE, 6), interlace=1),
    "local table": with_local_table(saved(drawn(3, SIZE, 6))),
    "transparent": saved(drawn(4, SIZE, 6), transparency=2),
    "transparent and interlaced": saved(drawn(5, SIZE, 6), transparency=0, interlace=1),
    "small": saved(drawn(6, (10, 8), 4)),
    "small and transparent": saved(drawn(7, (9, 7), 4), transparency=1),
    "wide": saved(drawn(8, (24, 5), 5)),
    "all 256 colors": saved(drawn(9, SIZE, 256)),
    "small with all 256 colors": saved(drawn(10, (16, 16), 256)),
    "in a corner": placed(saved(drawn(11, (8, 6), 4)), SIZE, (16, 12)),
    "beyond its screen": placed(saved(drawn(12, (8, 6), 4)), (10, 10), (5, 6)),
    "two colors": saved(drawn(13, SIZE, 2)),
    "disposed to previous": saved(drawn(14, SIZE, 6), disposal=3),
    "disposed to background": saved(drawn(15, SIZE, 6), disposal=2, transparency=3),
}
ORDERS = [list(FRAMES), list(reversed(FRAMES))] + [
    random.Random(seed).sample(list(FRAMES), len(FRAMES)) for seed in range(3)
]


def expected(data: bytes, canvas: tuple[int, int]) -> Pixels:
    """The frame in the middle of a transparent canvas."""
    image, _ = gif_.read_first_image(data)
    with Image.open(io.BytesIO(gif_.encode_single(image._replace(screen=image.extent)))) as source:
        shown = source.convert("RGBA")
        if image.size != image.extent and image.transparent_index is None:
            box = Image.new("L", image.extent, 0)
            left, top = image.position
            box.paste(255, (left, top, left + image.size[0], top + image.size[1]))
            shown.putalpha(box)
    whole = Image.new("RGBA", canvas)
    whole.paste(shown, ((canvas[0] - shown.width) // 2, (canvas[1] - shown.height) // 2))
    pixels = np.array(whole)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def check(names: list[str], clip: Path, program: str) -> None:
    shown = DECODERS[program](clip)
    assert len(shown) == len(names)
    height, width, _ = shown[0].shape
    for number, name in enumerate(names):
        source = expected(FRAMES[name], (width, height))
        changed = (shown[number] != source).any(axis=2)
        # Where a frame of 256 colors has to be cleared away, one of them gives way.
        gone = np.unique(source[changed], axis=0)
        assert len(gone) <= ("256" in name), f"{name} (number {number} of {names})"


@pytest.fixture(scope="module", params=["none", "lossless"])
def optimize(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=range(len(ORDERS)))
def names(request: pytest.FixtureRequest) -> list[str]:
    """Of frames, in an order."""
    return ORDERS[request.param]


@pytest.fixture(scope="module")
def mixed(names: list[str], optimize: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of these frames."""
    bundle = DELIMITER.join(FRAMES[name] for name in names)
    return make_clip(bundle, tmp_path_factory.mktemp("mixed") / "work", optimize=optimize)


@EACH_DECODER
def test_every_decoder_shows_the_same(names: list[str], mixed: Path, program: str) -> None:
    """Palettes, transparency, interlace, disposal and sizes mixed in any order."""
    need(program)
    check(names, mixed, program)


@EACH_DECODER
@pytest.mark.parametrize("grays", [8, 256])
def test_a_gray_frame_before_colored_ones(tmp_path: Path, program: str, grays: int) -> None:
    """Pillow takes a clip for gray if each color of its first table is that of its index."""
    need(program)
    ramp = drawn(1, SIZE, grays)
    ramp.putpalette([index for index in range(grays) for _ in range(3)])
    frames = [saved(ramp), saved(drawn(2, SIZE, 6)), saved(ramp)]
    clip = make_clip(DELIMITER.join(frames), tmp_path / "work")
    for ours, frame in zip(DECODERS[program](clip), frames, strict=True):
        assert (ours == expected(frame, SIZE)).all()


@EACH_DECODER
def test_only_changes_look_as_all_does(tmp_path: Path, program: str) -> None:
    """Frames that are partly or wholly equal, with one palette or several."""
    need(program)
    base = drawn(1, (40, 30), 200)
    frames = [base]
    for number in range(8):
        following = frames[-1].copy()
        following.paste(number, (number * 4, number * 3, number * 4 + 6, number * 3 + number))
        if number in (3, 5):
            following = following.convert("RGB").quantize(180 if number == 3 else 256)
        frames.append(following)
    frames += [frames[-1], frames[0], frames[0]]
    bundle = DELIMITER.join(saved(frame) for frame in frames)
    plain = make_clip(bundle, tmp_path / "plain")
    small = make_clip(bundle, tmp_path / "small", optimize="lossless")
    assert small.stat().st_size < plain.stat().st_size / 2
    for ours, theirs in zip(DECODERS[program](small), DECODERS[program](plain), strict=True):
        assert (ours == theirs).all()


@pytest.mark.external
@pytest.mark.parametrize("program", ["ffmpeg", "chromium"])
def test_other_decoders_show_a_clip_with_loss_alike(tmp_path: Path, program: str) -> None:
    """Each pixel of an opaque frame is as near to it as was asked."""
    need(program)
    random = np.random.default_rng(4)
    ground = random.integers(40, 200, (30, 40, 3))
    frames = [
        Image.fromarray((ground + random.integers(-9, 10, ground.shape)).astype(np.uint8))
        for _ in range(5)
    ]
    bundle = DELIMITER.join(saved(frame.quantize(200)) for frame in frames)
    plain = make_clip(bundle, tmp_path / "plain")
    small = make_clip(bundle, tmp_path / "small", optimize="lossy", tolerance=25)
    assert small.stat().st_size < plain.stat().st_size / 2
    for ours, theirs in zip(DECODERS[program](small), DECODERS[program](plain), strict=True):
        assert np.abs(ours.astype(np.int16) - theirs).max() <= 25
