"""What a run tells, and hears: progress, notifications, luigid, signals, logs, the page."""

from luigi_gif.integrations.command import install, install_for_luigi, luigi_arguments, set_defaults
from luigi_gif.integrations.log_format import FORMAT, PlainFormatter
from luigi_gif.integrations.notifications import failure, success
from luigi_gif.integrations.page import write_page
from luigi_gif.integrations.progress import Progress, Watch, note_failure, show_bars
from luigi_gif.integrations.signals import quiet_in_child
from luigi_gif.integrations.streams import is_closed, say, say_text, write

__all__ = [
    "FORMAT",
    "PlainFormatter",
    "Progress",
    "Watch",
    "explained",
    "failure",
    "install",
    "install_for_luigi",
    "is_closed",
    "luigi_arguments",
    "note_failure",
    "quiet_in_child",
    "say",
    "say_text",
    "set_defaults",
    "show_bars",
    "success",
    "write",
    "write_page",
]
