"""A run and the world: progress, notifications, luigid, signals, logs."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.integrations.byte_format import format_size
    from luigi_gif.integrations.failure_summary import note_failure
    from luigi_gif.integrations.log_format import FORMAT, PlainFormatter, log_of_loop
    from luigi_gif.integrations.luigi_command import luigi_arguments
    from luigi_gif.integrations.notifications import (
        notify_failure,
        notify_success,
        unknown_services,
    )
    from luigi_gif.integrations.process_setup import (
        install_for_command,
        install_for_luigi,
        install_for_many_clips,
        set_defaults,
    )
    from luigi_gif.integrations.progress import Progress, ProgressReporter, show_bars
    from luigi_gif.integrations.signals import quiet_in_child
    from luigi_gif.integrations.streams import (
        is_stream_closed,
        print_lines,
        print_path,
        write_bytes,
    )

__getattr__ = loads_on_use(
    __name__,
    {
        "byte_format": ("format_size",),
        "failure_summary": ("note_failure",),
        "log_format": ("FORMAT", "PlainFormatter", "log_of_loop"),
        "luigi_command": ("luigi_arguments",),
        "notifications": ("notify_failure", "notify_success", "unknown_services"),
        "process_setup": (
            "install_for_command",
            "install_for_luigi",
            "install_for_many_clips",
            "set_defaults",
        ),
        "progress": ("Progress", "ProgressReporter", "show_bars"),
        "signals": ("quiet_in_child",),
        "streams": ("is_stream_closed", "print_lines", "print_path", "write_bytes"),
    },
)
