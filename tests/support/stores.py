"""Object stores for the tests: each a program of its own on loopback, with its data in memory."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from support import programs
from support.paths import ROOT
from support.services import service

NOBODY = "http://127.0.0.1:9"
_AZURE_KEY = (  # Azurite's own, the same everywhere
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
# The emulator's own command does not tell its port, and lets only five connections wait.
_GCS = """
import socketserver, time
socketserver.TCPServer.request_queue_size = 1000
from gcp_storage_emulator.server import create_server
server = create_server("127.0.0.1", 0, in_memory=True)
server.start()
print("listens on port", server._api._httpd.server_port, flush=True)
time.sleep(1 << 20)
"""


class Store(NamedTuple):
    """An object store that runs."""

    scheme: str
    """Of its URLs, as fsspec knows it."""
    environment: dict[str, str]
    """The variables by which fsspec finds it."""
    unresponsive: dict[str, str]
    """Those by which it finds nobody."""
    refused: dict[str, str]
    """Those by which it is turned away at once: with a wrong key, or after one try."""

    def bucket(self) -> str:
        """The URL of a new, empty bucket; call it where the environment is set."""
        import fsspec

        name = f"test-{uuid.uuid4().hex}"
        fsspec.filesystem(self.scheme).mkdir(name)
        return f"{self.scheme}://{name}"


@contextlib.contextmanager
def s3() -> Iterator[Store]:
    """S3, as moto has it. It takes any key."""
    with service(
        sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0",
        ready=r"Running on (http://\S+)",
    ) as moto:  # fmt: skip
        unresponsive = _s3(NOBODY)
        yield Store("s3", _s3(moto.address), unresponsive, unresponsive | {"AWS_MAX_ATTEMPTS": "1"})


@contextlib.contextmanager
def gcs() -> Iterator[Store]:
    """Google Cloud Storage, as gcp-storage-emulator has it. It takes anybody."""
    with service(sys.executable, "-c", _GCS, ready=r"listens on port (\d+)") as emulator:
        unresponsive = _gcs(NOBODY)
        yield Store("gs", _gcs(f"http://127.0.0.1:{emulator.address}"), unresponsive, unresponsive)


@contextlib.contextmanager
def azure() -> Iterator[Store]:
    """Azure Blob Storage, as Azurite has it: that of PATH, or of node_modules in the project."""
    with service(
        _azurite() or "", "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence",
        "--disableTelemetry", "--skipApiVersionCheck",
        ready=r"successfully listens on (http://\S+)",
    ) as azurite:  # fmt: skip
        address = azurite.address
        yield Store("abfs", _azure(address), _azure(NOBODY), _azure(address, key="d3Jvbmc="))


STORES: dict[str, Callable[[], AbstractContextManager[Store]]] = {
    "s3": s3,
    "gcs": gcs,
    "azure": azure,
}
"""Each as a context manager, in which it runs."""


class Running(dict[str, Store]):
    """Stores by their names; each starts when it is asked for, and runs until the block ends."""

    def __enter__(self) -> Running:
        self._ends = contextlib.ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def __missing__(self, name: str) -> Store:
        self[name] = self._ends.enter_context(STORES[name]())
        return self[name]


def missing(name: str) -> str:
    """What of a store is not installed; nothing if all is."""
    needed = {
        "s3": ("s3fs", "moto"),
        "gcs": ("gcsfs", "gcp_storage_emulator"),
        "azure": ("adlfs",),
    }
    absent = [module for module in needed[name] if importlib.util.find_spec(module) is None]
    if name == "azure" and _azurite() is None:
        absent.append("azurite-blob (npm install azurite)")
    return " and ".join(absent)


def _s3(address: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _gcs(address: str) -> dict[str, str]:
    return {
        "STORAGE_EMULATOR_HOST": address,
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",  # asks Google itself what kind a bucket is
    }


def _azure(address: str, key: str = _AZURE_KEY) -> dict[str, str]:
    account = "devstoreaccount1"
    return {
        "AZURE_STORAGE_CONNECTION_STRING": f"DefaultEndpointsProtocol=http;AccountName={account};"
        f"AccountKey={key};BlobEndpoint={address}/{account};"
    }


def _azurite() -> str | None:
    """That of the project is asked nothing: node takes a second to say a version."""
    ours = ROOT / "node_modules" / ".bin" / "azurite-blob"
    return str(ours) if ours.exists() and shutil.which("node") else programs.find("azurite")
