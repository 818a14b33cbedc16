"""Where copies of the files beside a clip go: beside the copy of the clip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from luigi_gif import also, clips, redaction
from luigi_gif.clip_copy import ClipCopy
from luigi_gif.errors import ParameterError
from luigi_gif.json_object import mapping_of

if TYPE_CHECKING:
    from luigi_gif.tasks import CombineGif


class AlsoCopy(ClipCopy):
    """A copy of a file beside the clip.

    Parameters
    ----------
    format_ : str
        One of :data:`luigi_gif.also.FORMATS`.
    place : str
        The path or URL of the clip's copy.
    path : str
        Of the file itself, as it is shown.
    url, match, noted
        As those of :class:`ClipCopy`, which raises the same errors.
    """

    _copied = "a file beside the clip"

    def __init__(
        self,
        format_: str,
        place: str,
        path: str,
        url: str,
        match: str = "",
        noted: Mapping[str, object] | None = None,
    ) -> None:
        self._format = format_
        self.place = also.file_beside(place, format_).name
        """The path or URL of the copy."""
        self._content_type = self._file("").content_type
        super().__init__(self.place, path, url, match, noted)

    def renew(self, clip: CombineGif) -> tuple[str | None, bool]:
        """Put the file of a clip there, if it is not; the copy's version, and whether it is new.

        Raises StorageError or ForeignFileError.
        """
        digest = digest_beside(clip, self._format)
        is_new = not self.holds(digest)
        if is_new:
            self.publish(clip.also_outputs()[self._format])
        return self.version_of(digest), is_new

    def _check_name(self) -> None:
        """It is that of the clip, which was looked at."""

    def _status(self) -> clips.ClipStatus | None:
        return also.read_file_status(self._folder, self._file(self._name))

    def _digest(self) -> str | None:
        return also.file_digest(self._folder, self._file(self._name))

    def _file(self, name: str) -> also.AlsoFile:
        return also.AlsoFile(self._format, name)

    def _is_a_folder(self) -> ParameterError:
        return self._error("a folder", f"move it away, or leave {self._format} out of --also")

    def _error(self, got: str, next_step: str) -> ParameterError:
        return ParameterError(
            "a file beside the clip cannot be put there",
            where=redaction.public_url(self.place),
            expected="no file or object, or one that --also has made",
            got=got,
            next_step=next_step,
        )


def copies_beside(
    clip: CombineGif, place: str, noted: Mapping[str, Mapping[str, object]]
) -> dict[str, AlsoCopy]:
    """The copies of the files beside a clip, by their formats.

    Parameters
    ----------
    clip : CombineGif
        The task that has made them.
    place : str
        The path or URL of the clip's copy.
    noted : mapping
        What is known of copies that lie there.
    """
    return {
        format_: AlsoCopy(
            format_, place, target.path, clip.url, clip.match, mapping_of(noted.get(format_))
        )
        for format_, target in clip.also_outputs().items()
    }


def digest_beside(clip: CombineGif, format_: str) -> str:
    """What tells a file beside a clip from others; empty where there is none."""
    return also.file_digest(clip.folder, also.file_beside(clip.gif_file, format_)) or ""
