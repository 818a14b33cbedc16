"""Animated GIFs from pictures wherever they are: a Luigi pipeline that writes frames on Dask."""

from luigi_gif import own_command

if own_command.is_own_command():
    own_command.end_by_ctrl_c()

from luigi_gif import unreadable_config

with unreadable_config.translating_config_errors():
    import luigi as _luigi  # noqa: F401

from luigi_gif import integrations
from luigi_gif._version import __version__
from luigi_gif.api import make_gif
from luigi_gif.clip_result import Result
from luigi_gif.loops import Loops
from luigi_gif.publish import PublishGif
from luigi_gif.schedule import GifBatch, HourlyGif, NightlyGif
from luigi_gif.tasks import CombineGif, DownloadData, SplitFrames, WriteFrames

__all__ = [
    "CombineGif",
    "DownloadData",
    "GifBatch",
    "HourlyGif",
    "Loops",
    "NightlyGif",
    "PublishGif",
    "Result",
    "SplitFrames",
    "WriteFrames",
    "__version__",
    "make_gif",
]

# Importing changes nothing in a process, but where our own command does it, above, or the luigi
# command does to run these tasks: it has no other place that says what its process needs.
if (_arguments := integrations.luigi_arguments()) is not None:
    integrations.install_for_luigi(_arguments)
