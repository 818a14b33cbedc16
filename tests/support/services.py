"""Programs that run beside a test: any, and Dask's schedulers and workers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import NamedTuple

from support.paths import TESTS

QUIET = {
    f"DASK_DISTRIBUTED__{name}": value
    for name, value in {
        "ADMIN__SYSTEM_MONITOR__GIL__ENABLED": "False",
        "ADMIN__SYSTEM_MONITOR__INTERVAL": "10s",
        "ADMIN__TICK__INTERVAL": "10s",
        "ADMIN__TICK__LIMIT": "1h",
        "SCHEDULER__WORK_STEALING_INTERVAL": "10s",
        "WORKER__MEMORY__MONITOR_INTERVAL": "10s",
        "WORKER__PROFILE__ENABLED": "False",
    }.items()
}
"""What Dask's programs measure of themselves; idle ones do little else."""


class Service(NamedTuple):
    """A program that runs."""

    address: str
    """What it says of itself when it is ready."""
    process: subprocess.Popen[str]

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def service(*command: str, ready: str, **environment: str) -> Iterator[Service]:
    """A program that runs until the block ends, ready when a line has matched ``ready``."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | QUIET | {"PYTHONPATH": str(TESTS), **environment},
    )
    assert process.stdout is not None
    drain = threading.Thread(target=process.stdout.read, name="drain")
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if match := re.search(ready, line):
                break
        else:
            raise AssertionError(f"{command} ended before it was ready: {''.join(said)}")
        drain.start()
        yield Service(match[1], process)
    finally:
        Service("", process).kill()
        if drain.ident:
            drain.join()
        process.stdout.close()


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
