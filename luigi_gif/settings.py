"""The configuration sections of luigi.cfg: [dask], [download], [storage] and [notify].

Each entry is also a command-line flag, such as ``--dask-address``. None of
them shapes a file's bytes, so none is part of a recipe.
"""

from __future__ import annotations

from luigi_gif.parameter_checks import CheckedConfig
from luigi_gif.parameters import (
    JsonParameter,
    NumberParameter,
    TextParameter,
    Workers,
    WorkersParameter,
)


class dask(CheckedConfig):
    """Where and how frames are written in parallel."""

    address = TextParameter(
        default="",
        description="address of a running Dask scheduler, such as tcp://10.0.0.5:8786; "
        "without it DASK_SCHEDULER_ADDRESS counts, and without that this process does the work",
    )
    cluster = TextParameter(
        default="",
        description="import path of a cluster class to start where no address is given, "
        "such as distributed.LocalCluster or dask_jobqueue.SLURMCluster",
    )
    cluster_kwargs = JsonParameter(
        default={}, description="keyword arguments of that class, as a JSON object"
    )
    workers = WorkersParameter(
        default=Workers(2, 2),
        description="how many workers a cluster is to have, or a range such as 2-20; without "
        "one, how many threads in this process; 0 writes one frame after another, without Dask",
    )
    batch_mib = NumberParameter(
        default=32,
        kind=int,
        min_value=1,
        max_value=1024,
        description="how much of the bundle one Dask task works through at the most, in MiB",
    )
    stall_timeout = NumberParameter(
        default=300.0,
        kind=float,
        min_value=1.0,
        max_value=86_400.0,
        description="seconds after which a cluster is given up that finishes no batch, or does "
        "not start or close",
    )


class storage(CheckedConfig):
    """How patient a run is with a work directory."""

    lock_timeout = NumberParameter(
        default=3600.0,
        kind=float,
        min_value=0.0,
        max_value=10**9,
        description="seconds to wait for another run in the same work directory",
    )


class notify(CheckedConfig):
    """Who is told of what: URLs of apprise, with spaces between them."""

    # A section is a task to Luigi, and never runs: the methods of these names are not missed.
    on_success = TextParameter(  # type: ignore[assignment]
        default="", description="who is told of a clip that was made"
    )
    on_failure = TextParameter(  # type: ignore[assignment]
        default="", description="who is told of a step that failed"
    )


class download(CheckedConfig):
    """How patient a download is."""

    retries = NumberParameter(
        default=2,
        kind=int,
        min_value=0,
        max_value=100,
        description="how often a failed download is tried again",
    )
    retry_delay = NumberParameter(
        default=10.0,
        kind=float,
        min_value=0.0,
        max_value=3600.0,
        description="seconds before a download is tried again",
    )
    connect_timeout = NumberParameter(
        default=10.0,
        kind=float,
        min_value=0.1,
        max_value=3600.0,
        description="seconds to wait for a connection",
    )
    read_timeout = NumberParameter(
        default=60.0,
        kind=float,
        min_value=0.1,
        max_value=3600.0,
        description="seconds to wait for the next bytes",
    )
    low_speed_limit = NumberParameter(
        default=1000,
        kind=int,
        min_value=0,
        max_value=10**12,
        description="bytes a second below which, for 30 s, a download is broken off",
    )
    deadline = NumberParameter(
        default=86_400.0,
        kind=float,
        min_value=0.1,
        max_value=10**9,
        description="seconds that a download may take in all, with its retries",
    )
    max_bytes = NumberParameter(
        default=100 << 30,
        kind=int,
        min_value=1,
        max_value=10**18,
        description="how large a bundle may be",
    )
    user_agent = TextParameter(
        default="",
        description="what the User-Agent of a request is to be; by default luigi_gif/VERSION",
    )


def check() -> None:
    """Raise ParameterError for an entry that cannot be used, before any work is lost to it."""
    for section in (dask, download, storage, notify):
        section()
