"""Commands in processes forked of one that has imported Luigi: that import is most of their start.

They are commands as any other, but for how they begin: with the arguments, the folder, the
environment and the streams they are given, in a session of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from support.paths import TESTS

PATIENCE_S = 600.0
"""After which a program is taken for one that hangs; on a busy machine all takes long."""

_SERVER = """
import json, os, runpy, sys
import luigi.cmdline, luigi.configuration, luigi.notifications, luigi.setup_logging
import luigi.tools.range, requests
for line in sys.stdin:
    order = json.loads(line)
    if "pid" in order:
        pid, status = os.waitpid(order["pid"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if pid else None
    else:
        answer = os.fork()
        if not answer:
            break
    print(json.dumps(answer), flush=True)
else:
    sys.exit()
os.setsid()
os.chdir(order["cwd"])
os.environ.clear()
os.environ.update(order["env"])
for number, path in enumerate(order["streams"]):
    file = os.open(path, os.O_RDWR | os.O_APPEND)
    os.dup2(file, number)
    os.close(file)
sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(":"))
sys.argv[1:] = order["arguments"]
luigi.cmdline.luigi_run.__defaults__ = (sys.argv[1:],)
luigi.configuration.LuigiConfigParser._instance = None
if "LUIGI_CONFIG_PATH" in os.environ:
    luigi.configuration.add_config_path(os.environ["LUIGI_CONFIG_PATH"])
luigi.setup_logging.BaseLogging.config = luigi.configuration.get_config()
runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
"""
_servers: list[subprocess.Popen[str]] = []


def _ask(**order: object) -> Any:
    if not _servers:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("LUIGI_")
        }
        server = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            cwd=TESTS,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _servers.append(server)
        atexit.register(server.communicate)
    (server,) = _servers
    assert server.stdin is not None
    assert server.stdout is not None
    print(json.dumps(order), file=server.stdin, flush=True)
    return json.loads(server.stdout.readline())


class Process(Protocol):
    """What is asked of a command that runs."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float = ...) -> int: ...


Start = Callable[..., Process]


class Popen:
    """As much of subprocess.Popen as the tests need, for ``python -m module arguments``."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: IO[bytes] | int | None = None,
        stderr: IO[bytes] | int | None = None,
        start_new_session: bool = True,
    ) -> None:
        assert start_new_session
        python, dash_m, module, *arguments = command
        assert (python, dash_m) == (sys.executable, "-m")
        self._code: int | None = None
        self.pid: int = _ask(
            module=module,
            arguments=arguments,
            cwd=str(cwd or os.getcwd()),
            env=dict(os.environ if env is None else env),
            streams=[os.devnull, _path(stdout), _path(stderr)],
        )

    def poll(self) -> int | None:
        if self._code is None:
            self._code = _ask(pid=self.pid)
        return self._code

    def wait(self, timeout: float = PATIENCE_S) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
                raise AssertionError("the command does not end")
            time.sleep(0.005)
        return code


def _path(stream: IO[bytes] | int | None) -> str:
    return os.devnull if stream is None or isinstance(stream, int) else os.path.abspath(stream.name)


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command says, and its exit code."""
    with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
        code = Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr).wait()
        said = [Path(file.name).read_text() for file in (stdout, stderr)]
    return subprocess.CompletedProcess(command, code, *said)
