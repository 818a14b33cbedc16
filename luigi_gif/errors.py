"""What can go wrong, in the user's words."""

from __future__ import annotations

import logging

LUIGI_LOGGER = "luigi-interface"


class PipelineError(Exception):
    """A failure the user can act on: what, where, expected, got, what to do next.

    All five are text for people. Secrets must be gone from them already
    (see :func:`luigi_gif.download.public_url`).
    """

    def __init__(self, what: str, *, where: str, expected: str, got: str, next_step: str) -> None:
        super().__init__(what, where, expected, got, next_step)
        self.what = what
        self.where = where
        self.expected = expected
        self.got = got
        self.next_step = next_step

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), *self.args)

    def __str__(self) -> str:
        return (
            f"{self.what}\n"
            f"  where:    {self.where}\n"
            f"  expected: {self.expected}\n"
            f"  got:      {self.got}\n"
            f"  next:     {self.next_step}"
        )


def _rebuild(
    cls: type[PipelineError], what: str, where: str, expected: str, got: str, next_step: str
) -> PipelineError:
    return cls(what, where=where, expected=expected, got=got, next_step=next_step)


class ParameterError(PipelineError, ValueError):
    """A parameter or a setting has a value that cannot be used."""


class DownloadError(PipelineError):
    """The bundle cannot be had from its URL; trying again at once would not help."""


class TransientDownloadError(DownloadError):
    """The bundle cannot be had from its URL now; trying again may help."""

    retry_after_s = 0.0
    """How long the server asks to wait."""


class BundleError(PipelineError):
    """The bundle is not complete images with four newlines between them."""


class StorageError(PipelineError):
    """A file cannot be read or written."""


class DamagedFileError(PipelineError):
    """A file of the work directory is not what the pipeline wrote there."""


class ForeignFileError(PipelineError):
    """A file that this pipeline did not make lies where its own should go."""


class ClusterError(PipelineError):
    """The Dask cluster cannot be reached, or cannot finish the work."""


def last_words(error: BaseException) -> str:
    """What an error of Dask's says in its last line, or else its cause."""
    while not str(error).strip() and error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().rpartition("\n")[2] or type(error).__name__


def log_without_traceback() -> None:
    """Make Luigi's log show a :class:`PipelineError` as its text alone.

    Luigi logs whatever a task raises with a traceback, which tells a user less
    than the error's own words. Errors of other kinds keep theirs.
    """
    logger = logging.getLogger(LUIGI_LOGGER)
    if _text_for_traceback not in logger.filters:
        logger.addFilter(_text_for_traceback)


def _text_for_traceback(record: logging.LogRecord) -> bool:
    error: BaseException | None = record.exc_info[1] if record.exc_info else None
    while error is not None and not isinstance(error, PipelineError):
        error = error.__cause__
    if error is not None:
        record.msg, record.args, record.exc_info = str(error), (), None
    return True
