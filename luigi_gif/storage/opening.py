"""The work directory at a path or URL, opened by the run or, by its handle, by a worker."""

from __future__ import annotations

import os

from luigi_gif.errors import ParameterError, StorageError
from luigi_gif.redaction import public_url
from luigi_gif.storage.abstract_folder import Folder
from luigi_gif.storage.error_translation import WORKDIR
from luigi_gif.storage.folder_handle import FolderHandle
from luigi_gif.storage.local_folder import LocalFolder
from luigi_gif.storage.object_folder import ObjectFolder
from luigi_gif.urls import HTTP_SCHEMES, is_local, local_path, normal_url, scheme_of


def open_folder(location: str | os.PathLike[str], run: str = "", called: str = WORKDIR) -> Folder:
    """Open the folder at a path or URL, for one of the runs that this process works for.

    Parameters
    ----------
    location : str or path
        A path of this machine, which need not be there yet, or the URL of a store that
        fsspec serves.
    run : str
        Any text that tells this run from others: what a store did not answer to one is
        asked anew for the next.
    called : str
        What the user calls it, for errors.

    Returns
    -------
    Folder

    Raises
    ------
    ParameterError
        For a URL of the web, or one that fsspec cannot serve.
    """
    url = os.fspath(location)
    if is_local(url):
        return LocalFolder(local_path(url), called)
    if scheme_of(url) in HTTP_SCHEMES:
        raise ParameterError(
            "the folder cannot be used",
            where=public_url(url),
            expected="a local path, or the URL of a store that can be written to",
            got="a URL of the web, which can only be read",
            next_step=f"correct {called}",
        )
    return ObjectFolder(normal_url(url), run, called)


def attach(handle: FolderHandle) -> Folder:
    """Open the folder that another process shares. Raises StorageError where it is not the same."""
    folder = open_folder(handle.url, handle.probe_file)
    if folder.size(handle.probe_file) is None:
        raise StorageError(
            "a worker does not see the work directory",
            where=folder.path(handle.probe_file),
            expected="this file, which the run has put there",
            got="no such file",
            next_step="let all see the same folder under the same path, or name a --workdir "
            "on an object store",
        )
    return folder
