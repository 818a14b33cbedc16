"""The work directory, on a local disk or an object store, and Luigi's targets in it."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.storage.abstract_folder import Folder, Move
    from luigi_gif.storage.folder_handle import FolderHandle
    from luigi_gif.storage.folder_lock import is_own_lock
    from luigi_gif.storage.http_headers import HttpHeaders
    from luigi_gif.storage.layout import (
        HISTORY,
        INDEX,
        ITEMS,
        LOCK,
        PARTIAL_SUFFIX,
        QUARANTINE_SUFFIX,
        TEMPORARY_SUFFIX,
    )
    from luigi_gif.storage.leftovers import temporary_files
    from luigi_gif.storage.local_folder import LocalFolder
    from luigi_gif.storage.opening import attach, open_folder
    from luigi_gif.storage.readable_folder import COPY_BYTES, Listed
    from luigi_gif.storage.regular_files import (
        check_path,
        content_of_unnumbered,
        open_regular_file,
        pread,
        settled_status,
        version_of,
    )
    from luigi_gif.storage.staging import temporary_file, temporary_folder
    from luigi_gif.storage.store_calls import AT_ONCE_BYTES, Store, object_time, object_version
    from luigi_gif.storage.targets import FileTarget
    from luigi_gif.storage.temporary_database import TemporaryDatabase

__getattr__ = loads_on_use(
    __name__,
    {
        "abstract_folder": ("Folder", "Move"),
        "folder_handle": ("FolderHandle",),
        "folder_lock": ("is_own_lock",),
        "http_headers": ("HttpHeaders",),
        "layout": (
            "HISTORY",
            "INDEX",
            "ITEMS",
            "LOCK",
            "PARTIAL_SUFFIX",
            "QUARANTINE_SUFFIX",
            "TEMPORARY_SUFFIX",
        ),
        "leftovers": ("temporary_files",),
        "local_folder": ("LocalFolder",),
        "opening": ("attach", "open_folder"),
        "readable_folder": ("COPY_BYTES", "Listed"),
        "regular_files": (
            "check_path",
            "content_of_unnumbered",
            "open_regular_file",
            "pread",
            "settled_status",
            "version_of",
        ),
        "staging": ("temporary_file", "temporary_folder"),
        "store_calls": ("AT_ONCE_BYTES", "Store", "object_time", "object_version"),
        "targets": ("FileTarget",),
        "temporary_database": ("TemporaryDatabase",),
    },
)
