"""When an output is stale: it was made by another recipe, of another bundle or another source.

Each file notes its recipe (the parameters that shape its bytes) and the SHA-256 of the bundle
that it was made of. It is current if the recipe is its task's, and if the bundle, where it
still lies there, is that one. The receipt also notes the version of a local source.

Which parameters count, and what each task looks at, is in tasks.py (``recipe()``,
``reason_in_folder()``). Frame files that are missing or
altered: frames/missing_chunks.py and frames/claims.py; a clip: clips/clip_comment.py.
"""

from __future__ import annotations

import time
from functools import cached_property

from luigi_gif import fetching, redaction, run_history, sources, storage, urls
from luigi_gif.bundle_file import BundleFile
from luigi_gif.caption_parameters import ITEMS_KEY

_WORDS = {"source": "recipe of its frames", ITEMS_KEY: "list of items", "url_digest": "url"}
"""For people, of keys of recipes. A clip knows only a digest of how its frames came about."""


def find_difference(
    name: str,
    recipe: dict[str, object],
    expected_sha256: str | None,
    bundle: BundleFile,
    *,
    noted_recipe: object,
    noted_sha256: object,
) -> str | None:
    """How the file ``name``, which notes these two, is stale; None if it is current.

    ``recipe`` is the task's, ``expected_sha256`` what the user says that the bundle has.
    """
    noted = noted_recipe if isinstance(noted_recipe, dict) else {}
    if ITEMS_KEY not in recipe:  # their list was cleaned up, as the bundle may be
        noted = {key: value for key, value in noted.items() if key != ITEMS_KEY}
    # An option that is not given may be in neither: what was given before is then a change.
    changed = [
        key
        for key in recipe | noted
        if not (key in recipe and key in noted and noted[key] == recipe[key])
    ]
    if changed:
        words = dict.fromkeys(_WORDS.get(key, key) for key in changed)
        return f"{name} was made with another {' and '.join(words)}"
    if expected_sha256 not in (None, noted_sha256, bundle.source_sha256(noted_sha256)):
        return f"{name} is not of the bundle with this SHA-256"
    if bundle.exists() and bundle.recorded_sha256() != noted_sha256:
        return f"{name} was made of another bundle"
    return None


class SourceLook:
    """One look at a source, which all steps of a run may share: it may have many files."""

    def __init__(self, source: sources.Source) -> None:
        self.source = source

    @cached_property
    def version(self) -> str | None:
        """That of a local source; None where there is none."""
        return sources.source_version(self.source)


def find_source_change(
    look: SourceLook,
    folder: storage.Folder,
    bundle: BundleFile,
    noted_sha256: object,
    ask_after_s: float | None,
) -> str | None:
    """That a local source is not the one that was fetched; None where that is not known.

    Of another source, that it is time to ask it: the last time is longer ago than ``ask_after_s``,
    if that is not None.

    ``noted_sha256`` is that of the bundle that the output was made of, if it notes it by
    itself. A source that is gone leaves everything as it is, unless it is to be asked, and so does
    one that was only touched, once it was looked at again.
    """
    url = look.source.url
    if ask_after_s is not None and _is_to_be_asked(url, bundle, ask_after_s):
        return f"{redaction.public_url(url)} is to be asked whether it has changed"
    version = look.version
    if version is None:
        is_awaited = ask_after_s is not None and _names_only_local_files(url)
        if not is_awaited or bundle.is_of_user():
            return None
        return f"{redaction.public_url(url)} has none of the pictures that are wanted any more"
    receipt = bundle.receipt()
    if receipt is not None:
        of_this_bundle = noted_sha256 in (None, receipt.get("sha256"))
        is_same = receipt.get("source") == version and of_this_bundle
    elif bundle.exists():
        is_same = True  # the user has put it there
    else:
        is_same = noted_sha256 is not None and _source_sha256(url, folder, version) == noted_sha256
    return None if is_same else f"{redaction.public_url(url)} has changed"


def _is_to_be_asked(url: str, bundle: BundleFile, ask_after_s: float) -> bool:
    receipt = bundle.receipt() or {}
    if bundle.is_of_user():
        return False
    names_others = receipt.get("lists") or sources.is_dated(url)
    if not names_others and _names_only_local_files(url):
        return False  # each run looks at it
    asked = receipt.get("asked")
    return asked is None or not 0 <= time.time() - asked < ask_after_s


def _names_only_local_files(url: str) -> bool:
    return all(map(urls.is_local, urls.split_sources(url)))


def _source_sha256(url: str, folder: storage.Folder, version: str) -> str | None:
    """The SHA-256 of a local source, which is read unless it was noted for this version."""
    return run_history.recorded_source_sha256(folder, version) or fetching.file_sha256(url)
