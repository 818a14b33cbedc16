"""Programs that run beside a test: any, and Dask's schedulers and workers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support import warm
from support.dask_settings import QUIET
from support.paths import TESTS

PRELOADED = {"dask", "support.luigid_program"}
"""Modules of programs that start faster from what is imported."""


class Service(NamedTuple):
    """A program that runs."""

    address: str
    """What it says of itself when it is ready."""
    process: warm.Process

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def service(*command: str, ready: str, **environment: str) -> Iterator[Service]:
    """A program that runs until the block ends, ready when a line has matched ``ready``."""
    with tempfile.NamedTemporaryFile() as log:
        process = _popen(command, environment)(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | QUIET | {"PYTHONPATH": str(TESTS), **environment},
        )
        try:
            yield Service(_said(process, Path(log.name), ready), process)
        finally:
            Service("", process).kill()


def _popen(command: tuple[str, ...], environment: dict[str, str]) -> warm.Start:
    """Where Python has to look for modules elsewhere, it has to start anew."""
    is_python = command[0] == sys.executable and not PRELOADED.isdisjoint(command)
    is_warm = is_python and "PYTHONPATH" not in environment
    return warm.Popen if is_warm else subprocess.Popen


def _said(process: warm.Process, log: Path, ready: str) -> str:
    while True:
        ended = process.poll() is not None
        said = log.read_text()
        whole_lines = said[: said.rfind("\n") + 1]
        if match := re.search(ready, whole_lines):
            return match[1]
        if ended:
            raise AssertionError(f"{process} ended before it was ready: {said}")
        time.sleep(0.005)


@contextlib.contextmanager
def dask_scheduler(**environment: str) -> Iterator[Service]:
    """A real scheduler, in a process of its own."""
    with service(
        sys.executable, "-P", "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0",
        "--no-dashboard", "--dashboard-address", "127.0.0.1:0",
        ready=r"Scheduler at:\s+(tcp://\S+)",
        **environment,
    ) as scheduler:  # fmt: skip
        yield scheduler


@contextlib.contextmanager
def dask_worker(address: str, **environment: str) -> Iterator[None]:
    """A real worker of one thread, in a process of its own."""
    with service(
        sys.executable, "-P", "-m", "dask", "worker", address, "--nthreads", "1", "--no-nanny",
        "--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0",
        ready=r"Registered to:\s+(\S+)",
        **environment,
    ):  # fmt: skip
        yield
