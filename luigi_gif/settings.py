"""The configuration sections of luigi.cfg: [dask], [download], [storage] and [notify].

Each entry is also a command-line flag, such as ``--dask-address``. None of
them shapes a file's bytes, so none is part of a recipe.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple, TypeVar

import luigi

from luigi_gif.errors import ParameterError

MOST_WORKERS = 10_000


Value = TypeVar("Value")


class NamedParameter(luigi.Parameter[Value]):
    """A parameter that is given by its name, never by its place."""

    def __init__(self, **options: Any) -> None:
        super().__init__(positional=False, **options)


class NumberParameter(NamedParameter[Any]):
    """A number within limits, or None where that is the default.

    Raises ParameterError for anything else.
    """

    def __init__(
        self,
        default: float | None,
        *,
        kind: type[int] | type[float],
        least: float,
        most: float,
        description: str,
    ) -> None:
        super().__init__(default=default, description=description)
        self._kind = kind
        self._least = least
        self._most = most

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        section = f"{owner.__name__}-" if issubclass(owner, luigi.Config) else ""
        self._flag = f"--{section}{name.replace('_', '-')}"

    def parse(self, x: str) -> float:
        try:
            return self._kind(x)
        except ValueError:
            raise self._error(x) from None

    def normalize(self, x: Any) -> Any:
        if x is None and self._default is None:
            return None
        kinds = (int,) if self._kind is int else (int, float)
        if not isinstance(x, kinds) or not self._least <= x <= self._most:
            raise self._error(x)
        return x

    def serialize(self, x: Any) -> str:
        return "" if x is None else str(x)

    def _error(self, value: object) -> ParameterError:
        kind = "whole number" if self._kind is int else "number"
        return bad_parameter(self._flag, f"a {kind} from {self._least:,} to {self._most:,}", value)


class ChoiceParameter(NamedParameter[str]):
    """One of a few words. Raises ParameterError for any other."""

    def __init__(self, default: str, *, choices: tuple[str, ...], description: str) -> None:
        super().__init__(default=default, description=f"{description} ({' or '.join(choices)})")
        self._choices = choices

    def normalize(self, x: str) -> str:
        if x not in self._choices:
            flag = f"--{self._attribute_name.replace('_', '-')}"
            raise bad_parameter(flag, " or ".join(self._choices), x)
        return x


class Workers(NamedTuple):
    """How many, at the least and at the most."""

    least: int
    most: int


class WorkersParameter(luigi.Parameter[Workers]):
    """A number of workers, or a range of them. Raises ParameterError for anything else."""

    def parse(self, x: str) -> Workers:
        limits = re.fullmatch("([0-9]+)(?:-([0-9]+))?", x)
        if limits is None:
            raise self._error(x)
        return Workers(int(limits[1]), int(limits[2] or limits[1]))

    def normalize(self, x: Any) -> Workers:
        workers = Workers(x, x) if isinstance(x, int) else Workers(*x)
        if not 0 <= workers.least <= workers.most <= MOST_WORKERS:
            raise self._error(self.serialize(workers))
        return workers

    def serialize(self, x: Workers) -> str:
        return str(x.most) if x.least == x.most else f"{x.least}-{x.most}"

    def _error(self, value: str) -> ParameterError:
        expected = f"a number up to {MOST_WORKERS:,}, or a range such as 2-20"
        return bad_parameter("--dask-workers", expected, value)


class JsonParameter(luigi.Parameter[dict[str, Any]]):
    """A JSON object. Raises ParameterError for anything else."""

    def parse(self, x: str) -> dict[str, Any]:
        flag = f"--dask-{self._attribute_name.replace('_', '-')}"
        expected = 'a JSON object, such as {"cores": 4, "memory": "8GB"}'
        try:
            value = json.loads(x)
        except ValueError as error:
            raise bad_parameter(flag, expected, str(error)) from None
        if not isinstance(value, dict):
            raise bad_parameter(flag, expected, type(value).__name__)
        return value

    def serialize(self, x: dict[str, Any]) -> str:
        return json.dumps(x)


def bad_parameter(flag: str, expected: str, got: object) -> ParameterError:
    """The error for a parameter whose value cannot be used."""
    return ParameterError(
        f"the value of {flag} cannot be used",
        where="the command line or luigi.cfg",
        expected=expected,
        got=repr(got),
        next_step="change it and run again",
    )


class dask(luigi.Config):
    """Where and how frames are written in parallel."""

    address = luigi.Parameter(
        default="",
        description="address of a running Dask scheduler, such as tcp://10.0.0.5:8786; "
        "without it DASK_SCHEDULER_ADDRESS counts, and without that this process does the work",
    )
    cluster = luigi.Parameter(
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
        least=1,
        most=1024,
        description="how much of the bundle one Dask task works through at the most, in MiB",
    )
    stall_timeout = NumberParameter(
        default=300.0,
        kind=float,
        least=1.0,
        most=86_400.0,
        description="seconds without any finished batch after which a cluster is given up",
    )


class storage(luigi.Config):
    """How patient a run is with a work directory."""

    lock_timeout = NumberParameter(
        default=3600.0,
        kind=float,
        least=0.0,
        most=10**9,
        description="seconds to wait for another run in the same work directory",
    )


class notify(luigi.Config):
    """Who is told of what: URLs of apprise, with spaces between them."""

    # A section is a task to Luigi, and never runs: the methods of these names are not missed.
    on_success = luigi.Parameter(  # type: ignore[assignment]
        default="", description="who is told of a clip that was made"
    )
    on_failure = luigi.Parameter(  # type: ignore[assignment]
        default="", description="who is told of a step that failed"
    )


class download(luigi.Config):
    """How patient a download is."""

    retries = NumberParameter(
        default=2,
        kind=int,
        least=0,
        most=100,
        description="how often a failed download is tried again",
    )
    retry_delay = NumberParameter(
        default=10.0,
        kind=float,
        least=0.0,
        most=3600.0,
        description="seconds before a download is tried again",
    )
    connect_timeout = NumberParameter(
        default=10.0,
        kind=float,
        least=0.1,
        most=3600.0,
        description="seconds to wait for a connection",
    )
    read_timeout = NumberParameter(
        default=60.0,
        kind=float,
        least=0.1,
        most=3600.0,
        description="seconds to wait for the next bytes",
    )
    low_speed_limit = NumberParameter(
        default=1000,
        kind=int,
        least=0,
        most=10**12,
        description="bytes a second below which, for 30 s, a download is broken off",
    )
    deadline = NumberParameter(
        default=86_400.0,
        kind=float,
        least=0.1,
        most=10**9,
        description="seconds that a download may take in all, with its retries",
    )
    max_bytes = NumberParameter(
        default=100 << 30,
        kind=int,
        least=1,
        most=10**18,
        description="how large a bundle may be",
    )
    user_agent = luigi.Parameter(
        default="",
        description="what the User-Agent of a request is to be; by default luigi_gif/VERSION",
    )
