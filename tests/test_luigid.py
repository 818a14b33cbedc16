"""What luigid's page shows of a run, and a run whose luigid dies or is silent."""

from __future__ import annotations

import importlib.util
import io
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image
from support import warm
from support.browser import Browser, own_browser
from support.clips import clip_here
from support.commands import luigi_command
from support.images import DELIMITER
from support.luigid import Luigid
from support.page_server import Server
from support.paths import ROOT
from support.services import dask_worker
from support.warm import wait_until

from luigi_gif.integrations import progress

pytestmark = pytest.mark.slow

CLIENT = {"LUIGI_CONFIG_PATH": str(ROOT / "config" / "client.cfg")}


@pytest.fixture(scope="module")
def long_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames that take a while."""
    path = tmp_path_factory.mktemp("long") / "bundle.img"
    path.write_bytes(DELIMITER.join(picture(number, (160, 120), "PNG") for number in range(6)))
    return path


def picture(number: int, size: tuple[int, int], format_: str) -> bytes:
    gradient = Image.radial_gradient("L").resize(size)
    bands = [gradient.rotate(7 * number + 70 * band) for band in range(3)]
    file = io.BytesIO()
    Image.merge("RGB", bands).save(file, format_, compress_level=1)
    return file.getvalue()


def start(folder: Path, *flags: str) -> warm.Popen:
    with (folder / "log").open("wb") as log:
        return warm.Popen(
            luigi_command("CombineGif", *flags), cwd=folder, env=os.environ | CLIENT, stderr=log
        )


def show_workers(page: Browser, url: str, rows: str, luigid: Luigid) -> None:
    """Until a row is there, or nothing runs: the page asks once, maybe before there is a worker."""
    for number in itertools.count(1):
        page.open(f"{url}.{number}#tab=workers")
        for _ in range(100 * number):
            if page.value(rows) or not luigid.ask("task_list", status="RUNNING"):
                return
            time.sleep(0.02)


GATE = """
import os, time
from luigi_gif.frames import batch_writer
real, begun = batch_writer.write_batch, []
def write_batch(handle, batch):
    begun.append(batch)
    while not os.path.exists(os.path.join({gate!r}, str(len(begun)))):
        time.sleep(0.02)
    return real(handle, batch)
batch_writer.write_batch = write_batch
"""
"""A worker with this does each of its batches when there is a file of that number."""


@pytest.fixture
def page() -> Iterator[Browser]:
    """Of a browser that has shown nothing yet."""
    with own_browser() as page:
        yield page


@pytest.fixture
def gate(tmp_path: Path, dashboard: str) -> Iterator[Path]:
    """Where those files belong, for the only worker of the scheduler with a page."""
    folder = tmp_path / "gate"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(GATE.format(gate=str(folder)))
    with dask_worker(dashboard, PYTHONPATH=str(folder)):
        yield folder


@pytest.mark.external
def test_chromium_shows_how_a_run_goes_on(
    tmp_path: Path, luigid: Luigid, server: Server, dashboard: str, gate: Path, page: Browser
) -> None:
    """A bar that moves, a link that answers, the four tasks when they are done; no secret."""
    frames = [picture(number, (640, 560), "BMP") for number in range(6)]
    server.pages["/all.img"] = DELIMITER.join(frames)
    rows = all_of(".worker-table td", "innerText")
    html: list[str] = []
    percents: set[str] = set()
    messages: set[str | None] = set()
    links: set[str] = set()
    shown, looks = -1, 0
    url = server.url("/all.img?token=s3cret")
    flags = ("--scheduler-url", luigid.url, "--dask-address", dashboard)
    luigi = start(tmp_path, "--url", url, *flags)
    while luigi.poll() is None:
        if not (running := luigid.ask("task_list", status="RUNNING")):
            time.sleep(0.02)
            continue
        show_workers(page, f"{luigid.url}/static/visualiser/index.html?{len(html)}", rows, luigid)
        html.append(page.value("document.documentElement.outerHTML"))
        percents.update(page.value(all_of(".taskProgressBar", "ariaValueNow")))
        for task_id in running:
            status = luigid.ask("get_task_status_message", task_id=task_id)
            messages.add(status["statusMessage"])
        buttons = page.value(all_of(".worker-table a.btn", "href"))
        found = [link for link in buttons if not link.startswith(luigid.url)]  # Dask's page
        if found and not links:
            with urlopen(found[0]) as answer:
                assert answer.status == 200
        links.update(found)
        if any(task_id.startswith("WriteFrames") for task_id in running):
            looks += 1
            # luigid is not told of batches that come fast upon each other: each waits until it is,
            # and is looked for, but not for ever.
            if len(percents) > shown or looks == 20:
                shown, looks = len(percents), 0
                time.sleep(progress.LUIGID_S)
                (gate / str(len(list(gate.glob("[0-9]*"))) + 1)).touch()
    assert luigi.poll() == 0, (tmp_path / "log").read_text()
    page.open(f"{luigid.url}/static/visualiser/index.html?done")
    tasks = all_of("#taskTable tbody tr", "innerText")
    wait_until(lambda: len(page.value(tasks)) == 4)
    names = {row.split()[1] for row in page.value(tasks)}
    html.append(page.value("document.documentElement.outerHTML"))
    assert names == {"DownloadData", "SplitFrames", "WriteFrames", "CombineGif"}
    assert len(percents) >= 3
    assert any(" of 6 frames, " in message for message in messages if message)
    # Without Bokeh Dask has no page worth a link.
    assert bool(links) == (importlib.util.find_spec("bokeh") is not None)
    assert not [text for text in html if "s3cret" in text]


def all_of(selector: str, attribute: str) -> str:
    return f"[...document.querySelectorAll('{selector}')].map(each => each.{attribute})"


@pytest.fixture(scope="module")
def undisturbed(long_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip, made without luigid."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return clip_here(long_bundle, folder, quality="best").read_bytes()


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_goes_on_without_luigid(
    tmp_path: Path, luigid: Luigid, long_bundle: Path, undisturbed: bytes,
    fate: signal.Signals,
) -> None:  # fmt: skip
    """Killed, or silent, while frames are written; the clip is made; one wait is lost."""
    flags = ("--url", str(long_bundle), "--workdir", "work", "--quality", "best")
    run = start(tmp_path, *flags, "--scheduler-url", luigid.url)
    wait_until(lambda: list((tmp_path / "work" / "frames").glob("frame_*.gif")))
    os.kill(luigid.process.pid, fate)
    code = run.wait()
    said = (tmp_path / "log").read_text()
    assert code == 0, said
    assert said.count("luigid does not answer") == 1
    assert "Traceback" not in said
    assert (tmp_path / "work" / "clip.gif").read_bytes() == undisturbed
