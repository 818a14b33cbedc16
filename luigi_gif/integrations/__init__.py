"""A run and the world: progress, notifications, luigid, signals, logs, the page of clips."""

from luigi_gif.integrations.failure_summary import note_failure
from luigi_gif.integrations.log_format import FORMAT, PlainFormatter
from luigi_gif.integrations.notifications import notify_failure, notify_success
from luigi_gif.integrations.page import write_page
from luigi_gif.integrations.process_setup import (
    install_for_command,
    install_for_luigi,
    luigi_arguments,
    set_defaults,
)
from luigi_gif.integrations.progress import Progress, ProgressReporter, show_bars
from luigi_gif.integrations.signals import quiet_in_child
from luigi_gif.integrations.streams import is_stream_closed, print_lines, print_path, write_bytes

__all__ = [
    "FORMAT",
    "PlainFormatter",
    "Progress",
    "ProgressReporter",
    "install_for_command",
    "install_for_luigi",
    "is_stream_closed",
    "luigi_arguments",
    "note_failure",
    "notify_failure",
    "notify_success",
    "print_lines",
    "print_path",
    "quiet_in_child",
    "set_defaults",
    "show_bars",
    "write_bytes",
    "write_page",
]
