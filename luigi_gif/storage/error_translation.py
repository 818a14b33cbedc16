"""What a file system or a store raises, as a StorageError: what failed, where, what to do next."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from luigi_gif.errors import PipelineError, StorageError
from luigi_gif.redaction import public_text

WORKDIR = "--workdir"
"""What a user calls the folder of a run."""
_ADVICE = {
    errno.ENOSPC: "free some space (a run takes about three times its bundle) and run again",
    errno.EDQUOT: "free some space in your quota and run again",
    errno.EROFS: "choose --workdir on a disk that can be written",
    errno.EACCES: "give this user the right to it, or change --workdir",
    errno.EPERM: "give this user the right to it, or change --workdir",
    errno.ENOENT: "choose --workdir where folders can be made",
    errno.EEXIST: "move away the file that stands where a folder is needed",
    errno.ENOTDIR: "move away the file that stands where a folder is needed",
    errno.EISDIR: "move away the folder that stands where a file is needed",
}


class ErrorTranslation:
    """How the errors of one folder are told to the user.

    ``shown_path`` gives the path of a name in it, as it may be shown; ``raised`` is what its
    file system may raise; ``advice``, if it is given, takes the place of what the kind of
    error suggests; ``called`` is what the user calls the folder.
    """

    def __init__(
        self,
        shown_path: Callable[[str], str],
        raised: type[Exception],
        advice: str = "",
        called: str = WORKDIR,
    ) -> None:
        self._shown_path = shown_path
        self._raised = raised
        self._advice = advice
        self._called = called

    def during(self, verb: str, name: str) -> _TranslatedBlock:
        """A block in which what the operating system or a store raises becomes a StorageError.

        Only calls to these stand in such a block: what a caller of ours raises is not of this
        file. A missing file passes as FileNotFoundError, as an answer, unless it was to be
        written.
        """
        return _TranslatedBlock(self, verb, name)

    def translate(self, verb: str, name: str, error: BaseException) -> None:
        """Raise the StorageError for an error, unless that is to pass as it is."""
        if isinstance(error, PipelineError) or not isinstance(error, self._raised):
            return
        if isinstance(error, FileNotFoundError) and verb != "write":
            return
        number = error.errno if isinstance(error, OSError) else None
        words = public_text(str(error).strip().partition("\n")[0])
        if isinstance(error, FileNotFoundError) and not number:
            words = "the bucket does not exist"
        raise StorageError(
            f"cannot {verb} a file",
            where=self._shown_path(name),
            expected=f"to {verb} it",
            got=os.strerror(number) if number else words or type(error).__name__,
            next_step=self._advice or self._advice_on(number or 0),
        ) from None  # its own text may hold secrets

    def _advice_on(self, number: int) -> str:
        advice = _ADVICE.get(number, "mend the cause and run again")
        return advice.replace(WORKDIR, self._called)


class _TranslatedBlock:
    """As a class, not a generator, for it is entered for each file."""

    __slots__ = ("_name", "_translation", "_verb")

    def __init__(self, translation: ErrorTranslation, verb: str, name: str) -> None:
        self._translation, self._verb, self._name = translation, verb, name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._translation.translate(self._verb, self._name, error)
