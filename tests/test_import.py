"""Importing the package changes nothing in a process; a command installs what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import luigi_environment
from support.paths import SAMPLE

pytestmark = pytest.mark.slow

STATE = """
import gc, logging, os, signal, sys, threading
import luigi, luigi.cmdline, luigi.configuration, luigi.rpc

def state():
    names = ("luigi-interface", "luigi", "apprise", "asyncio", "distributed", "PIL")
    config = luigi.configuration.get_config()
    return {
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "collector": (gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()),
        "client": (luigi.rpc.RemoteScheduler, dict(vars(luigi.rpc.RemoteScheduler))),
        "logs": [
            (log.level, log.propagate, list(log.filters), list(log.handlers))
            for log in map(logging.getLogger, names)
        ],
        "environment": dict(os.environ),
        "config": {name: dict(config[name]) for name in config.sections()},
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "threads": threading.enumerate(),
    }

def changes(before, after):
    return [name for name in before if before[name] != after[name]]
"""
IN_THE_MAIN_THREAD = "import luigi_gif, luigi_gif.cli"
IN_A_THREAD = """
def load():
    try:
        import luigi_gif, luigi_gif.cli
    except BaseException as error:
        print(error)
thread = threading.Thread(target=load)
thread.start()
thread.join()
"""


def run(folder: Path, *arguments: str) -> str:
    """What it prints."""
    environment = luigi_environment()
    del environment["LUIGI_CONFIG_PATH"]
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("how", [IN_THE_MAIN_THREAD, IN_A_THREAD])
def test_an_import_has_no_effect(tmp_path: Path, how: str) -> None:
    """Also from a thread, and where the luigi command's module is loaded, as in a web service."""
    code = f"{STATE}\nbefore = state()\n{how}\nprint(changes(before, state()))"
    assert run(tmp_path, "-c", code) == "[]\n"


def test_a_pipeline_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    """Under the luigi command too, which imports the user's module, and that this package."""
    (tmp_path / "mine.py").write_text(
        f"{STATE}\nbefore = state()\n{IN_THE_MAIN_THREAD}\nafter = state()\n"
        "class Mine(luigi.WrapperTask):\n"
        "    def requires(self):\n"
        "        print(changes(before, after))\n"
        f"        return luigi_gif.CombineGif(url={str(SAMPLE)!r}, workdir='work')\n"
    )
    said = run(tmp_path, "-m", "luigi", "--module", "mine", "Mine", "--local-scheduler")
    assert set(said.splitlines()) == {"[]"}
    assert (tmp_path / "work" / "clip.gif").exists()


def test_the_luigi_command_installs_what_it_needs(tmp_path: Path) -> None:
    """Where it imports this package to run its tasks."""
    code = (
        f"{STATE}\nbefore = state()\n"
        "try:\n"
        "    luigi.cmdline.luigi_run(['--module', 'luigi_gif', 'CombineGif', '--url', 'none'])\n"
        "except SystemExit as end:\n"
        "    print(end.code, *changes(before, state()))"
    )
    code, *changed = run(tmp_path, "-c", code).split()
    assert code == "30"
    assert {"signals", "hooks", "collector", "client", "logs", "config"} <= set(changed)
    assert "environment" not in changed
