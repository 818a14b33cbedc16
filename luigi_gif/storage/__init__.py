"""The work directory, on a local disk or an object store, and Luigi's targets in it."""

from luigi_gif.storage.layout import HISTORY, INDEX
from luigi_gif.storage.object_store import AT_ONCE_BYTES, Store, version
from luigi_gif.storage.regular_files import check_place, opened
from luigi_gif.storage.targets import (
    ASIDE_SUFFIX,
    COPY_BYTES,
    LOCK,
    TEMPORARY_SUFFIX,
    FileTarget,
    Folder,
    FolderHandle,
    LocalFolder,
    attach,
    open_folder,
)

__all__ = [
    "ASIDE_SUFFIX",
    "AT_ONCE_BYTES",
    "COPY_BYTES",
    "HISTORY",
    "INDEX",
    "LOCK",
    "TEMPORARY_SUFFIX",
    "FileTarget",
    "Folder",
    "FolderHandle",
    "LocalFolder",
    "Store",
    "attach",
    "check_place",
    "open_folder",
    "opened",
    "version",
]
