"""The work directory, on a local disk or an object store, and Luigi's targets in it."""

from luigi_gif.storage.abstract_folder import COPY_BYTES, QUARANTINE_SUFFIX, Folder
from luigi_gif.storage.folder_handle import FolderHandle
from luigi_gif.storage.folder_lock import FILE as LOCK
from luigi_gif.storage.layout import HISTORY, INDEX
from luigi_gif.storage.local_folder import LocalFolder
from luigi_gif.storage.opening import attach, open_folder
from luigi_gif.storage.regular_files import check_path, open_regular_file
from luigi_gif.storage.store_calls import AT_ONCE_BYTES, Store, object_version
from luigi_gif.storage.targets import FileTarget
from luigi_gif.storage.temporary_names import TEMPORARY_SUFFIX

__all__ = [
    "AT_ONCE_BYTES",
    "COPY_BYTES",
    "HISTORY",
    "INDEX",
    "LOCK",
    "QUARANTINE_SUFFIX",
    "TEMPORARY_SUFFIX",
    "FileTarget",
    "Folder",
    "FolderHandle",
    "LocalFolder",
    "Store",
    "attach",
    "check_path",
    "object_version",
    "open_folder",
    "open_regular_file",
]
