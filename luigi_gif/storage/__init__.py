"""The work directory, on a local disk or an object store, and Luigi's targets in it."""

from luigi_gif.storage.layout import INDEX, RUN
from luigi_gif.storage.object_store import AT_ONCE_BYTES, Store, version
from luigi_gif.storage.regular_files import check_place, opened
from luigi_gif.storage.targets import (
    ASIDE_SUFFIX,
    COPY_BYTES,
    LOCK,
    TEMPORARY_SUFFIX,
    FileTarget,
    Folder,
    LocalFolder,
    Shared,
    folder,
    join,
)

__all__ = [
    "ASIDE_SUFFIX",
    "AT_ONCE_BYTES",
    "COPY_BYTES",
    "INDEX",
    "LOCK",
    "RUN",
    "TEMPORARY_SUFFIX",
    "FileTarget",
    "Folder",
    "LocalFolder",
    "Shared",
    "Store",
    "check_place",
    "folder",
    "join",
    "opened",
    "version",
]
