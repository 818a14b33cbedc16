"""A Dask scheduler that runs already: reach it, and connect a client to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from luigi_gif.errors import ClusterError, short_reason
from luigi_gif.execution.client_log import handle_loop_exception
from luigi_gif.execution.time_limit import CLOSE_TIMEOUT_S, closing_within, within

if TYPE_CHECKING:
    from distributed import Client

CONNECT_TIMEOUT_S = 10


@contextlib.contextmanager
def connected_client(address: str, stall_timeout: float) -> Iterator[Client]:
    """A client of the scheduler at that address. Raises ClusterError if it does not answer."""
    from distributed import Client

    limit_s = min(CONNECT_TIMEOUT_S, stall_timeout)
    try:
        # A Client that cannot connect stays for 20 s and ends in a traceback, so test first.
        within(limit_s + 1, lambda: asyncio.run(_test_connection(address, limit_s)))
        client = within(
            limit_s + 1,
            lambda: Client(address, timeout=limit_s, set_as_default=False),
            lambda client: client.close(),
        )
    except Exception as error:  # Dask raises many kinds for TLS and for addresses
        raise ClusterError(
            "the Dask scheduler cannot be reached",
            where=address,
            expected=f"an answer within {limit_s:g} s",
            got=short_reason(error),
            next_step="start it with 'dask scheduler', or correct --dask-address",
        ) from error
    with closing_within(address, min(CLOSE_TIMEOUT_S, stall_timeout), client.close):
        yield client


async def _test_connection(address: str, limit_s: float) -> None:
    """Connect to a scheduler, and disconnect."""
    from distributed import Security
    from distributed.comm import connect  # type: ignore[attr-defined]  # as its documents do

    asyncio.get_running_loop().set_exception_handler(handle_loop_exception)
    arguments = Security().get_connection_args("client")
    comm = await connect(address, timeout=limit_s, **arguments)
    comm.abort()
