"""The profiles, the crontab and the units of config/: valid, and what they start works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from datetime import date
from pathlib import Path
from urllib.request import urlopen

import pytest
from crontab import CronTab
from support import programs, warm
from support.commands import luigi_command
from support.images import gif
from support.luigid import Luigid, luigid_server
from support.page_server import Server
from support.paths import ROOT

CONFIG = ROOT / "config"
TODAY = str(date.today())
UNITS = ("luigi-gif-nightly.service", "luigi-gif-nightly.timer", "luigid.service")


@pytest.fixture
def gifs(tmp_path: Path, server: Server) -> Path:
    """What stands for /srv/gifs: nightly.cfg, and a virtual environment."""
    folder = tmp_path / "gifs"
    (folder / "venv" / "bin").mkdir(parents=True)
    for name, module in (("luigi", "luigi"), ("luigi-gif", "luigi_gif.cli")):
        script = folder / "venv" / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        script.chmod(0o755)
    profile = (CONFIG / "nightly.cfg").read_text()
    profile = profile.replace("https://example.org", server.url(""))
    (folder / "nightly.cfg").write_text(profile)
    server.pages[f"/{TODAY}/all-images.img"] = gif(1)
    return folder


def check_a_night(folder: Path) -> None:
    assert (folder / "nights" / TODAY / "clip.gif").exists()
    assert (folder / "nights" / "index.html").exists()


def test_the_crontab_is_valid_and_its_commands_work(gifs: Path) -> None:
    """Each line is parsed by a program, then run by a shell; one night is there."""
    table = CronTab(tabfile=str(CONFIG / "crontab"))
    jobs = list(table)
    assert len(jobs) == 2
    assert all(job.is_valid() for job in jobs)
    for job in jobs:
        command = job.command.replace("/srv/gifs", str(gifs)).replace("2026-11-01", TODAY)
        subprocess.run(["/bin/sh", "-c", command], check=True, timeout=300)
    check_a_night(gifs)
    assert (gifs / ".luigi").exists()
    assert "NightlyGif" in (gifs / "nightly.log").read_text()


def test_the_units_are_valid(gifs: Path, tmp_path: Path) -> None:
    """As systemd sees them."""
    systemd_analyze = programs.need("systemd-analyze")
    (gifs / "venv" / "bin" / "luigid").write_text("#!/bin/sh\n")
    (gifs / "venv" / "bin" / "luigid").chmod(0o755)
    for name in UNITS:
        text = (CONFIG / name).read_text().replace("/srv/gifs", str(gifs))
        (tmp_path / name).write_text(text)
    said = subprocess.run(
        [systemd_analyze, "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert str(tmp_path) not in said.stderr


def test_the_commands_of_the_nightly_unit_work(gifs: Path) -> None:
    """In their order."""
    text = (CONFIG / "luigi-gif-nightly.service").read_text().replace("/srv/gifs", str(gifs))
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    name, _, value = lines["Environment"].partition("=")
    for key in ("ExecStart", "ExecStartPost"):
        command = shlex.split(lines[key].replace("2026-11-01", TODAY))
        subprocess.run(
            command, cwd=lines["WorkingDirectory"], env=os.environ | {name: value}, check=True
        )
    check_a_night(gifs)


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
