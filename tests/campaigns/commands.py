"""Run every command of README.md, docs/operations.md and docs/sources.md as it is written there.

usage: python tests/campaigns/commands.py [--python PYTHON]

A wheel is built and installed in a new virtual environment. The commands of a document then run one
after another in a folder of its own, which holds nothing but the wheel and the user's pictures;
servers run on while the next ones do. At the end cron's turn comes: what they put into a crontab
runs once. https://example.org is a server on loopback, behind a proxy. What cannot run here is
listed, with its reason.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

from campaigns import example_org  # noqa: E402

DOCUMENTS = ("README.md", "docs/operations.md", "docs/sources.md")
SERVERS = ("dask scheduler", "dask worker", "LUIGI_CONFIG_PATH=config/luigid.cfg luigid")
CANNOT = {
    "make ": "the Makefile's targets are run by .ci/run and by hand in a clone",
    "pip install '.[s3]'": "the folder is no clone, and the wheel is installed already",
    "pip install 'luigi_gif[s3]'": "the package is on no index yet",
    "luigi --module luigi_gif CombineGif --url s3://": "there is no bucket; tests/test_stores.py",
    "luigi-gif pictures -o s3://": "there is no bucket; tests/test_stores.py",
    "luigi-gif s3://": "there is no bucket; tests/test_stores.py",
    "luigi-gif 's3://": "there is no bucket; tests/test_stores.py",
    "FSSPEC_S3_ANON=": "there is no bucket; tests/test_stores.py",
    "sudo ": "this machine's systemd is left alone; tests/test_config.py runs the units' commands",
}
COMMAND = (
    r" {4}([A-Z_0-9]+=\S+ )?(luigi|luigid|dask|make|pip|venv/|\. venv|python3|\(crontab|sudo|echo"
    r"|chmod|find|tar|mkdir|cat)"
)
CRONTAB = """#!/bin/sh
case $1 in
-l) cat "$0.txt" ;;
-) cat >"$0.new" && mv "$0.new" "$0.txt" ;;
esac
"""
"""The program of that name, for a file beside it: this machine's crontab is left alone."""
IN_A_TABLE = r"\| [^|]+ \| `(luigi-gif [^`|]+)` \|"


def commands(document: str) -> Iterator[str]:
    """Lines of a document that are commands, indented or in a table, then its Python programs.

    What stands below a command up to END is its input.
    """
    text = (ROOT / document).read_text()
    of_tables = [line[1] for line in re.finditer(IN_A_TABLE, text)]
    lines = iter(text.splitlines())
    for line in lines:
        if re.match(COMMAND, line):
            yield "\n".join([line.strip(), *(_input(lines) if line.endswith("<<'END'") else [])])
    yield from of_tables
    for program in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        yield f"python3 - <<'END'\n{program}END"


def _input(lines: Iterator[str]) -> Iterator[str]:
    """The lines up to END, with it."""
    for line in lines:
        yield line.removeprefix("    ")
        if line.strip() == "END":
            return


def cron_jobs(folder: Path) -> Iterator[str]:
    """The commands of the crontab, when the others have run."""
    table = folder / "bin" / "crontab.txt"
    lines = table.read_text().splitlines() if table.exists() else []
    yield from dict.fromkeys(line.split(None, 5)[5] for line in lines if re.match(r"[\d*]", line))


def run_all(
    document: str, folder: Path, environment: dict[str, str], for_example_org: dict[str, str]
) -> list[str]:
    """Run those of a document; those that failed."""
    failed: list[str] = []
    servers: list[subprocess.Popen[str]] = []
    try:
        for command in itertools.chain(commands(document), cron_jobs(folder)):
            reason = next((why for what, why in CANNOT.items() if command.startswith(what)), "")
            if reason:
                print(f"not run: {command}\n         {reason}")
            elif command.startswith(SERVERS):
                servers.append(_start(command, folder, environment))
                _wait_for_port(command)
                print(f"started: {command}")
            else:
                more = {} if "pip " in command else for_example_org
                run = _start(command, folder, environment | more)
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
    is_server = command.startswith(SERVERS)  # which gets the signal that ends it, not its shell
    return subprocess.Popen(
        ["/bin/sh", "-c", f"exec env {command}" if is_server else command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _prepare(folder: Path, wheel: Path) -> None:
    """A folder with the wheel, and pictures and a video of the user."""
    (folder / "pictures").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "crontab").write_text(CRONTAB)
    (folder / "bin" / "crontab").chmod(0o755)
    (folder / wheel.name).symlink_to(wheel)
    video = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=3", str(folder / "video.mp4")]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *video], check=True)
    pictures = [
        Image.linear_gradient("L").rotate(90 * number).convert("RGB") for number in range(3)
    ]
    for number, picture in enumerate(pictures):
        picture.save(folder / "pictures" / f"{number}.jpg")
    shutil.make_archive(str(folder / "pictures"), "zip", folder, "pictures")
    (folder / "list.txt").write_text("pictures/0.jpg\npictures/1.jpg\n")
    pictures[0].save(folder / "animation.webp", save_all=True, append_images=pictures[1:])


def _installed(folder: Path, python: str) -> Path:
    """The wheel, which a virtual environment in this folder has then."""
    pip = [str(folder / "env" / "bin" / "pip"), "--quiet"]
    subprocess.run([python, "-m", "venv", folder / "env"], check=True)
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "install", *constraints, str(wheel)], check=True)
    return wheel


def main() -> None:
    parser = argparse.ArgumentParser(description="Run every command of the documents.")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as name, example_org.serving(Path(name)) as variables:
        wheel = _installed(Path(name), options.python)
        for number, document in enumerate(DOCUMENTS):
            folder = Path(name) / str(number)
            _prepare(folder, wheel)
            # The environment that a document makes comes first: its own commands use it.
            programs = [folder / "bin", folder / "venv" / "bin", Path(name) / "env" / "bin"]
            environment = {
                "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
                "HOME": name,
                "PIP_CONSTRAINT": str(ROOT / "constraints.txt"),
            }
            failed += run_all(document, folder, environment, variables)
    if failed:
        sys.exit("\n\n".join(["These failed:", *failed]))
    print("every command works as it is written")


if __name__ == "__main__":
    main()
