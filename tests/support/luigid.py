"""Luigi's server."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

from support.paths import ROOT
from support.services import service

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
