"""A source to a checked file of the work directory: whole, resumed where it broke off."""

from luigi_gif.fetching.bundle_checks import check_sha256
from luigi_gif.fetching.bundle_download import fetch_bundle
from luigi_gif.fetching.file_source import (
    file_sha256,
    name_in_workdir,
    overwritten_source_error,
    source_version,
)
from luigi_gif.fetching.partial_file import PARTIAL_SUFFIX, remove_checkpoint

__all__ = [
    "PARTIAL_SUFFIX",
    "check_sha256",
    "fetch_bundle",
    "file_sha256",
    "name_in_workdir",
    "overwritten_source_error",
    "remove_checkpoint",
    "source_version",
]
