"""Luigi parameters whose value is a path or URL: no secret of one is shown with a task.

Luigi shows parameters as text in its log, in ids of tasks and on luigid's page, and makes tasks
anew of the same texts: a URL with secrets has to get through, but not into what is shown.
"""

from __future__ import annotations

import os
import re

from luigi_gif import redaction, urls
from luigi_gif.parameters import NamedParameter

_SHOWN_URL = re.compile("#[0-9a-f]{64}")


def path_from(folder: str, path: str) -> str:
    """A path that counts from ``folder`` if it is relative; a URL, and what is none, as it is."""
    is_plain = path.strip() and "://" not in path and urls.scheme_of(path) == ""
    if not is_plain or redaction.public_url(path) != redaction.escaped(path):
        return path
    try:
        urls.check_url(path)
    except ValueError:
        return path
    return os.path.join(folder, os.path.expanduser(path))


class UrlParameter(NamedParameter[str]):
    """A path or URL, shown without its secrets wherever Luigi shows parameters.

    A path becomes an absolute one, so that it means the same from every folder.
    """

    expected = "a path or a URL"
    metavar = "URL"

    def parse(self, x: object) -> object:
        if isinstance(x, ShownUrl):
            return x.url
        if isinstance(x, str) and _SHOWN_URL.fullmatch(x[-65:]) and not urls.is_local(x):
            raise self.error(f"{x[:-65]}, which is what Luigi shows of a URL with secrets")
        return x

    def checked(self, value: object) -> str:
        if isinstance(value, ShownUrl):
            value = value.url
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise self.error(value or "nothing")
        try:
            urls.check_url(value)
            if "://" in value:
                return value
            if redaction.public_url(value) != redaction.escaped(value):
                return self.with_login(value)
            return self.absolute(value)
        except ValueError as error:
            raise self.error(f"{redaction.public_url(value)} ({error})") from None
        except OSError:
            shown = redaction.public_url(value)
            raise self.error(f"{shown} (the folder that this runs in is gone)") from None

    def with_login(self, value: str) -> str:
        """What is no URL, but seems to hold a login: so that it stays known as such."""
        return value

    def absolute(self, path: str) -> str:
        """The path as it is known from every folder."""
        return os.path.abspath(urls.local_path(path))

    def text_of(self, value: str) -> str:
        shown = redaction.public_url(value)
        if shown == value:
            return value
        return ShownUrl(f"{shown}#{urls.url_digest(value)}", value)


class ShownUrl(str):
    """What may be shown of a URL, with its digest; it carries the URL itself along.

    As Luigi makes tasks anew from the texts of their parameters, a URL with secrets has to
    get through there: within a process as this object, between those of a run pickled. What
    a text is made of it (a task's id, a line of the log, JSON for luigid) has no secret.
    """

    url: str

    def __new__(cls, shown: str, url: str = "") -> ShownUrl:
        text = super().__new__(cls, shown)
        text.url = url
        return text


class SourceParameter(UrlParameter):
    """One or more paths and URLs that frames come from; several are a list, or a JSON array."""

    expected = "a path or a URL, or a JSON array of them"

    def checked(self, value: object) -> str:
        if isinstance(value, ShownUrl):
            value = value.url
        if isinstance(value, str):
            try:
                value = urls.split_sources(value)
            except ValueError as error:
                raise self.error(str(error)) from None
        if not isinstance(value, list | tuple):
            return super().checked(value)
        if not value:
            raise self.error("an empty list")
        return urls.join_sources([super(SourceParameter, self).checked(each) for each in value])

    def text_of(self, value: str) -> str:
        if len(urls.split_sources(value)) > 1:
            return ShownUrl(f"{redaction.public_url(value)}#{urls.url_digest(value)}", value)
        return super().text_of(value)


class FolderParameter(UrlParameter):
    """A folder for the files of a run; the empty text stands for one that is still to be named."""

    metavar = "FOLDER"

    def checked(self, value: object) -> str:
        return "" if value == "" else super().checked(value)

    def with_login(self, value: str) -> str:
        # Its files would be shown with it.
        raise ValueError("a URL with a login has a scheme and ://")
