"""The sections of luigi.cfg: [dask], [download], [storage], [notify], [publish], [places].

Each entry is also a command-line flag, such as ``--dask-address``. None of
them shapes a file's bytes, so none is part of a recipe; but what a place of
[places] stands for is.
"""

from __future__ import annotations

from luigi_gif.headers_parameter import HeadersParameter, HeaderValueParameter
from luigi_gif.max_size_parameter import SizeLimitParameter
from luigi_gif.parameter_checks import CheckedConfig, warn_of_misspelt_sections
from luigi_gif.parameters import (
    JsonParameter,
    NumberParameter,
    TextParameter,
    Workers,
    WorkersParameter,
)
from luigi_gif.receivers_parameter import ReceiversParameter


class dask(CheckedConfig):
    """Where and how frames are written in parallel.

    Attributes
    ----------
    address : str
        Of a running Dask scheduler.
    cluster : str
        Import path of a cluster class, to start one where no address is given.
    cluster_kwargs : dict
        Keyword arguments of that class.
    workers : Workers
        How many workers the cluster has at the least and at the most; without a cluster, the
        second is the number of threads.
    batch_mib : int
        Largest part of the bundle for one Dask task, in MiB.
    stall_timeout : float
        Seconds without a finished batch, or for a cluster to start or close.
    """

    address = TextParameter(
        default="",
        description="address of a running Dask scheduler, such as tcp://10.0.0.5:8786; "
        "by default DASK_SCHEDULER_ADDRESS, else this process does the work",
    )
    cluster = TextParameter(
        default="",
        description="import path of a cluster class to start if no address is given, "
        "such as distributed.LocalCluster or dask_jobqueue.SLURMCluster",
    )
    cluster_kwargs = JsonParameter(
        default={}, description="keyword arguments of that class, as a JSON object"
    )
    workers = WorkersParameter(
        default=Workers(2, 2),
        description="number of workers of the cluster, or a range such as 2-20; without a cluster, "
        "number of threads in this process; 0 writes one frame after another, without Dask",
    )
    batch_mib = NumberParameter(
        default=32,
        kind=int,
        min_value=1,
        max_value=1024,
        description="largest part of the bundle for one Dask task, in MiB",
    )
    stall_timeout = NumberParameter(
        default=300.0,
        kind=float,
        min_value=1.0,
        max_value=86_400.0,
        description="seconds without a finished batch, or for the start or close of a cluster, "
        "after which the run gives it up",
    )


class storage(CheckedConfig):
    """How long a run waits for a work directory.

    Attributes
    ----------
    lock_timeout : float
        In seconds.
    """

    lock_timeout = NumberParameter(
        default=3600.0,
        kind=float,
        min_value=0.0,
        max_value=10**9,
        description="seconds to wait for another run in the same work directory",
    )


class notify(CheckedConfig):
    """Where messages go: apprise URLs, separated by spaces.

    Attributes
    ----------
    on_success, on_failure : str
        For a clip that is made, and for a step that failed.
    """

    # A section is a task to Luigi, and never runs: the methods of these names are not missed.
    on_success = ReceiversParameter(  # type: ignore[assignment]
        default="", description="apprise URLs to send a message to when a clip is made"
    )
    on_failure = ReceiversParameter(  # type: ignore[assignment]
        default="", description="apprise URLs to send a message to when a step fails"
    )


class download(CheckedConfig):
    """Retries, timeouts and limits of a download.

    Attributes
    ----------
    retries : int
        How often a download is tried again.
    retry_delay : float
        Seconds before that, unless the server asks for more.
    connect_timeout, read_timeout : float
        Seconds to wait for a connection, and for the next bytes.
    low_speed_limit : int
        Bytes a second over 30 s, below which a download is stopped.
    deadline : float
        Seconds for a download with all retries.
    max_bytes : int
        Of the largest bundle.
    per_host : int
        How many items are fetched from a host at a time.
    user_agent : str
        Of requests; the empty text stands for luigi_gif/VERSION.
    headers : tuple of (str, str)
        Names and values of more headers, for requests to the host of the source.
    """

    retries = NumberParameter(
        default=2,
        kind=int,
        min_value=0,
        max_value=100,
        description="retries of a failed download",
    )
    retry_delay = NumberParameter(
        default=10.0,
        kind=float,
        min_value=0.0,
        max_value=3600.0,
        description="seconds before a retry",
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
        description="bytes a second; a download that is slower for 30 s is stopped",
    )
    deadline = NumberParameter(
        default=86_400.0,
        kind=float,
        min_value=0.1,
        max_value=10**9,
        description="seconds for a download with all retries",
    )
    max_bytes = NumberParameter(
        default=100 << 30,
        kind=int,
        min_value=1,
        max_value=10**18,
        description="largest bundle, in bytes",
    )
    per_host = NumberParameter(
        default=8,
        kind=int,
        min_value=1,
        max_value=64,
        description="items that are fetched from a host at a time",
    )
    user_agent = TextParameter(
        default="",
        description="User-Agent of requests; by default luigi_gif/VERSION",
    )
    headers = HeadersParameter(
        description="more headers of requests to the host of the source, one a line, such as "
        "'Authorization: Bearer ${TOKEN}', with the value of an environment variable",
    )


class places(CheckedConfig):
    """The largest GIF that places take, in bytes: what ``--max-size PLACE`` stands for.

    As of November 2026; docs/images.md says where each comes from.

    Attributes
    ----------
    github, discord, slack, x, email : int
    """

    github = SizeLimitParameter(
        default=10_000_000, description="largest picture in an issue or a comment on GitHub"
    )
    discord = SizeLimitParameter(
        default=10_000_000, description="largest file in a message on Discord, free of charge"
    )
    slack = SizeLimitParameter(
        default=2_000_000, description="largest linked picture that Slack shows without a click"
    )
    x = SizeLimitParameter(
        default=15_000_000, description="largest GIF in a post on X, in a browser"
    )
    email = SizeLimitParameter(
        default=18_000_000,
        description="largest attachment of a mail of 25 MB, which takes 37 percent more there",
    )


class publish(CheckedConfig):
    """What a store is to say of a clip that is published there.

    Attributes
    ----------
    cache_control : str
        The header Cache-Control of its answers; the empty text leaves it to the store.
    """

    # A clip under one name changes every few minutes, and some stores say an hour by themselves.
    # With this, browsers ask each time, and are told in a few bytes that it is the same.
    cache_control = HeaderValueParameter(
        default="no-cache",
        description="Cache-Control of clips on S3, Google Cloud Storage and Azure, such as "
        "max-age=60",
    )


def check_all() -> None:
    """Look at all sections, before any work is done.

    Raises
    ------
    ParameterError
        For an entry that cannot be used.
    """
    for section in (dask, download, storage, notify, places, publish):
        section.current()
    warn_of_misspelt_sections()
