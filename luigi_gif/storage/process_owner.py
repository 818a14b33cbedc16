"""Which process made a temporary file or holds a lock, and whether it still lives."""

from __future__ import annotations

import functools
import json
import os
import socket
import time
from typing import NamedTuple

MAX_AGE_S = 7 * 86_400.0
"""A process of another machine, which cannot be looked at, is taken for dead after so long."""


class Owner(NamedTuple):
    """A process."""

    host: str
    machine: str
    """The boot and the namespace in which ``pid`` means something; empty where it is not known."""
    pid: int
    started: str
    """When the kernel started it: a number is used again, but not with this."""
    since: float
    """When it noted itself, in seconds of the epoch."""

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(self.since))
        return f"process {self.pid} on {self.host}, since {since} UTC"

    def is_gone(self) -> bool:
        """Whether the process has surely ended, or is too old to be believed in."""
        if self.machine and self.machine == _machine():
            return _started(self.pid) != self.started
        return time.time() - self.since > MAX_AGE_S

    def to_json(self) -> bytes:
        """As a line of text."""
        return json.dumps(self._asdict()).encode() + b"\n"


def this_process() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    return Owner(socket.gethostname(), _machine(), pid, _own_start(pid), time.time())


def parse_owner(text: bytes) -> Owner | None:
    """What :meth:`Owner.to_json` gave, or None where the text is something else."""
    try:
        value = json.loads(text)
        owner = Owner(
            str(value["host"]),
            str(value["machine"]),
            int(value["pid"]),
            str(value["started"]),
            float(value["since"]),
        )
        str(owner)  # a time that no calendar has
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
    return owner


@functools.cache
def _machine() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        return f"{boot}-{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return ""


@functools.cache
def _own_start(pid: int) -> str:
    """Of this process, which knows itself by its number: a fork has another one."""
    return _started(pid)


def _started(pid: int) -> str:
    """Empty where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The second field, a name in parentheses, may hold anything.
            return file.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""
