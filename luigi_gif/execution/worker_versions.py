"""The versions that a worker must have in common with the run."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import socket

from luigi_gif.errors import ClusterError

# Dask's messages depend on distributed, a file's bytes on the others.
_COMPARED_PACKAGES = ("luigi_gif", "distributed", "numpy", "pillow")


@functools.cache
def installed_versions() -> dict[str, str]:
    """The versions of Python and of the packages that must be equal, in this process."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in _COMPARED_PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def check_versions(expected: dict[str, str]) -> None:
    """Raise ClusterError if this process has other versions than ``expected``."""
    found = installed_versions()
    if found != expected:
        other = [name for name in expected if found.get(name) != expected[name]]
        raise ClusterError(
            "a worker has other versions than the run",
            where=socket.gethostname(),
            expected=", ".join(f"{name} {expected[name]}" for name in other),
            got=", ".join(f"{name} {found.get(name)}" for name in other),
            next_step="install the same on all machines",
        )
