"""A source to a checked file of the work directory: whole, resumed where it broke off."""

from luigi_gif.fetching.download import check_sha256, fetch
from luigi_gif.fetching.file_source import name_inside, overwritten_error, sha256, source_version
from luigi_gif.fetching.partial_file import SUFFIX, forget

__all__ = [
    "SUFFIX",
    "check_sha256",
    "fetch",
    "forget",
    "name_inside",
    "overwritten_error",
    "sha256",
    "source_version",
]
