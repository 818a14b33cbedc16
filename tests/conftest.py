"""Real parts for the tests: HTTP on loopback, the luigi command, Dask schedulers and workers."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import re
import signal
import site
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import warm
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from PIL import Image

import luigi_gif
from luigi_gif import settings, storage
from luigi_gif.fetching import download, partial_file
from luigi_gif.integrations import progress

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "examples" / "sample.img"
DELIMITER = b"\n" * 4
FORMATS = ("GIF", "PNG", "JPEG", "WebP", "BMP", "TIFF")
REAL_BUNDLE = "LUIGI_GIF_TEST_BUNDLE"

PART = "bundle.part"

PATIENCE_S = warm.PATIENCE_S

pytest.register_assert_rewrite("campaigns", "browser", "decoders", "faults", "stores")

# No test watches the clock. All draw the same examples each time; to try others, tests/campaigns/.
hypothesis_settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
hypothesis_settings.load_profile("tests")

OF_LIBRARIES = ("Dask-", "IO loop", "drain", "ThreadPoolExecutor-")
"""Threads that libraries keep, by the beginnings of their names; apprise's idle until the end."""

FOREIGN = (
    "DASK_", "LUIGI_CONFIG", "AWS_", "GOOGLE_", "AZURE_", "XDG_CONFIG", "REQUESTS_", "CURL_",
    "PYTHONDONTWRITEBYTECODE",  # else each command compiles the project anew
)  # fmt: skip

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


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """With --dist loadgroup the cluster starts once, not once a process of the tests."""
    for item in items:
        in_use = "cluster" in getattr(item, "fixturenames", ())
        if in_use and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("cluster"))
    yield
    # xdist 3.8 notes the group where pytest 9.2 does not look (pytest-dev/pytest-xdist#1386).
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid:
            item._id = type(item.id).parse(named)


Page = bytes | Callable[[BaseHTTPRequestHandler], None]


def gif(color: int = 1, size: tuple[int, int] = (3, 2), **options: object) -> bytes:
    """A GIF of one image in one of 4 colors, as Pillow makes it."""
    image = Image.new("P", size, color)
    image.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30, 30, 30, 200])
    file = io.BytesIO()
    image.save(file, "GIF", **{"optimize": False, **options})
    return file.getvalue()


def make_clip(data: bytes, workdir: Path, **parameters: object) -> Path:
    """The clip of a bundle, made step by step without Luigi's worker."""
    workdir.mkdir(exist_ok=True)
    (workdir / "image-data.img").write_bytes(data)
    task = luigi_gif.CombineGif(url="unused", workdir=str(workdir), **parameters)
    written = task.requires()
    for step in (written.requires(), written, task):
        step.run()
    return workdir / "clip.gif"


def clip_here(url: object, workdir: Path, **parameters: object) -> Path:
    """The clip of what is at a URL, made in this process without Luigi's worker."""
    combined = luigi_gif.CombineGif(url=str(url), workdir=str(workdir), **parameters)
    written = combined.requires()
    split = written.requires()
    for step in (split.requires(), split, written, combined):
        step.run()
    return workdir / "clip.gif"


Fetch = Callable[..., tuple[bytes, dict[str, Any]]]


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    """The bundle at a URL, and its receipt; if it fails, nothing is left but what resumes."""

    def fetch(
        url: str, sha256: str | None = None, *, strict: bool = True, **values: Any
    ) -> tuple[bytes, dict[str, Any]]:
        section = settings.download(**{"retry_delay": 0.0, **values})
        folder = storage.LocalFolder(str(tmp_path / "fetched"))
        watch = progress.ProgressReporter(luigi_gif.DownloadData(url=url))
        receipt, _ = download.fetch_bundle(
            url, folder, PART, section, sha256=sha256, strict=strict, watch=watch
        )
        aside = f"{PART}{storage.QUARANTINE_SUFFIX}"
        assert {*os.listdir(folder.url)} - {aside} == {PART, f"{PART}.json"}
        data = folder.read(PART)
        folder.remove(PART)
        partial_file.remove_checkpoint(folder, PART)
        return data, receipt

    return fetch


class Server:
    """An HTTP server on loopback whose pages are bytes or handlers; it notes what is asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                server.requests.append(path)
                page = server.pages.get(path)
                if page is None:
                    self.send_error(404)
                elif isinstance(page, bytes):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(page)))
                    self.end_headers()
                    self.wfile.write(page)
                else:
                    page(self)

            def log_message(self, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_port}{path}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


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


def true_color(number: int) -> bytes:
    """A picture of thousands of colors, in one of six formats."""
    size = (64, 48) if number % 4 else (40, 48)
    gradient = Image.radial_gradient("L").resize(size)
    bands = [gradient.rotate(15 * number + 70 * band) for band in range(3)]
    picture = Image.merge("RGB", bands)
    if number % 5 == 0:
        picture.putalpha(gradient.point(lambda value: 255 * (value > 60)))
    format_ = ("PNG", "WebP", "TIFF")[number % 3] if number % 5 == 0 else FORMATS[number % 6]
    file = io.BytesIO()
    picture.save(file, format_, lossless=True)
    return file.getvalue()


Run = Callable[..., subprocess.CompletedProcess[str]]


def luigi_command(*arguments: str, python: tuple[str, ...] = ()) -> list[str]:
    """The luigi command with this project's configuration, as one runs it by hand."""
    return [sys.executable, *python, "-m", "luigi", "--module", "luigi_gif", *arguments]


def luigi_environment() -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DASK_")}
    return environment | {"LUIGI_CONFIG_PATH": str(ROOT / "luigi.cfg")}


@pytest.fixture
def luigi(tmp_path: Path) -> Run:
    """Run CombineGif with these flags in an empty folder; its output is in stderr."""

    def run(
        *flags: str, python: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        command = luigi_command("CombineGif", *flags, python=python)
        whole = luigi_environment() | environment
        if not python:
            return warm.run(command, cwd=tmp_path, env=whole)
        return subprocess.run(
            command, cwd=tmp_path, env=whole, capture_output=True, text=True, check=False
        )

    return run


def strange_lines(said: str) -> list[str]:
    """Of the output of a run, what is neither Luigi's nor ours: warnings, tracebacks, chatter.

    That a machine is too busy to keep the times of Dask and asyncio is no fault of the run.
    """
    said, _, _ = said.partition("===== Luigi Execution Summary")
    dask = r"\S+ \S+ - distributed\.\S+ - (WARNING|INFO - Event loop was)"
    known = rf"(INFO|WARNING): |{dask}|Executing <"
    return [line for line in said.splitlines() if not re.match(known, line)]


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
        env=os.environ | QUIET | {"PYTHONPATH": os.path.dirname(__file__), **environment},
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


# It takes whichever port is free, but does not tell which.
_LUIGID = """
import os, sys
os.chdir(sys.argv.pop(1))
import luigi.cmdline, tornado.netutil
bind_sockets = tornado.netutil.bind_sockets
def bind_and_tell(*args, **options):
    sockets = bind_sockets(*args, **options)
    print("listens on port", sockets[0].getsockname()[1], flush=True)
    return sockets
tornado.netutil.bind_sockets = bind_and_tell
luigi.cmdline.luigid()
"""


class Luigid(NamedTuple):
    """Luigi's server, as config/luigid.cfg has it."""

    url: str
    process: subprocess.Popen[str]

    def end(self) -> None:
        """In order, with its state written. A signal that comes while a request ends gets lost."""
        while self.process.poll() is None:
            self.process.terminate()
            time.sleep(0.1)

    def ask(self, method: str, **arguments: object) -> Any:
        """What its page is made of."""
        query = urlencode({"data": json.dumps(arguments)})
        with urlopen(f"{self.url}/api/{method}?{query}") as answer:
            return json.load(answer)["response"]


@contextlib.contextmanager
def luigid_server(folder: Path, profile: str, at: Path = ROOT) -> Iterator[Luigid]:
    """A real luigid with a profile of config/, which keeps its state in a folder."""
    with service(
        sys.executable, "-c", _LUIGID, str(at), "--address", "127.0.0.1", "--port", "0",
        "--state-path", str(folder / "state"),
        ready=r"listens on port (\d+)",
        LUIGI_CONFIG_PATH=str(ROOT / "config" / profile),
    ) as server:  # fmt: skip
        yield Luigid(f"http://127.0.0.1:{server.address}", server.process)


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[Luigid]:
    """A real luigid, as config/luigid.cfg has it."""
    with luigid_server(tmp_path, "luigid.cfg") as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a thread of its own or a temporary file."""
    threads = set(threading.enumerate())
    yield
    gc.collect()
    deadline = time.monotonic() + PATIENCE_S
    while left := [
        thread
        for thread in set(threading.enumerate()) - threads
        if thread.is_alive() and not thread.name.startswith(OF_LIBRARIES)
    ]:
        if time.monotonic() > deadline:
            raise AssertionError(f"threads left: {left}")
        left[0].join(0.1)
    gc.freeze()  # the next collection need not search all that is imported
    assert not list(tmp_path.rglob("*.luigi-gif-tmp"))
