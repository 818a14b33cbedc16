"""Messages when a clip is made and when a step fails, by apprise to wherever its URLs lead."""

from __future__ import annotations

import logging
import platform
import threading
import time

from luigi_gif import settings
from luigi_gif.errors import LUIGI_LOGGER, PipelineError, last_words

PATIENCE_S = 4.0
"""How long a receiver may take; then the run goes on, and tells it nothing more."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.notify")
_begin = time.monotonic()
_silent: set[str] = set()


def success(clip: str, made: str) -> None:
    """Tell that a clip was made."""
    _send(settings.notify().on_success, "luigi_gif: a clip was made", f"{clip}\n{made}")


def failure(step: str, where: str, error: BaseException) -> None:
    """Tell that a step failed, and why."""
    words = str(error) if isinstance(error, PipelineError) else last_words(error)
    _send(settings.notify().on_failure, f"luigi_gif: {step} failed", f"{where}\n{words}")


def _send(urls: str, title: str, body: str) -> None:
    if not urls or urls in _silent:
        return
    body = f"{body}\non {platform.node()}, {time.monotonic() - _begin:.1f} s after its start"
    try:
        import apprise
    except ImportError:
        logger.warning("no message is sent: pip install 'luigi_gif[notify]'")
        return
    receivers = apprise.Apprise()
    receivers.add(urls.split())
    delivered: list[bool] = []
    sender = threading.Thread(
        target=lambda: delivered.append(bool(receivers.notify(title=title, body=body))), daemon=True
    )
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its messages hold the URLs
    sender.start()
    sender.join(PATIENCE_S)
    if delivered != [True]:
        _silent.add(urls)
        logger.warning("a receiver of messages did not take one: it is told nothing more")
