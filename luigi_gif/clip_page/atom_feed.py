"""The feed of a page: Atom, RFC 4287."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from luigi_gif.clip_page import templating
from luigi_gif.clip_page.entries import Entry

FEED = "atom.xml"
_MAX_ENTRIES = 50
_ID = re.compile(rb"<id>urn:uuid:([0-9a-f-]{36})</id>")
_NEVER = "1970-01-01T00:00:00+00:00"


def feed_id(existing: bytes) -> uuid.UUID:
    """The id of a feed that is there, else a new one.

    So it stays wherever the folder goes, and no other folder has it: RFC 4287, section 4.2.6.
    """
    found = _ID.search(existing)
    try:
        return uuid.UUID(found[1].decode()) if found else uuid.uuid4()
    except ValueError:
        return uuid.uuid4()


def render_feed(title: str, entries: Sequence[Entry], id_: uuid.UUID, site_url: str) -> str:
    """The feed of the newest clips, up to its signature.

    Parameters
    ----------
    title : str
        Of the page.
    entries : sequence of Entry
        The newest first.
    id_ : UUID
        Of the feed; those of its entries come of it and of the paths of the clips.
    site_url : str
        Where the links begin, with a slash at its end; if it is empty, they are relative.
    """
    dated = [entry for entry in entries if entry.made][:_MAX_ENTRIES]
    return templating.render(
        "atom.xml",
        title=title,
        feed=FEED,
        id=id_,
        updated=dated[0].made if dated else _NEVER,
        entries=[(entry, uuid.uuid5(id_, entry.path)) for entry in dated],
        site_url=site_url,
    )
