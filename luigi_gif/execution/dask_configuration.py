"""Dask's own configuration: importing Dask with it, and the scheduler that it may name."""

from __future__ import annotations

import contextlib
import gc
import os
import site
import sys
from typing import TYPE_CHECKING

from luigi_gif.errors import ClusterError
from luigi_gif.redaction import public_text

if TYPE_CHECKING:
    from luigi_gif import settings


def is_configured(config: settings.dask) -> bool:
    """Whether the settings allow Dask at all; --dask-workers 0 does not."""
    return bool(config.workers.maximum or config.address or config.cluster)


def is_named(config: settings.dask) -> bool:
    """Whether the settings or Dask's configuration name a cluster. Raises ClusterError."""
    return bool(config.cluster or scheduler_address(config))


def import_dask() -> None:
    """Import Dask without garbage collection. Raises ClusterError if its configuration is bad.

    Its modules are many and stay: each collection would search them again.
    """
    if "distributed" in sys.modules:
        return
    enabled = gc.isenabled()
    gc.disable()
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise
    except Exception as error:  # YAML that is none, and values that mean nothing
        raise configuration_error("Dask cannot be used", error) from error
    finally:
        if gc.get_freeze_count():  # as a command has it
            gc.freeze()
        if enabled:
            gc.enable()


def configuration_error(what: str, error: Exception) -> ClusterError:
    """The error for a configuration of Dask's that cannot be used."""
    return ClusterError(
        what,
        where=", ".join(_configuration_sources()) or "this process",
        expected="a configuration that Dask understands",
        got=public_text(" ".join(str(error).split())) or type(error).__name__,
        next_step="correct these files or variables, or do without Dask: --dask-workers 0",
    )


def _configuration_sources() -> list[str]:
    """The files and variables that configure Dask; see dask.config for where it looks."""
    folders = [
        os.environ.get("DASK_ROOT_CONFIG", "/etc/dask"),
        *(os.path.join(prefix, "etc", "dask") for prefix in (sys.prefix, *site.PREFIXES)),
        os.path.join(os.path.expanduser("~"), ".config", "dask"),
        os.environ.get("DASK_CONFIG", ""),
    ]
    found = []
    for folder in dict.fromkeys(folders):
        if os.path.isfile(folder):
            found.append(folder)
        with contextlib.suppress(OSError):
            files = sorted(os.listdir(folder)) if folder else []
            found += [
                os.path.join(folder, name)
                for name in files
                if name.lower().endswith((".json", ".yaml", ".yml"))
            ]
    return found + sorted(name for name in os.environ if name.startswith("DASK_"))


def scheduler_address(config: settings.dask) -> str:
    """The address in the settings, else in Dask's configuration, unless a cluster is named.

    Empty if there is none. Raises ClusterError if Dask's configuration cannot be used.
    """
    if config.address or config.cluster:
        return config.address
    if "dask" not in sys.modules and not _configuration_sources():
        return ""  # so Dask need not be imported
    import_dask()
    import dask

    address = dask.config.get("scheduler-address", None) or ""
    if not isinstance(address, str):
        raise configuration_error(
            "Dask cannot be used", TypeError(f"scheduler-address is {address!r}, which is no text")
        )
    return address
