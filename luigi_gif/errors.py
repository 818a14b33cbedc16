"""What can go wrong, in the user's words."""

from __future__ import annotations

from collections.abc import Mapping

from luigi_gif.redaction import escaped, public_text

LUIGI_LOGGER = "luigi-interface"
WORDS = ("what", "where", "expected", "got", "next_step")
"""What an error for people says."""


class PipelineError(Exception):
    """A failure the user can act on: what, where, expected, got, what to do next.

    All five are text for people, one line each: control characters are escaped
    here, whoever they came from. Secrets must be gone from them already
    (see :func:`luigi_gif.redaction.public_url`).

    Attributes
    ----------
    what : str
        What went wrong.
    where : str
        The file, URL or parameter that it went wrong with.
    expected, got : str
        What was needed there, and what was found.
    next_step : str
        What the user can do about it.
    """

    def __init__(self, what: str, *, where: str, expected: str, got: str, next_step: str) -> None:
        texts = tuple(map(escaped, (what, where, expected, got, next_step)))
        super().__init__(*texts)
        self.what, self.where, self.expected, self.got, self.next_step = texts

    def replace_words(self, others: Mapping[str, str]) -> None:
        """Have its texts say something else, such as for a path that the user does not know."""
        for name in WORDS:
            text: str = getattr(self, name)
            for words, other in others.items():
                text = text.replace(words, other)
            setattr(self, name, text)
        self.args = tuple(getattr(self, name) for name in WORDS)

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


class ParameterErrors(ParameterError):
    """Several values cannot be used.

    Attributes
    ----------
    errors : list of ParameterError
        One for each of them, in order; its texts are those of the first.
    """

    def __init__(self, errors: list[ParameterError]) -> None:
        first = errors[0]
        super().__init__(
            first.what,
            where=first.where,
            expected=first.expected,
            got=first.got,
            next_step=first.next_step,
        )
        self.errors = errors

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.errors,)

    def __str__(self) -> str:
        # Commands put the same before the first.
        return "\nERROR: ".join(map(str, self.errors))


class DownloadError(PipelineError):
    """The bundle cannot be had from its URL; trying again at once would not help.

    Attributes
    ----------
    is_missing : bool
        Whether the source says that there is no such file.
    """

    is_missing = False


class TransientDownloadError(DownloadError):
    """The bundle cannot be had from its URL now; trying again may help.

    Attributes
    ----------
    retry_after_s : float
        How long the server asks to wait, in seconds; 0 if it does not.
    """

    retry_after_s = 0.0


class BundleError(PipelineError):
    """The bundle is not complete images with four newlines between them."""


class SourceError(PipelineError):
    """What the URL names has no images that can be used."""


class StorageError(PipelineError):
    """A file cannot be read or written."""


class DamagedFileError(PipelineError):
    """A file of the work directory is not what the pipeline wrote there."""


class ForeignFileError(PipelineError):
    """A file that this pipeline did not make lies where its own should go."""


class ClusterError(PipelineError):
    """The Dask cluster cannot be reached, or cannot finish the work."""


class VideoError(PipelineError):
    """The program ffmpeg cannot encode a video."""


def short_reason(error: BaseException) -> str:
    """The last line of an error, or else of its cause, without secrets; never empty."""
    while not str(error).strip() and error.__cause__ is not None:
        error = error.__cause__
    return public_text(str(error).strip().rpartition("\n")[2]) or type(error).__name__


def find_pipeline_error(error: BaseException | None) -> PipelineError | None:
    """The error itself or what caused it, where one of these is a :class:`PipelineError`."""
    while error is not None and not isinstance(error, PipelineError):
        error = error.__cause__
    return error


def out_of_memory(where: str) -> StorageError:
    """What to tell the user of a MemoryError: it says nothing of the frame that met it."""
    return StorageError(
        "there is not enough memory",
        where=where,
        expected="memory for the frames that are worked on at a time",
        got="the system gives no more",
        next_step="give it more memory (see ulimit -v, or the limit of the job), take fewer "
        "--dask-workers, or refuse large frames with --max-megapixels; then run again",
    )


def unset_variable(where: str, name: str) -> ParameterError:
    """What to tell the user of an entry that names an environment variable which is not set."""
    return ParameterError(
        "an environment variable is not set",
        where=where,
        expected=f"a value for ${{{name}}}",
        got="none",
        next_step=f"set {name}, and run again",
    )


class Truncated(ValueError):
    """The data end before the image does."""


class Malformed(ValueError):
    """The data cannot be such an image.

    Attributes
    ----------
    offset : int
        Where it shows, in bytes from the start of the image.
    expected, got : str
        What was needed there, and what was found, for people.
    """

    def __init__(self, offset: int, expected: str, got: str) -> None:
        super().__init__(f"expected {expected} at byte {offset}, got {got}")
        self.offset = offset
        self.expected = expected
        self.got = got

    def __reduce__(self) -> tuple[object, ...]:
        return Malformed, (self.offset, self.expected, self.got)


class MissingDecoder(OSError):
    """A machine has no decoder of a format, which says nothing of an image.

    Attributes
    ----------
    expected, got : str
        What was needed, and what was found, for people.
    """

    def __init__(self, format_: str, expected: str) -> None:
        super().__init__(f"no decoder of {format_}, for which {expected} is needed")
        self.expected = expected
        self.got = f"no decoder of {format_}"


class Undecodable(ValueError):
    """Data that give no image.

    Attributes
    ----------
    expected, got : str
        What was needed, and what was found, for people.
    """

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got
