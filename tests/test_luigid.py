"""What luigid's page shows of a run, and a run whose luigid dies or is silent."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest
from browser import browser
from conftest import DELIMITER, PATIENCE_S, ROOT, Luigid, Server, luigi_command
from PIL import Image

pytestmark = pytest.mark.xdist_group("luigid")

CLIENT = {"LUIGI_CONFIG_PATH": str(ROOT / "config" / "client.cfg")}


@pytest.fixture(scope="module")
def long_bundle() -> bytes:
    """Frames that take some seconds."""
    gradient = Image.radial_gradient("L").resize((240, 180))
    frames = []
    for number in range(20):
        bands = [gradient.rotate(7 * number + 70 * band) for band in range(3)]
        file = io.BytesIO()
        Image.merge("RGB", bands).save(file, "PNG", compress_level=1)
        frames.append(file.getvalue())
    return DELIMITER.join(frames)


def start(folder: Path, bundle: bytes, *flags: str) -> subprocess.Popen[str]:
    (folder / "bundle.img").write_bytes(bundle)
    return subprocess.Popen(
        luigi_command(
            "CombineGif", "--url", "bundle.img", "--workdir", "work", "--quality", "best", *flags,
        ),
        cwd=folder,
        env=os.environ | CLIENT,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_chromium_shows_how_a_run_goes_on(
    tmp_path: Path, luigid: Luigid, server: Server, long_bundle: bytes, dashboard: str
) -> None:
    """A bar that moves, a link that Dask can draw, the four tasks when they are done; no secret."""
    server.pages["/all.img"] = DELIMITER.join([long_bundle] * 3)
    luigi = subprocess.Popen(
        luigi_command(
            "CombineGif", "--url", server.url("/all.img?token=s3cret"), "--quality", "best",
            "--scheduler-url", luigid.url, "--dask-address", dashboard,
        ),
        cwd=tmp_path,
        env=os.environ | CLIENT,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    html: list[str] = []
    percents: set[str] = set()
    messages: set[str | None] = set()
    links: set[str] = set()
    with browser() as page:
        while luigi.poll() is None:
            page.open(f"{luigid.url}/static/visualiser/index.html?{len(html)}#tab=workers")
            until = time.monotonic() + 3
            while not page.value(all_of(".worker-table td", "innerText")):
                if time.monotonic() > until:
                    break
                time.sleep(0.05)
            html.append(page.value("document.documentElement.outerHTML"))
            percents.update(page.value(all_of(".taskProgressBar", "ariaValueNow")))
            for task_id in luigid.ask("task_list", status="RUNNING"):
                status = luigid.ask("get_task_status_message", task_id=task_id)
                messages.add(status["statusMessage"])
            found = page.value(all_of(".worker-table a.btn", "href"))
            if found and not links:
                with urlopen(found[0]) as answer:
                    assert answer.status == 200
            links.update(found)
            if percents:
                page.screenshot(tmp_path / "page.png")
        page.open(f"{luigid.url}/static/visualiser/index.html?done")
        rows = all_of("#taskTable tbody tr", "innerText")
        wait_until(lambda: len(page.value(rows)) == 4)
        names = {row.split()[1] for row in page.value(rows)}
        html.append(page.value("document.documentElement.outerHTML"))
    assert luigi.returncode == 0
    assert names == {"DownloadData", "SplitFrames", "WriteFrames", "CombineGif"}
    assert len(percents) >= 3
    assert any(" of 60 frames, " in message for message in messages if message)
    assert bool(links) == (find_spec("bokeh") is not None)
    assert not [text for text in html if "s3cret" in text]


def all_of(selector: str, attribute: str) -> str:
    return f"[...document.querySelectorAll('{selector}')].map(each => each.{attribute})"


@pytest.fixture(scope="module")
def undisturbed(long_bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The clip, made without luigid."""
    folder = tmp_path_factory.mktemp("undisturbed")
    run = start(folder, long_bundle, "--local-scheduler")
    said = run.communicate()[1]
    assert run.returncode == 0, said
    return (folder / "work" / "clip.gif").read_bytes()


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_goes_on_without_luigid(
    tmp_path: Path, luigid: Luigid, long_bundle: bytes, undisturbed: bytes,
    fate: signal.Signals,
) -> None:  # fmt: skip
    """Killed, or silent, while frames are written; the clip is made; one wait is lost."""
    run = start(tmp_path, long_bundle, "--scheduler-url", luigid.url)
    wait_until(lambda: list((tmp_path / "work" / "frames").glob("frame_*.gif")))
    os.kill(luigid.process.pid, fate)
    said = run.communicate(timeout=PATIENCE_S)[1]
    assert run.returncode == 0, said
    assert said.count("luigid does not answer") == 1
    assert "Traceback" not in said
    assert (tmp_path / "work" / "clip.gif").read_bytes() == undisturbed
