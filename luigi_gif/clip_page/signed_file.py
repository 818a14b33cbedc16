"""A text that a page consists of: known again by a digest at its end, unless somebody edits it."""

from __future__ import annotations

import hashlib

from luigi_gif import settings, storage
from luigi_gif.errors import ForeignFileError

_MARK = b"<!-- luigi_gif sha256:"
"""A comment of HTML and of XML."""


class SignedFile:
    """Such a file, HTML or XML.

    Parameters
    ----------
    folder : Folder
        Where it is.
    name : str
        What it is called there.
    content_type : str
        What a store is to call it.

    Raises
    ------
    ForeignFileError
        If another file has its name, or one that was edited.
    StorageError
        If that cannot be read.
    """

    def __init__(self, folder: storage.Folder, name: str, content_type: str) -> None:
        self._folder = folder
        self._name = name
        self._content_type = content_type
        try:
            self.existing = folder.read(name)
        except FileNotFoundError:
            self.existing = b""
        """What is there."""
        if self.existing and _signed(self.existing.rpartition(_MARK)[0]) != self.existing:
            raise ForeignFileError(
                "the place of a page of clips, or of its feed, is taken by another file",
                where=folder.path(name),
                expected="no file, or one of this pipeline as it was written",
                got="another file, which is left as it is",
                next_step="move it away, or name another folder",
            )

    def write(self, text: str) -> None:
        """Publish the text; one that is there already stays. Raises StorageError."""
        data = _signed(text.encode())
        if data == self.existing:
            return
        cache_control = settings.publish.current().cache_control
        headers = storage.HttpHeaders(self._content_type, cache_control)
        with self._folder.atomic_writer(self._name, durable=False, headers=headers) as file:
            file.write(data)


def _signed(text: bytes) -> bytes:
    return b"%s%s%s -->\n" % (text, _MARK, hashlib.sha256(text).hexdigest().encode())
