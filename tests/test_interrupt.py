"""Signals: the first ends a process in order, the second at once; its forks end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product

import psutil
import pytest
from support.warm import PATIENCE_S

pytestmark = pytest.mark.slow

BODY = """
import multiprocessing, os, time
import luigi.worker
from luigi_gif.integrations import signals

def body():
    with signals.quiet_in_child():
        try:
            print(os.getpid(), flush=True)
            time.sleep(600)
        finally:
            print("in order", flush=True)
            time.sleep(600)
"""
FIRST = f"{BODY}\nsignals.install_signal_handlers()\nbody()"
FORKED = f"""{BODY}
signals.install_signal_handlers()
class Child(luigi.worker.TaskProcess):
    def __init__(self):
        multiprocessing.Process.__init__(self)
    def run(self):
        body()
child = Child()
child.start()
child.join()
"""
OWN = f"""{BODY.rpartition("time.sleep")[0]}
def mine():
    try:
        body()
    except KeyboardInterrupt:
        print("mine", flush=True)

signals.install_signal_handlers()
child = multiprocessing.get_context("fork").Process(target=mine)
child.start()
child.join()
"""
INTERRUPT = """
import atexit, multiprocessing, os, signal, time
from luigi_gif.integrations import signals

def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
"""
ENDING = f"""{INTERRUPT}
print(os.getpid(), flush=True)
atexit.register({{before}})
signals.install_signal_handlers()
atexit.register({{after}})
"""
OUT_OF_PLACE = f"""{INTERRUPT}
{{begin}}
signals.install_signal_handlers()
print(os.getpid(), flush=True)
try:
    {{interrupt}}
    time.sleep(600)
except KeyboardInterrupt:
    print("in order", flush=True)
"""
FORK = "multiprocessing.get_context('fork').Process(target=time.sleep, args=(600,), daemon=True)"
DELETE = "type('Deleted', (), {'__del__': interrupt})()"
IMPORTING = OUT_OF_PLACE.format(
    begin="""
import importlib.util, sys
finder = type(sys)("finder")
finder.find_spec = lambda *_: signals._interrupt(signal.SIGINT, sys._getframe(1))
""",
    interrupt="""
    sys.meta_path.insert(0, finder)
    importlib.util.find_spec("no_such_module")
    sys.meta_path.remove(finder)
    print("imported", flush=True)
""",
)
STARTING = f"""{INTERRUPT}
import importlib.abc, sys

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {{module!r}}:
            interrupt()

for module in [name for name in sys.modules if name.startswith("luigi")]:
    del sys.modules[module]
sys.meta_path.insert(0, Interrupting())
sys.argv[0] = {{command!r}}
import luigi_gif.cli
"""
IDLE_FORKS = """
import luigi.worker
from luigi_gif.integrations import fork_pool

class Alone(luigi.Task):
    alone = True

    def complete(self):
        return False

def stop(self):
    raise KeyboardInterrupt

luigi.worker.KeepAliveThread.stop = stop
fork_pool.install_pooling_worker()
luigi.build([Alone()], local_scheduler=True, workers=2)
"""
LOCKED = OUT_OF_PLACE.format(
    begin="""
import threading
lock = threading.Lock()

def release():
    interrupt()
    lock.release()

os.register_at_fork(before=lock.acquire, after_in_parent=release)
""",
    interrupt=f"{FORK}.start()",
)
DROPPED = f"""{INTERRUPT}
def drop():
    type('Deleted', (), {{'__del__': lambda self: 1 / 0}})()

signals.install_signal_handlers()
print(os.getpid(), flush=True)
drop()
try:
    interrupt()
except KeyboardInterrupt:
    drop()
"""
PUT_OFF = f"""{INTERRUPT}
import sys
signals._AGAIN_S, signals._MAX_TIMES = 600, 3
print(os.getpid(), flush=True)
exec(compile("def importing(): return sys._getframe()", signals._IMPORT, "exec"))
for number in range(5):
    try:
        signals._interrupt(signal.SIGINT, importing())
    except KeyboardInterrupt:
        print(number)
        break
"""
HALF_STARTED = """
from multiprocessing import queues
import luigi
from luigi_gif.integrations import fork_pool

real = queues.Finalize

def finalize(queue, how, *rest, **more):
    if how == queues.Queue._finalize_close:
        raise KeyboardInterrupt
    return real(queue, how, *rest, **more)

queues.Finalize = finalize
fork_pool.install_pooling_worker()
luigi.build([luigi.Task()], local_scheduler=True, workers={workers})
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Started:
    """A process, and the one that says what it does: that, or one that it forked."""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.says = psutil.Process(int(self.line()))

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        for pid in (*self._forks(), self.process.pid, self.says.pid):
            with contextlib.suppress(ProcessLookupError):  # it may just have ended
                if pid in psutil.pids():
                    os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    def _forks(self) -> list[int]:
        """What would hold its streams open."""
        if self.process.poll() is not None:
            return []
        forks = psutil.Process(self.process.pid).children(recursive=True)
        return [each.pid for each in forks]


@pytest.fixture
def start() -> Iterator[type[Started]]:
    processes: list[Started] = []

    class Noted(Started):
        def __init__(self, code: str) -> None:
            super().__init__(code)
            processes.append(self)

    yield Noted
    for process in processes:
        process.close()


@pytest.mark.parametrize(("one", "two"), list(product(SIGNALS, SIGNALS)))
def test_a_second_signal_ends_a_process_at_once(
    start: type[Started], one: signal.Signals, two: signal.Signals
) -> None:
    """Whichever came first: a service manager may want it after Ctrl-C, and the other way."""
    started = start(FIRST)
    os.kill(started.says.pid, one)
    assert started.line() == "in order\n"
    os.kill(started.says.pid, two)
    assert started.process.wait() == -two


def test_a_forked_process_takes_one_wish_twice(start: type[Started]) -> None:
    """Ctrl-C reaches it, and then Luigi's SIGTERM; one more SIGTERM ends it."""
    started = start(FORKED)
    os.kill(started.says.pid, signal.SIGINT)
    assert started.line() == "in order\n"
    os.kill(started.says.pid, signal.SIGTERM)
    with pytest.raises(psutil.TimeoutExpired):
        started.says.wait(0.5)
    os.kill(started.says.pid, signal.SIGTERM)
    started.process.wait()


def test_a_forked_process_ends_with_the_first(start: type[Started]) -> None:
    """Also where that was killed and could say nothing: first in order, then at once."""
    started = start(FORKED.replace("def body", "signals._ORDER_S = 0.1\ndef body"))
    started.process.kill()
    assert started.line() == "in order\n"
    started.says.wait(60)


def test_a_forked_process_ends_though_another_thread_took_the_signals(
    start: type[Started],
) -> None:
    """The main one sees nothing of them while it waits."""
    take = (
        "import threading, signal\n"
        "def take():\n"
        "    for number in (signal.SIGINT, signal.SIGTERM):\n"
        "        signal.pthread_kill(threading.get_ident(), number)\n"
    )
    wait = "threading.Timer(0.5, take).start(); time.sleep(60); print('late', flush=True)"
    started = start(take + FORKED.replace("time.sleep(600)", wait, 1))
    assert started.line() == "in order\n"


def test_a_forked_process_that_has_just_begun_prints_nothing(start: type[Started]) -> None:
    """Before multiprocessing knows it for its own."""
    early = f"""
import multiprocessing.util
{INTERRUPT}
multiprocessing.util._close_stdin = interrupt
print(os.getpid(), flush=True)
"""
    started = start(
        FORKED.replace("signals.install", f"{early}signals.install", 1).replace(
            "sleep(600)", "sleep(1)"
        )
    )
    _, errors = started.process.communicate(timeout=PATIENCE_S)
    assert not errors


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [("interrupt", "int", -signal.SIGINT), ("time.sleep, 0.5", "interrupt", 0)],
)
def test_a_signal_that_comes_when_all_is_done_prints_nothing(
    start: type[Started], before: str, after: str, code: int
) -> None:
    """In what Python calls at the end, before or after this package's own part of it."""
    started = start(ENDING.format(before=before, after=after))
    _, errors = started.process.communicate(timeout=PATIENCE_S)
    assert (started.process.returncode, errors) == (code, "")


@pytest.mark.parametrize(
    ("begin", "interrupt"),
    [
        ("os.register_at_fork(before=interrupt)", f"{FORK}.start()"),
        ("os.register_at_fork(after_in_parent=interrupt)", f"{FORK}.start()"),
        (
            "os.register_at_fork(after_in_child=interrupt)",
            f"p = {FORK}; p.start(); p.join(); p.exitcode and interrupt()",
        ),
        ("", DELETE),
    ],
)
def test_a_signal_is_handled_that_comes_where_python_drops_exceptions(
    start: type[Started], begin: str, interrupt: str
) -> None:
    """Around a fork, where locks are held besides, and while an object is deleted."""
    started = start(OUT_OF_PLACE.format(begin=begin, interrupt=interrupt))
    assert started.line() == "in order\n"
    assert started.process.wait() == 0


def test_a_process_of_the_users_own_ends_as_it_likes(start: type[Started]) -> None:
    """One that Luigi did not fork goes on through the user's own code."""
    started = start(OWN)
    os.kill(started.says.pid, signal.SIGINT)
    assert [started.line(), started.line()] == ["in order\n", "mine\n"]
    assert started.process.wait() == 0


def test_a_signal_does_not_end_an_import_halfway(start: type[Started]) -> None:
    """Python would keep a lock of its own, and each thread that imports wait for it."""
    started = start(IMPORTING)
    assert started.line() == "imported\n"
    assert started.line() == "in order\n"


def test_a_signal_is_not_put_off_for_ever(start: type[Started]) -> None:
    """The import of another thread, for which this one waits, may take long."""
    assert start(PUT_OFF).line() == "3\n"


def test_an_interrupt_during_a_fork_leaves_no_lock_locked(start: type[Started]) -> None:
    """The hooks around a fork hold some, logging's for one."""
    started = start(f"{LOCKED}\nprint(lock.locked(), flush=True)")
    assert [started.line(), started.line()] == ["in order\n", "False\n"]
    assert started.process.wait() == 0  # and has ended what it forked


def test_what_is_dropped_after_a_signal_is_not_printed(start: type[Started]) -> None:
    """It comes of the signal; what was dropped before is."""
    started = start(DROPPED)
    _, errors = started.process.communicate(timeout=PATIENCE_S)
    assert errors.count("ZeroDivisionError") == 1


def test_another_signal_does_not_end_a_forked_process(start: type[Started]) -> None:
    """Luigi takes SIGUSR1 as the wish for no more tasks."""
    handle = (
        "signals._CHECK_S = 0.05\n"
        "signal.signal(signal.SIGUSR1, lambda number, _: print(number, flush=True))\n"
        "def body"
    )
    ends_at_once = FORKED.replace(BODY, BODY.rpartition("time.sleep")[0])
    started = start("import signal\n" + ends_at_once.replace("def body", handle))
    os.kill(started.says.pid, signal.SIGUSR1)
    assert started.line() == f"{signal.SIGUSR1:d}\n"
    with pytest.raises(psutil.TimeoutExpired):
        started.says.wait(1)


@pytest.mark.parametrize("module", ["luigi", "luigi_gif.tasks", "luigi_gif.cli_report"])
@pytest.mark.parametrize("command", ["luigi-gif", "gunicorn"])
def test_ctrl_c_while_a_command_starts_is_a_line(module: str, command: str) -> None:
    """And no traceback; a process that is not ours gets what it would get."""
    code = STARTING.format(command=command, module=module)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S
    )
    if command == "luigi-gif":
        assert result.returncode == 130
        assert result.stderr == "Interrupted: nothing was done yet\n"
    else:
        assert result.returncode == -signal.SIGINT
        assert "Traceback" in result.stderr


def test_ctrl_c_that_python_dropped_ends_a_command() -> None:
    """It left a lock locked, for which each thread that imports would wait."""
    code = "import _imp, sys; sys.argv[0] = 'luigi-gif'; _imp.acquire_lock(); import luigi_gif"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert result.returncode == 130
    assert result.stderr == "Interrupted: nothing was done yet\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_ends_whose_thread_for_results_was_half_started(workers: int) -> None:
    """It was not yet told how it is to end; neither the run nor its fork may wait for it."""
    command = [sys.executable, "-c", HALF_STARTED.format(workers=workers)]
    result = subprocess.run(command, stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
    assert result.returncode == -signal.SIGINT


def test_a_run_ends_whose_forks_were_not_told_to() -> None:
    """An interrupt came before its worker could do so."""
    command = [sys.executable, "-c", IDLE_FORKS]
    result = subprocess.run(command, stderr=subprocess.DEVNULL, timeout=PATIENCE_S)
    assert result.returncode == -signal.SIGINT
