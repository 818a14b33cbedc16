"""The parameters that say where a clip is published."""

from __future__ import annotations

import os
import re
from datetime import datetime

from luigi_gif import redaction, urls
from luigi_gif.errors import ParameterError
from luigi_gif.parameters import TextParameter
from luigi_gif.url_parameters import UrlParameter

_SUFFIX = ".gif"
_MAX_NAME_BYTES = 200
"""A file system takes 255; a temporary file's suffix needs room."""
_OF_THE_PROCESS = re.compile(r"/dev/(std(in|out|err)$|fd/)|/proc/")
"""Standard output, a pipe of a shell's ``>(...)``, and the like."""
_TIMES = datetime(2001, 2, 3, 4, 5, 6), datetime(2012, 11, 10, 19, 18, 17)
"""Two times that differ in each field."""


class PlaceParameter(UrlParameter):
    """Where a clip is published: a path, or the URL of an object on a store."""

    expected = "a path, or the URL of an object on a store"

    def checked(self, value: object) -> str:
        if isinstance(value, str):
            check_place_name(value)
        return super().checked(value)

    def error(self, got: object) -> ParameterError:
        words = redaction.public_text(got if isinstance(got, str) else repr(got))
        return _error("the place of the clip", self.expected, words, "correct it")


class DatedNameParameter(TextParameter):
    """A file name with the fields of a time, as strftime has them; empty for none."""

    expected = "the name of a .gif file with the fields of a time, such as radar-%Y%m%d-%H%M.gif"
    metavar = "NAME"

    def checked(self, value: object) -> str:
        name = super().checked(value)
        if name and not _is_dated_name(name):
            raise self.error(name)
        return name


def check_place_name(place: str) -> None:
    """Raise ParameterError where a place cannot be a clip's, as its name says."""
    is_local = urls.is_local(place)
    if urls.scheme_of(place) in urls.HTTP_SCHEMES:
        raise bad_place(
            place,
            "a URL of the web, which can only be read",
            "name the store behind it (s3://, gs://, abfs://), or a path",
        )
    shown = redaction.public_url(place)
    if place.endswith("/"):
        raise bad_place(place, "a folder", f"name a file in it, such as {shown}clip{_SUFFIX}")
    if not is_local and "/" not in shown.partition("://")[2]:
        raise bad_place(place, "a bucket", f"name an object in it, such as {shown}/clip{_SUFFIX}")
    if is_local and _OF_THE_PROCESS.match(os.path.normpath(urls.local_path(place))):
        next_step = "name a file, or - for the standard output of luigi-gif"
        raise bad_place(place, "what this process has open", next_step)
    stem, suffix = os.path.splitext(shown)
    if suffix.lower() != _SUFFIX and (suffix or not is_local):
        raise bad_place(
            place,
            f"a name that ends in {suffix}" if suffix else "a name without an ending",
            f"name it {stem}{_SUFFIX}; --also makes files of other formats beside it",
        )


def bad_place(place: str, got: str, next_step: str) -> ParameterError:
    """The error for a place that a clip cannot go to."""
    expected = f"the name of a {_SUFFIX} file or object, new or a clip of this pipeline"
    return _error(redaction.public_url(place), expected, got, next_step)


def _error(where: str, expected: str, got: str, next_step: str) -> ParameterError:
    return ParameterError(
        "the clip cannot be put there",
        where=where,
        expected=expected,
        got=got,
        next_step=next_step,
    )


def _is_dated_name(pattern: str) -> bool:
    try:
        names = {time.strftime(pattern) for time in _TIMES}
    except ValueError:
        return False
    return len(names) == len(_TIMES) and all(
        re.fullmatch(r"[^/\0]+\.gif", name, re.I) and len(os.fsencode(name)) <= _MAX_NAME_BYTES
        for name in names
    )
