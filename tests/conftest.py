"""Fixtures and hooks. What they are made of is in tests/support/."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import signal
import site
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from luigi.configuration import LuigiConfigParser
from support import warm
from support.commands import Run, luigi_command, luigi_environment
from support.fetched import Fetch, fetch_into
from support.images import DELIMITER, true_color
from support.luigid import Luigid, luigid_server
from support.page_server import Server
from support.paths import SAMPLE
from support.pipeline import BUNDLE, Pipeline
from support.services import dask_scheduler, dask_worker, service
from support.stores import Running

from luigi_gif import bundles, cli, cli_log, integrations, settings
from luigi_gif.bundles import bundle_frames
from luigi_gif.execution import dask_cluster, executors

LuigiGif = Callable[..., int]
REAL_BUNDLE = "LUIGI_GIF_TEST_BUNDLE"

pytest.register_assert_rewrite("campaigns")

# No test watches the clock. All draw the same examples each time; to try others, tests/campaigns/.
hypothesis_settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("tests")

# Shells have programs in the background ignore it, as whatever these start does then.
signal.signal(signal.SIGINT, signal.default_int_handler)

OF_LIBRARIES = ("Dask-", "IO loop", "drain", "ThreadPoolExecutor-")
"""Threads that libraries keep, by the beginnings of their names; apprise's idle until the end."""

FOREIGN = (
    "DASK_", "LUIGI_CONFIG", "AWS_", "GOOGLE_", "AZURE_", "XDG_CONFIG", "REQUESTS_", "CURL_",
    "PYTHONDONTWRITEBYTECODE",  # else each command compiles the project anew
)  # fmt: skip


STARTING_PROGRAMS = {"cluster", "dashboard", "luigi", "luigid", "running"}
"""Fixtures with which a test is slow."""


def pytest_configure(config: pytest.Config) -> None:
    """What this machine and its user have set for other programs is no part of a test.

    Processes of xdist have it from the one that starts them.
    """
    if hasattr(config, "workerinput"):
        return
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["PYTHONUSERBASE"] = site.getuserbase()
    home = tempfile.TemporaryDirectory(prefix="home-", ignore_cleanup_errors=True)
    config.add_cleanup(home.cleanup)
    os.environ["HOME"] = home.name
    programs = contextlib.ExitStack()
    programs.enter_context(warm.serving())
    config.add_cleanup(programs.close)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark what starts programs or draws examples as slow; group what shares the cluster.

    With --dist loadgroup it then starts once, not once a process of the tests.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        starts_programs = not STARTING_PROGRAMS.isdisjoint(fixtures)
        if starts_programs or is_hypothesis_test(getattr(item, "function", None)):
            item.add_marker(pytest.mark.slow)
        if "cluster" in fixtures and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("cluster"))
    yield
    # xdist 3.8 notes the group where pytest 9.2 does not look (pytest-dev/pytest-xdist#1386).
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = type(item.id).parse(named)


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """The bundle at a URL, and its receipt; if it fails, nothing is left but what resumes."""
    return functools.partial(fetch_into, tmp_path / "fetched")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def pipeline(server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Pipeline:
    server.pages["/bundle"] = BUNDLE
    return Pipeline(server, tmp_path / "work", caplog)


@pytest.fixture(scope="session")
def sample() -> bytes:
    """The project's own bundle: 32 frames."""
    return SAMPLE.read_bytes()


@pytest.fixture(params=["sample", "real"])
def any_bundle(request: pytest.FixtureRequest, sample: bytes) -> bytes:
    """The sample, then the bundle that an environment variable names."""
    if request.param == "sample":
        return sample
    if REAL_BUNDLE not in os.environ:
        pytest.skip(f"{REAL_BUNDLE} names no bundle")
    return Path(os.environ[REAL_BUNDLE]).read_bytes()


@pytest.fixture(scope="session")
def mixed_bundle() -> bytes:
    """24 pictures of thousands of colors and two sizes, in six formats, every fifth with a hole."""
    return DELIMITER.join(true_color(number) for number in range(24))


@pytest.fixture
def luigi(tmp_path: Path) -> Run:
    """Run CombineGif with these flags in an empty folder; its output is in stderr."""

    def run(
        *flags: str, python: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        command = luigi_command("CombineGif", *flags, python=python)
        whole = luigi_environment() | environment
        if not python and "PYTHONPATH" not in environment:
            return warm.run(command, cwd=tmp_path, env=whole)
        return subprocess.run(
            command, cwd=tmp_path, env=whole, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module")
def open_clusters(cluster: str) -> Iterator[Callable[..., Any]]:
    """As luigi_gif opens Dask's threads and a cluster, but both stay open for the next run."""
    with (
        dask_cluster.open_cluster(settings.dask(workers=2)) as threads,
        dask_cluster.open_cluster(settings.dask(address=cluster)) as processes,
    ):
        threads.client.gather(threads.client.map(abs, range(2)))  # now both are there
        yield lambda config: nullcontext(processes if config.address else threads)


@pytest.fixture
def luigi_gif_here(open_clusters: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> LuigiGif:
    """The command luigi-gif in this process, whose log and signals stay; its exit code.

    Three frames are a chunk, and only the first chunk is left to the thread that begins.
    """
    monkeypatch.setattr(integrations, "install_for_command", lambda: None)
    monkeypatch.setattr(cli_log, "set_up_log", lambda *_: None)
    monkeypatch.setattr(dask_cluster, "open_cluster", open_clusters)
    for name in ("LOCAL_FIRST_S", "COPYING_LOCAL_FIRST_S"):
        monkeypatch.setattr(executors, name, 0.0)
    for module in (bundles, bundle_frames):  # the front door first: it keeps what it sees there
        monkeypatch.setattr(module, "WAYPOINT_WORK", 3 * bundle_frames.DECODED_FRAME_WORK)
    monkeypatch.setattr(bundle_frames, "COPIED_FRAME_WORK", bundle_frames.DECODED_FRAME_WORK)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(LuigiConfigParser, "_instance", None)
        return cli.main(list(arguments))

    return run


@pytest.fixture
def dashboard() -> Iterator[str]:
    """The address of a scheduler with a page of its own, and no worker yet."""
    with service(
        sys.executable, "-P", "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0",
        "--dashboard-address", "127.0.0.1:0",
        ready=r"Scheduler at:\s+(tcp://\S+)",
    ) as scheduler:  # fmt: skip
        yield scheduler.address


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers."""
    with (
        dask_scheduler() as scheduler,
        dask_worker(scheduler.address),
        dask_worker(scheduler.address),
    ):
        yield scheduler.address


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """Object stores; tests that share them are of the group "stores"."""
    with Running() as running:
        yield running


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """What a server on loopback needs whose certificate requests trusts."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[Luigid]:
    """A real luigid, as config/luigid.cfg has it."""
    with luigid_server(tmp_path, "luigid.cfg") as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a thread of its own or a temporary file."""
    has_folder = "tmp_path" in request.fixturenames
    folder: Path | None = request.getfixturevalue("tmp_path") if has_folder else None
    threads = set(threading.enumerate())
    yield
    gc.collect()
    deadline = time.monotonic() + warm.PATIENCE_S
    while left := [
        thread
        for thread in set(threading.enumerate()) - threads
        if thread.is_alive() and not thread.name.startswith(OF_LIBRARIES)
    ]:
        if time.monotonic() > deadline:
            raise AssertionError(f"threads left: {left}")
        left[0].join(0.1)
    gc.freeze()  # the next collection need not search all that is imported
    assert not folder or not list(folder.rglob("*.luigi-gif-tmp"))
