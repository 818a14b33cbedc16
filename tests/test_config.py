"""The profiles, the crontab and the units of config/: valid, and what they start works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from crontab import CronItem, CronTab
from support import programs, warm
from support.commands import luigi_command
from support.images import gif
from support.luigid import Luigid, luigid_server
from support.page_server import Server
from support.paths import ROOT
from support.receiver import Receiver

pytestmark = pytest.mark.slow

CONFIG = ROOT / "config"
COMMAND = (sys.executable, "-m", "luigi_gif.cli")


@pytest.fixture
def gifs(tmp_path: Path, server: Server) -> Path:
    """What stands for /srv/gifs: the samples, for a bundle that a server has for each day."""
    folder = tmp_path / "gifs"
    folder.mkdir()
    assert warm.run([*COMMAND, "--write-samples"], cwd=folder).returncode == 0
    profile = folder / "config" / "nightly.cfg"
    url = server.url("/%%Y-%%m-%%d/all-images.img")
    profile.write_text(profile.read_text().replace("url = examples/sample.img", f"url = {url}"))
    for day in (date.today(), date.today() + timedelta(days=1)):  # it may be near midnight
        server.pages[f"/{day}/all-images.img"] = gif(1)
    return folder


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def jobs(folder: Path) -> list[CronItem]:
    """Those of the crontab."""
    return list(CronTab(tabfile=str(folder / "config" / "crontab")))


def run(command: str) -> subprocess.CompletedProcess[str]:
    """As cron does, which mails what is said."""
    return subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=warm.PATIENCE_S
    )


def unit(folder: Path, name: str) -> dict[str, str]:
    """The entries of a unit."""
    lines = (folder / "config" / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def check_a_night(folder: Path) -> None:
    assert list(folder.glob("nights/????-??-??/clip.gif"))
    assert (folder / "nights" / "index.html").exists()


def test_the_crontab_is_valid_and_its_commands_work(gifs: Path) -> None:
    """Each is parsed, then run by a shell; a night and loops are made, and no mail is sent."""
    assert len(jobs(gifs)) == 3
    assert all(job.is_valid() for job in jobs(gifs))
    for job in jobs(gifs):
        result = run(job.command)
        assert result.returncode == 0, result.stderr
        assert result.stdout + result.stderr == ""
    check_a_night(gifs)
    assert (gifs / ".luigi").exists()
    assert "NightlyGif" in (gifs / "nightly.log").read_text()
    assert (gifs / "sunflower-small.gif").exists()
    assert (gifs / "loops.log").read_text().count(" made ") == 2


def test_cron_mails_what_failed_at_night(gifs: Path, server: Server) -> None:
    """The end of the log is printed, and the exit code is Luigi's."""
    server.pages.clear()
    result = run(jobs(gifs)[0].command)
    assert result.returncode == 30
    url = re.escape(server.url("/")) + r"\d{4}-\d\d-\d\d/all-images\.img"
    assert re.search(rf"What failed:\n\* {url}: ", result.stdout)


@pytest.mark.external
def test_the_units_are_valid(gifs: Path) -> None:
    """As systemd sees them."""
    systemd_analyze = programs.need("systemd-analyze")
    units = [*gifs.glob("config/*.service"), *gifs.glob("config/*.timer")]
    assert len(units) == 4
    said = subprocess.run(
        [systemd_analyze, "verify", *map(str, units)], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert str(gifs) not in said.stderr


def test_the_commands_of_the_nightly_unit_work(gifs: Path) -> None:
    """In their order."""
    lines = unit(gifs, "luigi-gif-nightly.service")
    name, _, value = lines["Environment"].partition("=")
    for key in ("ExecStart", "ExecStopPost"):
        subprocess.run(
            shlex.split(lines[key]),
            cwd=lines["WorkingDirectory"],
            env=os.environ | {name: value},
            check=True,
        )
    check_a_night(gifs)


def test_systemd_tells_of_a_failed_run_as_a_failure(gifs: Path, receiver: Receiver) -> None:
    """The unit that the nightly one names for that sends the end of the log."""
    failed = unit(gifs, unit(gifs, "luigi-gif-nightly.service")["OnFailure"])
    (gifs / "journalctl").write_text("#!/bin/sh\necho the log of $2\n")
    (gifs / "journalctl").chmod(0o755)
    (gifs / "config" / "apprise.conf").write_text(f"# a comment\n{receiver.url}\n")
    subprocess.run(
        shlex.split(failed["ExecStart"]),
        cwd=failed["WorkingDirectory"],
        env=os.environ | {"PATH": f"{gifs}:{os.environ['PATH']}"},
        check=True,
    )
    (message,) = receiver.messages
    assert message["type"] == "failure"
    assert message["message"] == "the log of luigi-gif-nightly"


def test_history_and_metrics_are_kept(tmp_path: Path) -> None:
    """By the profile that has them on."""
    with luigid_server(tmp_path, "luigid-history.cfg", tmp_path) as luigid:
        (tmp_path / "bundle.img").write_bytes(gif(1))
        flags = ("--url", "bundle.img", "--scheduler-url", luigid.url)
        result = warm.run(
            luigi_command("CombineGif", *flags),
            cwd=tmp_path,
            env=os.environ | {"LUIGI_CONFIG_PATH": str(CONFIG / "client.cfg")},
        )
        assert result.returncode == 0, result.stderr
        assert "CombineGif" in read(luigid, "/history")
        assert "luigi_task_done_total" in read(luigid, "/metrics")


def read(luigid: Luigid, path: str) -> str:
    with urlopen(luigid.url + path) as answer:
        return str(answer.read().decode())
