"""Run every command of README.md and docs/operations.md as it is written there.

usage: python tests/campaigns/commands.py [--python PYTHON]

A wheel is built and installed in a new virtual environment, with the extras that the documents
name. The commands then run in a folder that holds examples/ and config/, one after another; servers
run on while the next ones do. What cannot run here is listed, with its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
DOCUMENTS = ("README.md", "docs/operations.md")
SERVERS = ("dask scheduler", "dask worker", "LUIGI_CONFIG_PATH=config/luigid.cfg luigid")
CANNOT = {
    "make ": "the Makefile's targets are run by .ci/run and by hand in a clone",
    "python3 -m venv": "this script has made the environment",
    "venv/bin/pip install 'luigi_gif": "the wheel is installed already",
    "pip install '.[s3]'": "the wheel is installed already, with this extra",
    "luigi --module luigi_gif CombineGif --url s3://": "there is no bucket; tests/test_stores.py",
}


def commands(document: str) -> Iterator[str]:
    """The indented lines of a document that begin as a command does."""
    for line in (ROOT / document).read_text().splitlines():
        if re.match(r" {4}(LUIGI_\S+ )?(luigi|luigid|dask|make|pip|venv/|python3|cp|find)", line):
            yield line.strip()


def run_all(folder: Path, environment: dict[str, str]) -> list[str]:
    """Run them; those that failed."""
    failed, servers = [], []
    try:
        for document in DOCUMENTS:
            for command in commands(document):
                reason = next((why for what, why in CANNOT.items() if command.startswith(what)), "")
                if reason:
                    print(f"not run: {command}\n         {reason}")
                elif command.startswith(SERVERS):
                    servers.append(_start(command, folder, environment))
                    _wait_for_port(command)
                    print(f"started: {command}")
                else:
                    run = _start(command, folder, environment)
                    said = run.communicate(timeout=600)[0]
                    print(f"exit {run.returncode:3}: {command}", flush=True)
                    if run.returncode:
                        failed.append(f"{command}\n{said}")
        return failed
    finally:
        for server in reversed(servers):  # a worker whose scheduler is gone looks for it
            server.terminate()
            server.communicate()


def _wait_for_port(command: str) -> None:
    """Until the server that the command starts can be reached."""
    if port := re.search("--port ([0-9]+)", command):
        for _ in range(6000):
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", int(port[1]))),
            ):
                return
            time.sleep(0.1)


def _start(command: str, folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["/bin/sh", "-c", f"exec env {command}"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _prepare(folder: Path) -> None:
    """What the commands are about: the sample, pictures, a list of URLs, and dated bundles."""
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copytree(ROOT / "examples", folder / "examples")
    (folder / "urls.txt").write_text("examples/sample.img\n")
    (folder / "pictures").mkdir()
    for number in range(3):
        picture = Image.linear_gradient("L").rotate(90 * number).convert("RGB")
        picture.save(folder / "pictures" / f"{number}.jpg")
    profile = (folder / "config" / "nightly.cfg").read_text()
    (folder / "config" / "nightly.cfg").write_text(
        profile.replace("https://example.org/", "served/")
    )
    shutil.copy(ROOT / "luigi.cfg", folder)
    day = date(2026, 11, 1)
    while day <= date.today():
        (folder / "served" / str(day)).mkdir(parents=True)
        shutil.copy(
            ROOT / "examples" / "sample.img", folder / "served" / str(day) / "all-images.img"
        )
        day += timedelta(days=1)


def _installed(folder: Path, python: str) -> Path:
    """The bin folder of a virtual environment that has the wheel."""
    pip = [str(folder / "env" / "bin" / "pip"), "--quiet"]
    subprocess.run([python, "-m", "venv", folder / "env"], check=True)
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    extras = f"{wheel}[s3,notify]"
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "install", *constraints, extras], check=True)
    return folder / "env" / "bin"


def main() -> None:
    parser = argparse.ArgumentParser(description="Run every command of the documents.")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bin_folder = _installed(folder, options.python)
        (folder / "empty").mkdir()
        _prepare(folder / "empty")
        environment = {"PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": name}
        failed = run_all(folder / "empty", environment)
    if failed:
        sys.exit("\n\n".join(["These failed:", *failed]))
    print("every command works as it is written")


if __name__ == "__main__":
    main()
