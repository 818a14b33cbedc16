"""What a command installs in its process; importing the package alone changes nothing there."""

from __future__ import annotations

import atexit
import gc
import sys
import threading
from collections.abc import Iterator

from luigi.configuration import LuigiConfigParser, get_config

from luigi_gif import exit_codes
from luigi_gif.integrations import (
    argument_parsers,
    failure_summary,
    fork_pool,
    log_format,
    luigid_fallback,
    notifications,
    signals,
    streams,
)
from luigi_gif.parameter_checks import CheckedConfig
from luigi_gif.redaction import HIDDEN, public_text

DEFAULTS: dict[str, dict[str, object]] = {
    "core": {"local_scheduler": True, "no_lock": True, "log_level": "INFO"},
    "worker": {
        "check_complete_on_run": True,
        "check_unfulfilled_deps": False,  # each step looks for itself, and says what has changed
        "wait_jitter": 0,
        "send_failure_email": False,
    },
    "scheduler": {"retry_count": 1},
    "email": {"format": "none"},
    # Luigi's own limits, 100 days and 50 clips, would leave the others out without a word.
    "RangeDaily": {"days_back": 36_500, "task_limit": 36_500},
    "RangeHourly": {"hours_back": 24 * 36_500, "task_limit": 24 * 36_500},
    "retcode": exit_codes.LUIGI_RETCODES,
}
"""Used where no luigi.cfg says otherwise: one machine, exit codes that a shell can trust."""

_HEADERS_FLAG = "--download-headers"
_NEW_OBJECTS = 10_000
"""So many are there before a garbage collection. NumPy makes as many when it is imported."""


def install_for_luigi(arguments: list[str]) -> None:
    """Install what the luigi command needs that runs tasks of this package."""
    install_for_command()
    set_defaults(arguments)
    install_for_many_clips()
    log_format.install_formatter()
    failure_summary.install_failure_summary()
    luigid_fallback.enable_local_fallback()
    argument_parsers.reuse_argument_parsers(arguments)
    # Luigi has its arguments, but puts these into mails.
    sys.argv[1:] = _public_arguments(sys.argv[1:])


def install_for_many_clips() -> None:
    """Install what makes many clips cheap in a command, once its configuration is read."""
    CheckedConfig.reads_once = True


def install_for_command() -> None:
    """Install what any command needs."""
    streams.install_streams()
    if threading.current_thread() is threading.main_thread():
        signals.install_signal_handlers()
    fork_pool.install_pooling_worker()
    log_format.install_line_formatter()
    failure_summary.failures.share()
    notifications.unresponsive.share()
    keep_freed_memory()
    # The command lives for one job: no garbage collection needs to search what it has imported,
    # nor those at its end anything. What it imports later is no garbage, either.
    gc.set_threshold(_NEW_OBJECTS)
    gc.freeze()
    atexit.register(gc.freeze)


def set_defaults(arguments: list[str]) -> None:
    """Set DEFAULTS for the entries that no configuration has.

    A luigid that the command line or luigi.cfg names is used.
    """
    config = get_config()
    names_luigid = any(argument.startswith("--scheduler-") for argument in arguments) or any(
        config.has_option("core", f"{prefix}scheduler_{name}")
        for prefix in ("", "default_")
        for name in ("url", "host", "port")
    )
    as_text = isinstance(config, LuigiConfigParser)
    for section, entries in DEFAULTS.items():
        for name, value in entries.items():
            if name == "local_scheduler" and names_luigid:
                continue
            if not config.has_option(section, name):
                config.set(section, name, str(value) if as_text else value)


def _public_arguments(arguments: list[str]) -> Iterator[str]:
    """Those of a command without secrets, which headers may be as a whole."""
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        name = argument.partition("=")[0]
        if previous == _HEADERS_FLAG:
            yield HIDDEN
        else:
            yield f"{name}={HIDDEN}" if name == _HEADERS_FLAG != argument else public_text(argument)


def keep_freed_memory() -> None:
    """Make the C library keep freed memory for what is allocated next.

    glibc does so up to the size of the largest block that was freed. New pages cost more
    than the work on the megabytes that go through them.
    """
    bytes(16 << 20)
