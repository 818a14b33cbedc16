"""The page of all clips as Chromium shows it: what moves, what is fetched, what is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.axe import violations
from support.browser import Browser, browser
from support.clips import make_clip, note_of_clip
from support.decoders import IN_CHROMIUM
from support.images import DELIMITER, gif
from support.page_server import Server
from support.programs import need
from support.warm import wait_until

from luigi_gif import clip_page, storage
from luigi_gif.clip_page.entries import entry_of
from luigi_gif.clip_page.html_page import render_page
from luigi_gif.clip_page.posters import MAX_BYTES
from luigi_gif.clip_page.shown_clips import find_clips

pytestmark = [pytest.mark.external, pytest.mark.slow, IN_CHROMIUM]

Act = Callable[[Browser], None]
"""What a user does with the first clip of the page."""
SHOWN = "[...document.querySelectorAll('li')].filter(each => !each.hidden)"
NAMES = f"{SHOWN}.map(each => each.querySelector('h2').textContent)"
STAGE = "document.querySelector('button.stage')"
MOVING = f"{STAGE}.lastChild?.nodeName + ({STAGE}.classList.contains('moves') ? ' moves' : '')"
STILL = "IMG"


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three clips, the newest of which has a video beside it."""
    folder = tmp_path_factory.mktemp("page") / "loops"
    folder.mkdir()
    for number, name in enumerate(("radar 10", "radar 9", "<script>camera")):
        workdir = folder / name
        make_clip(gif(1, (60, 40)) + DELIMITER + gif(2, (60, 40)), workdir)
        note_of_clip(workdir, made=f"2026-11-{20 - number}T02:15:00+00:00")
    clip_page.write_page(str(folder))
    return folder


@pytest.fixture
def page() -> Iterator[Browser]:
    """The browser, its pointer in the corner; it is as it was when the test ends."""
    leave(browser())
    yield browser()
    browser().open("about:blank")
    browser().call("Emulation.clearDeviceMetricsOverride")
    browser().call("Emulation.setEmulatedMedia", features=[])


def prefer(page: Browser, **features: str) -> None:
    """Let what a user prefers be this: reduced motion, a color scheme."""
    named = [
        {"name": f"prefers-{name.replace('_', '-')}", "value": value}
        for name, value in features.items()
    ]
    page.call("Emulation.setEmulatedMedia", features=named)


def show(page: Browser, url: str) -> None:
    page.open(url)
    wait_until(lambda: page.value(f"location.href == '{url}' && document.readyState == 'complete'"))


def middle(page: Browser) -> dict[str, float]:
    """Of the first clip."""
    box = f"{STAGE}.getBoundingClientRect()"
    left, top, width, height = (
        page.value(f"{box}.{name}") for name in ("left", "top", "width", "height")
    )
    return {"x": left + width / 2, "y": top + height / 2}


def hover(page: Browser) -> None:
    page.call("Input.dispatchMouseEvent", type="mouseMoved", **middle(page))


def leave(page: Browser) -> None:
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=0, y=0)


def tap(page: Browser) -> None:
    page.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[middle(page)])
    page.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def press_tab(page: Browser) -> None:
    """From the last element in front of the clips to the first of them."""
    page.value("document.querySelector('select').focus()")
    key(page, "Tab", 9)


def key(page: Browser, name: str, code: int, text: str = "") -> None:
    about = {"key": name, "code": name, "windowsVirtualKeyCode": code}
    page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
    page.call("Input.dispatchKeyEvent", type="keyUp", **about)


def click(page: Browser) -> None:
    for type_ in ("mousePressed", "mouseReleased"):
        where = middle(page)
        page.call("Input.dispatchMouseEvent", type=type_, button="left", clickCount=1, **where)


def press_tab_again(page: Browser) -> None:
    key(page, "Tab", 9)


def press_enter(page: Browser) -> None:
    key(page, "Enter", 13, "\r")


@pytest.mark.parametrize(
    ("begin", "end"), [(hover, leave), (press_tab, press_tab_again), (tap, tap), (click, click)]
)
def test_a_poster_plays_when_it_is_asked(page: Browser, loops: Path, begin: Act, end: Act) -> None:
    """By the pointer, the keyboard or a finger, without a server, and stops by the same."""
    show(page, (loops / "index.html").as_uri())
    assert page.value(MOVING) == STILL
    begin(page)
    wait_until(lambda: page.value(MOVING) == "IMG moves")
    assert page.value(f"{STAGE}.lastChild.src.endsWith('clip.gif')")
    assert page.value(f"{STAGE}.ariaPressed") == "true"
    end(page)
    wait_until(lambda: page.value(MOVING) == STILL)
    assert page.value(f"{STAGE}.ariaPressed") == "false"


@pytest.mark.parametrize(("approach", "press"), [(hover, click), (press_tab, press_enter)])
def test_nothing_moves_for_those_who_do_not_want_it(
    page: Browser, loops: Path, approach: Act, press: Act
) -> None:
    """Until they press."""
    prefer(page, reduced_motion="reduce")
    show(page, (loops / "index.html").as_uri())
    approach(page)
    # Timers end in turn: that of a pointer that came before would have.
    page.value("new Promise(resolve => setTimeout(resolve, 200))")
    assert page.value(MOVING) == STILL
    assert page.value("document.getAnimations().length") == 0
    press(page)
    wait_until(lambda: page.value(MOVING) == "IMG moves")


def test_a_video_plays_in_the_place_of_the_gif(page: Browser, tmp_path: Path) -> None:
    """Where there is one."""
    need("ffmpeg")
    data = DELIMITER.join(gif(number, (64, 48)) for number in (1, 2))
    make_clip(data, tmp_path / "work", also=("mp4",))
    clip_page.write_page(str(tmp_path))
    show(page, (tmp_path / "index.html").as_uri())
    hover(page)
    wait_until(lambda: page.value(MOVING) == "VIDEO moves")
    assert page.value(f"{STAGE}.lastChild.currentSrc.endsWith('clip.mp4')")
    assert page.value(f"{STAGE}.lastChild.muted && {STAGE}.lastChild.loop")


def test_a_video_that_cannot_be_played_leaves_the_gif(page: Browser, tmp_path: Path) -> None:
    """It plays instead."""
    make_clip(gif(1), tmp_path / "work")
    (tmp_path / "work" / "clip.webm").write_bytes(b"no video")
    note_of_clip(tmp_path / "work", also={"webm": "clip.webm"})
    clip_page.write_page(str(tmp_path))
    show(page, (tmp_path / "index.html").as_uri())
    hover(page)
    wait_until(lambda: page.value(MOVING) == "IMG moves")


def enter(page: Browser, field: str, value: str) -> None:
    """As its user does."""
    element = f"document.querySelector('form').elements.{field}"
    page.value(f"{element}.value = '{value}'")
    for event in ("input", "change"):
        page.value(f"{element}.dispatchEvent(new Event('{event}', {{bubbles: true}}))")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, ["radar 10", "radar 9", "<script>camera"]),
        ({"name": "RADAR 9"}, ["radar 9"]),
        ({"since": "2026-11-19"}, ["radar 10", "radar 9"]),
        ({"since": "2026-11-19", "until": "2026-11-19"}, ["radar 9"]),
        ({"order": "oldest"}, ["<script>camera", "radar 9", "radar 10"]),
        ({"order": "name", "name": "radar"}, ["radar 9", "radar 10"]),
    ],
)
def test_clips_are_found(
    page: Browser, loops: Path, fields: dict[str, str], found: list[str]
) -> None:
    """By name and date, in the order that is asked for; a name is text, whatever it is."""
    show(page, (loops / "index.html").as_uri())
    for field, value in fields.items():
        enter(page, field, value)
    assert page.value(NAMES) == found
    assert page.value("document.scripts.length") == 1
    told = page.value("document.querySelector('output').value")
    assert told == ("" if len(found) == 3 else f"{len(found)} of 3")


@pytest.mark.parametrize(
    ("width", "height", "color_scheme"), [(1280, 900, "light"), (400, 860, "dark")]
)
def test_the_page_shuts_nobody_out(
    page: Browser, loops: Path, width: int, height: int, color_scheme: str
) -> None:
    """axe-core finds no violation; nothing is wider than the window, and it is as dark as asked."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.call("Emulation.setDeviceMetricsOverride", **size)
    prefer(page, color_scheme=color_scheme)
    show(page, (loops / "index.html").as_uri())
    assert page.value("document.documentElement.scrollWidth <= innerWidth")
    ground = page.value("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(21, 21, 20)" if color_scheme == "dark" else "rgb(251, 251, 250)")
    assert violations(page) == []


def test_a_year_of_clips_fetches_little(page: Browser, loops: Path, server: Server) -> None:
    """Of 365 clips whose posters are as large as they get, under 2 MB before anybody touches it."""
    (clip, *_) = find_clips(storage.open_folder(str(loops)))
    shown = [
        entry_of(clip._replace(clip=clip.clip._replace(path=f"{day}/clip.gif")), f"{day}.webp")
        for day in range(365)
    ]
    still = loops / next(iter(loops.glob("posters/*.webp")))
    poster = still.read_bytes().ljust(MAX_BYTES, b"\0")
    sizes = {f"/{day}.webp": MAX_BYTES for day in range(365)}
    html = render_page("year", shown).encode()
    sizes["/"] = len(html)
    server.pages = {**dict.fromkeys(sizes, poster), "/": html}
    show(page, server.url("/"))
    assert page.value("document.querySelectorAll('button.stage').length") == 365
    in_window = (
        "[...document.images].filter(each => each.getBoundingClientRect().top < innerHeight)"
    )
    assert page.value(f"{in_window}.length") > 3
    wait_until(lambda: page.value(f"{in_window}.every(each => each.naturalWidth)"))
    page.open("about:blank")
    assert sum(sizes.get(path, 0) for path in server.requests) < 2_000_000
    assert not [path for path in server.requests if path.endswith((".gif", ".mp4"))]
