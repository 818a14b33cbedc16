"""The bundle in a work directory, and the receipt beside one that was fetched.

A bundle without a receipt was put there by the user.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING

from luigi_gif import bundles, fetching, frames, storage
from luigi_gif.errors import LUIGI_LOGGER, BundleError, DamagedFileError
from luigi_gif.storage import INDEX

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject
    from luigi_gif.sources.listing import Listing

_NAME_AND_TIME = operator.itemgetter(slice(3))
"""What of an item captions may tell, and the number of its first frame."""
_NEXT = ".next"
"""Behind its name, of what is noted of the bundle that is to replace it."""

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class BundleFile:
    """The file ``name`` of a work directory. Its methods raise StorageError."""

    def __init__(self, folder: storage.Folder, name: str) -> None:
        self._folder = folder
        self.name = name
        self.path = folder.path(name)
        self.receipt_name = f"{name}.json"

    @property
    def note_names(self) -> list[str]:
        """The names of its receipt and of what is noted of its items."""
        suffixes = (frames.NAMES_SUFFIX, frames.SOURCES_SUFFIX)
        names = (self.name, f"{self.name}{_NEXT}")
        return [self.receipt_name, *(f"{name}{suffix}" for name in names for suffix in suffixes)]

    def exists(self) -> bool:
        return self._folder.size(self.name) is not None

    def version(self) -> str | None:
        """A text that changes whenever the bundle does, or None if there is none."""
        return self._folder.version(self.name)

    def receipt(self) -> JsonObject | None:
        """What was noted when it was fetched, or None."""
        receipt = self._folder.read_json(self.receipt_name)
        before: JsonObject | None = receipt and receipt.get("before")
        if before and before.get("version") == self.version():
            return before  # a run ended before it had replaced the bundle
        return receipt

    def has_receipt(self) -> bool:
        """Whether there is one, be it whole or not."""
        return self._folder.size(self.receipt_name) is not None

    def is_of_user(self) -> bool:
        """Whether the user has put it there."""
        return self.exists() and not self.has_receipt()

    def is_own(self) -> bool:
        """Whether what lies there is what its receipt says; a receipt may be all that is left."""
        receipt, version = self.receipt(), self.version()
        if receipt is None:
            return False
        is_same = version is None or receipt.get("version") == version
        return is_same or receipt.get("sha256") == self._folder.sha256(self.name)

    def write_receipt(self, receipt: Mapping[str, object]) -> None:
        """Note in the receipt which version of the bundle it is of."""
        noted = {key: value for key, value in receipt.items() if key != "before"}
        self._folder.write_json(self.receipt_name, noted | {"version": self.version()})

    def replace(
        self,
        staging: storage.LocalFolder,
        partial_name: str,
        receipt: Mapping[str, object],
        items: Listing[frames.ItemSource],
        before: str | None,
    ) -> None:
        """Put a downloaded file in the bundle's place, where the version ``before`` was.

        A kill between any two steps, or before :meth:`write_receipt` is called, leaves the earlier
        bundle, whose receipt is in the new one, or the new bundle, whose receipt is proved by
        reading it: never a bundle with the receipt, or the items, of another.
        """
        if self.version() != before:
            self._quarantine_newcomer()
        self._note_items(f"{self.name}{_NEXT}", receipt, items)
        earlier = {"before": self.receipt()} if before is not None else {}
        new = {**receipt, **earlier, "items": len(items)}
        self._folder.write_json(self.receipt_name, new)
        self._folder.move_into_place(staging, partial_name, self.name)
        self._take_items(len(items))

    def discard_next(self) -> None:
        """Remove what a run that was killed has noted of a bundle that never came."""
        for suffix in (frames.NAMES_SUFFIX, frames.SOURCES_SUFFIX):
            self._folder.remove(f"{self.name}{_NEXT}{suffix}")

    def keep(self, receipt: Mapping[str, object], items: Iterable[frames.ItemSource]) -> None:
        """Leave the bundle as it is, which has the SHA-256 of the receipt; note its items."""
        self._note_items(self.name, receipt, items)
        self.discard_next()

    def _note_items(
        self, name: str, receipt: Mapping[str, object], items: Iterable[frames.ItemSource]
    ) -> None:
        """Note the items of the bundle with this receipt, unless just they are noted."""
        folder, sha256 = self._folder, str(receipt["sha256"])
        names = partial(map, _NAME_AND_TIME)
        if not _are_equal(frames.noted_items(folder, name), names(items)):
            frames.note_items(folder, name, names(items))
        if not _are_equal(frames.noted_item_sources(folder, name, sha256), items):
            frames.note_item_sources(folder, name, sha256, items)

    def _take_items(self, count: int) -> None:
        """Have the items that were noted for the next bundle count for this one."""
        for suffix in (frames.NAMES_SUFFIX, frames.SOURCES_SUFFIX):
            noted = f"{self.name}{_NEXT}{suffix}"
            if self._folder.exists(noted):
                self._folder.move(noted, f"{self.name}{suffix}")
        if not count:
            self._note_items(self.name, {"sha256": ""}, ())

    def quarantine_if_changed(self) -> bool:
        """A bundle that is not as its receipt says may be the user's: it is not overwritten.

        Returns whether the receipt was brought up to date, as that of a bundle that is the same
        all the same (a work directory was copied) is. Raises DamagedFileError for another.
        """
        version = self.version()
        receipt = self.receipt() or {}
        if version is None or receipt.get("version") == version:
            return False
        digest = self._folder.sha256(self.name)
        if digest != receipt.get("sha256"):
            new_name = self._folder.quarantine(self.name)
            raise DamagedFileError(
                "the bundle was changed after it was downloaded",
                where=self.path,
                expected=f"SHA-256 {receipt.get('sha256', 'in a receipt that can be read')}",
                got=f"SHA-256 {digest}; it is {new_name} now",
                next_step="run again, to download it anew, or, to use it as it is, first give it "
                f"its name back and delete its receipt, {self.receipt_name}",
            )
        if "version" not in receipt:  # a run ended once it had replaced the bundle
            self._take_items(receipt.get("items", 0))
        self.write_receipt(receipt)
        return True

    def recorded_sha256(self) -> str | None:
        """The SHA-256 of the bundle that lies there, from a note that is of this version."""
        version = self.version()
        for name in (self.receipt_name, INDEX):
            note = self._folder.read_json(name) or {}
            if note.get("version") == version:
                return note.get("sha256")
        return None

    def source_sha256(self, sha256: object) -> object:
        """That of the file which the bundle with this SHA-256 was made of, if of one."""
        receipt = self.receipt() or {}
        return receipt.get("source_sha256") if receipt.get("sha256") == sha256 else None

    def checked_sha256(self, expected: str | None) -> str:
        """Its SHA-256; of one that was put there, not downloaded, it must be the expected one.

        Raises DownloadError where it is another.
        """
        receipt = self.receipt() or {}
        if "sha256" in receipt:
            return str(receipt["sha256"])
        digest = self._folder.sha256(self.name)
        if expected is not None:
            fetching.check_sha256(self.path, digest, expected)
        return digest

    def find_frames(self, version: str | None, *, strict: bool) -> bundles.BundleIndex:
        """Where its frames begin, one at least; if ``strict``, each of them can be used.

        Raises BundleError, also for a bundle that has not this version afterwards.
        """
        index = self._recorded_index(version, strict) or self._walk(strict)
        if not index.frame_count:
            raise BundleError(
                "the bundle holds no image",
                where=self.path,
                expected="complete images with four newlines between them",
                got=f"{self._folder.size(self.name):,} bytes without one",
                next_step="put a bundle there, or delete the file to download it again",
            )
        if self.version() != version:
            raise frames.changed_bundle_error(self.path)
        return index

    def _recorded_index(self, version: str | None, strict: bool) -> bundles.BundleIndex | None:
        """What the download has found, which looks at each frame unless bad ones are left out."""
        receipt = self.receipt() or {}
        if not strict or receipt.get("version") != version:
            return None
        return bundles.BundleIndex.from_json(receipt["survey"]) if receipt.get("survey") else None

    def _walk(self, strict: bool) -> bundles.BundleIndex:
        with self._folder.open(self.name) as file:
            try:
                return bundles.index_bundle(file.read, strict=strict)
            except bundles.BadFrame as error:
                name = frames.item_name(self._folder, self.name, error.number)
                raise frames.bad_frame_error(error, self.path, name) from None

    def _quarantine_newcomer(self) -> None:
        """A bundle that came while another was downloaded is the user's."""
        new_name = self._folder.path(self._folder.quarantine(self.name))
        logger.warning("%s came from elsewhere meanwhile: it is %s now", self.path, new_name)


def _are_equal(some: Iterable[object], others: Iterable[object]) -> bool:
    return all(one == other for one, other in zip_longest(some, others))
