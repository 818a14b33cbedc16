"""Messages when a clip is made and when a step fails, by apprise to wherever its URLs lead."""

from __future__ import annotations

import logging
import platform
import threading
import time
from typing import Literal

from luigi_gif import settings
from luigi_gif.errors import LUIGI_LOGGER, PipelineError, short_reason
from luigi_gif.integrations.fork_list import SharedList

PATIENCE_S = 4.0
"""How long a receiver may take; then the run goes on, and sends it nothing more."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.notify")
# Of this process: the tasks of a run share nothing else.
unresponsive = SharedList()
"""The URLs of receivers that did not take a message; after one failure they get no more."""
_begin = time.monotonic()
Kind = Literal["success", "failure"]
"""What apprise calls them; many receivers show it by a color or a sign."""


def notify_success(clip: str, made: str) -> None:
    """Send that a clip was made to ``[notify] on_success``."""
    _send("success", settings.notify.current().on_success, "a clip was made", f"{clip}\n{made}")


def notify_failure(step: str, where: str, error: BaseException, receivers: str = "") -> None:
    """Send that a step failed, and why, to ``receivers``, else to ``[notify] on_failure``."""
    words = str(error) if isinstance(error, PipelineError) else short_reason(error)
    receivers = receivers or settings.notify.current().on_failure
    _send("failure", receivers, f"{step} failed", f"{where}\n{words}")


def unknown_services(urls: str) -> list[str]:
    """The schemes of those apprise URLs that it cannot use; none where it is not installed."""
    try:
        import apprise
    except ImportError:  # which is told when a message is to be sent
        return []
    unknown: list[str] = []
    with _Hushed():
        receivers = apprise.Apprise()
        unknown += [url.partition("://")[0] for url in urls.split() if not receivers.add(url)]
    return unknown


def _send(kind: Kind, urls: str, title: str, body: str) -> None:
    if not urls or urls in unresponsive.read():
        return
    body = f"{body}\non {platform.node()}, {time.monotonic() - _begin:.1f} s after its start"
    try:
        import apprise
    except ImportError:
        logger.warning("no message is sent: pip install 'luigi_gif[notify]'")
        return
    delivered: list[bool] = []

    def deliver() -> None:
        with _Hushed():
            receivers = apprise.Apprise()
            all_known = bool(receivers.add(urls.split()))
            told = receivers.notify(title=f"luigi_gif: {title}", body=body, notify_type=kind)
            delivered.append(bool(told) and all_known)

    # Sent now, not at the end of the process, when Python starts no more threads.
    sender = threading.Thread(target=deliver, daemon=True)
    sender.start()
    sender.join(PATIENCE_S)
    if delivered != [True]:
        unresponsive.append(urls)
        logger.warning("a receiver of messages did not take one: it is told nothing more")


class _Hushed(logging.Filter):
    """Keeps what apprise logs of these messages, which holds their URLs, out of all logs.

    It may send from threads that it begins; what others send by it is logged as ever.
    """

    def __init__(self) -> None:
        super().__init__()
        own = threading.get_ident()
        self._others = {thread.ident for thread in threading.enumerate()} - {own}

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread in self._others

    def __enter__(self) -> None:
        logging.getLogger("apprise").addFilter(self)

    def __exit__(self, *error: object) -> Literal[True]:
        """Whatever a receiver's plug-in raises counts as not delivered."""
        logging.getLogger("apprise").removeFilter(self)
        return True
