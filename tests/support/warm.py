"""Programs in processes forked of one that has imported what they need: most of their start.

They are programs as any other, but for how they begin: with the arguments, the folder, the
environment and the streams they are given, in a session of their own. What the package itself does
when it is imported, each of them does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from support.dask_settings import QUIET
from support.paths import TESTS

PATIENCE_S = 600.0
"""After which a program is taken for one that hangs; on a busy machine all takes long."""

_LUIGI = """
import importlib, pkgutil
import luigi.cmdline, luigi.configuration, luigi.notifications, luigi.setup_logging
import luigi.tools.range, luigi_gif
for module in pkgutil.walk_packages(luigi_gif.__path__, "luigi_gif."):
    if module.name != "luigi_gif.cli":
        importlib.import_module(module.name)
"""
_DASK = f"""{_LUIGI}
import dask.__main__, distributed.cli.dask_scheduler, distributed.cli.dask_worker
"""
_SERVE = """
import gc, json, os, runpy, select, socket, sys
gc.collect()
gc.freeze()  # a fork that looked through all this would copy it
folder, name = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(f"{folder}/{name}.new")
listener.listen(64)
lives = os.open(f"{folder}/lives", os.O_RDONLY)
os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
if os.fork():
    os._exit(0)
os.setsid()
while True:
    ready, _, _ = select.select([listener, lives], [], [])
    if lives in ready:  # for it has no writer any more
        os._exit(0)
    connection, _ = listener.accept()
    order = json.loads(connection.makefile().readline())
    if "pid" in order:
        pid, status = os.waitpid(order["pid"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if pid else None
    else:
        answer = os.fork()
        if not answer:
            break
    connection.sendall(json.dumps(answer).encode())
    connection.close()
connection.close()
listener.close()
os.close(lives)
os.setsid()
os.chdir(order["cwd"])
os.environ.clear()
os.environ.update(order["env"])
for number, path in enumerate(order["streams"]):
    file = os.open(path, os.O_RDWR | os.O_APPEND)
    os.dup2(file, number)
    os.close(file)
sys.path[:0] = order["path"]
del sys.modules["luigi_gif"]
sys.argv[1:] = order["arguments"]
luigi.cmdline.luigi_run.__defaults__ = (sys.argv[1:],)
luigi.configuration.LuigiConfigParser._instance = None
if "LUIGI_CONFIG_PATH" in os.environ:
    luigi.configuration.add_config_path(os.environ["LUIGI_CONFIG_PATH"])
luigi.setup_logging.BaseLogging.config = luigi.configuration.get_config()
if "dask" in globals():
    dask.config.refresh()
runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
"""
_SERVERS = {"luigi": _LUIGI, "dask": _DASK}
"""What they import, by their names."""
_FOLDER = "TESTS_WARM_FOLDER"
"""A variable with the folder of their sockets."""


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Let programs be started until the block ends, here and in processes that are begun in it.

    All of them share the servers, each of which begins when it is first asked.
    """
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        os.mkfifo(f"{folder}/lives")
        lives = os.open(f"{folder}/lives", os.O_RDWR)  # the servers end when this is closed
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]
            os.close(lives)


def _ask(name: str, **order: object) -> Any:
    folder = os.environ[_FOLDER]
    with open(f"{folder}/{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(f"{folder}/{name}"):
            _begin(folder, name)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{folder}/{name}")
        connection.sendall(f"{json.dumps(order)}\n".encode())
        with connection.makefile() as answer:
            return json.load(answer)


def _begin(folder: str, name: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LUIGI_")
    }
    subprocess.run(
        [sys.executable, "-P", "-c", _SERVERS[name] + _SERVE, folder, name],
        cwd=TESTS,
        env=environment | QUIET,
        stdin=subprocess.DEVNULL,
        check=True,
    )


class Process(Protocol):
    """What is asked of a program that runs."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self, timeout: float = ...) -> int: ...

    def send_signal(self, sig: int) -> None: ...

    def kill(self) -> None: ...

    def terminate(self) -> None: ...


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
        self._command = command
        dash_m = command.index("-m")
        flags, (module, *arguments) = command[1:dash_m], command[dash_m + 1 :]
        assert command[0] == sys.executable
        assert list(flags) in ([], ["-P"])
        environment = dict(os.environ if env is None else env)
        folder = str(cwd or os.getcwd())
        path = environment.get("PYTHONPATH", "").split(os.pathsep)
        errors = stdout if stderr == subprocess.STDOUT else stderr
        self._server = "dask" if module == "dask" or "--dask-address" in arguments else "luigi"
        self._code: int | None = None
        self.pid: int = _ask(
            self._server,
            module=module,
            arguments=arguments,
            cwd=folder,
            env=environment,
            path=[each for each in ([] if flags else [folder]) + path if each],
            streams=[
                os.devnull,
                _path(stdout),
                _path(errors),
            ],
        )

    def poll(self) -> int | None:
        if self._code is None:
            self._code = _ask(self._server, pid=self.pid)
        return self._code

    def wait(self, timeout: float = PATIENCE_S) -> int:
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(self._command, timeout)
            _sleep(self.pid, min(1.0, timeout))
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _sleep(pid: int, seconds: float) -> None:
    """Until a process has ended, or for so long; for less where the system cannot tell."""
    if not hasattr(os, "pidfd_open"):
        time.sleep(0.005)
        return
    process = os.pidfd_open(pid)
    try:
        select.select([process], [], [], seconds)
    finally:
        os.close(process)


def _path(stream: IO[bytes] | int | None) -> str:
    return os.devnull if stream is None or isinstance(stream, int) else os.path.abspath(stream.name)


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command says, and its exit code."""
    with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
        process = Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=stderr)
        try:
            code = process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        said = [Path(file.name).read_text() for file in (stdout, stderr)]
    return subprocess.CompletedProcess(command, code, *said)


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
