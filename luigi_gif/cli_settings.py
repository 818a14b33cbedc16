"""The section [luigi_gif] of luigi.cfg: options of luigi-gif that are no parameter of a task."""

from __future__ import annotations

from luigi_gif import cli_log
from luigi_gif.errors import ParameterError
from luigi_gif.flag_parameter import FlagParameter
from luigi_gif.parameter_checks import CheckedConfig
from luigi_gif.parameters import TextParameter


class PlaceParameter(TextParameter):
    """Where the clip is published."""

    metavar = "FILE"


class luigi_gif(CheckedConfig):
    """Where luigi-gif puts the clip, and what it tells of a run.

    Attributes
    ----------
    output : str
        Where the clip is published; ``-`` is standard output.
    json : bool
        Whether to print one line of JSON with the result.
    quiet, verbose : bool
        Whether to tell errors only, or all of the log; at most one of them.
    """

    # A section is a task to Luigi, and never runs: the method of this name is not missed.
    output = PlaceParameter(  # type: ignore[assignment]
        default="",
        description="where to publish the clip, a path or the URL of an object; - is standard "
        "output",
    )
    json = FlagParameter(
        description="print one line of JSON, with the result or the error, in the place of the path"
    )
    quiet = FlagParameter(description="tell errors only: no bars, no log, no closing line")
    verbose = FlagParameter(description="show all of the log, with that of Luigi")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if self.quiet and self.verbose:
            raise ParameterError(
                "two entries say how much is told",
                where="[luigi_gif] quiet and verbose",
                expected="one of them",
                got="both",
                next_step="leave one out",
            )

    @property
    def log(self) -> str | None:
        """What the log is to tell, for :func:`cli_log.set_up_log`."""
        if self.quiet:
            return cli_log.ERRORS
        return cli_log.EVERYTHING if self.verbose else None
