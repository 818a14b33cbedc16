"""Write the page of the clips in a folder: its posters, its feed, and the page itself."""

from __future__ import annotations

import os
from collections.abc import Iterable

from luigi_gif import storage, urls
from luigi_gif.clip_page import atom_feed, html_page
from luigi_gif.clip_page.entries import entry_of
from luigi_gif.clip_page.posters import SUBFOLDER, Posters
from luigi_gif.clip_page.shown_clips import ShownClip, find_clips
from luigi_gif.clip_page.signed_file import SignedFile
from luigi_gif.clip_page.site_url import check_site_url
from luigi_gif.errors import StorageError
from luigi_gif.redaction import public_url
from luigi_gif.storage import HISTORY


def write_page(url: str, site_url: str = "") -> str:
    """Write ``index.html``, a page of all clips below a folder, with its feed and posters.

    Parameters
    ----------
    url : str
        The folder: a path, or any fsspec URL.
    site_url : str
        Its URL on the web, for links of the feed. By default they are relative.

    Returns
    -------
    str
        The path or URL of the page.

    Raises
    ------
    ParameterError
        If a URL cannot be used.
    StorageError
        If there is no clip, or a file cannot be written.
    ForeignFileError
        If another ``index.html`` or ``atom.xml`` is there, or one that was edited.
    """
    site_url = check_site_url(site_url)
    folder = storage.open_folder(url)
    clips = sorted(find_clips(folder), key=lambda clip: (clip.made, clip.clip.path), reverse=True)
    if not clips:
        raise StorageError(
            "there is no clip to show",
            where=folder.path(""),
            expected=f"work directories of this pipeline, each with its {HISTORY}",
            got=_got_no_clip(url),
            next_step="name the folder that holds them",
        )
    return _write(folder, clips, site_url)


def _got_no_clip(url: str) -> str:
    if urls.is_local(url) and not os.path.isdir(path := urls.local_path(url)):
        return "a file" if os.path.lexists(path) else "no such folder"
    return "none with a clip"


def _write(folder: storage.Folder, clips: Iterable[ShownClip], site_url: str) -> str:
    """Write what is not current, and remove posters that are not needed; the path of the page."""
    page = SignedFile(folder, html_page.PAGE, "text/html")
    news = SignedFile(folder, atom_feed.FEED, "application/atom+xml")
    if isinstance(folder, storage.LocalFolder):  # a store keeps nothing of a run that is killed
        for subfolder in ("", SUBFOLDER):
            folder.sweep(subfolder)
    posters = Posters(folder)
    entries = [entry_of(clip, posters.make(clip)) for clip in clips]
    title = public_url(folder.url).rstrip("/").rpartition("/")[2] or "Clips"
    # In this order: whoever reads one of them finds what it links to, also if this is interrupted.
    news.write(atom_feed.render_feed(title, entries, atom_feed.feed_id(news.existing), site_url))
    page.write(html_page.render_page(title, entries))
    posters.remove_superseded()
    return folder.path(html_page.PAGE)
