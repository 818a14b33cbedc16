"""Luigi's server."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

from support.paths import ROOT
from support.services import service
from support.warm import Process


class Luigid(NamedTuple):
    """Luigi's server, as config/luigid.cfg has it."""

    url: str
    process: Process

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
        sys.executable, "-m", "support.luigid_program", str(at),
        "--address", "127.0.0.1", "--port", "0", "--state-path", str(folder / "state"),
        ready=r"listens on port (\d+)",
        LUIGI_CONFIG_PATH=str(ROOT / "config" / profile),
    ) as server:  # fmt: skip
        yield Luigid(f"http://127.0.0.1:{server.address}", server.process)
