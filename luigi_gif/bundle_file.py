"""The bundle in a work directory, and the receipt beside one that was fetched.

A bundle without a receipt was put there by the user.
"""

from __future__ import annotations

import logging
from typing import Any

from luigi_gif import storage
from luigi_gif.errors import LUIGI_LOGGER, DamagedFileError
from luigi_gif.storage import INDEX

logger = logging.getLogger(f"{LUIGI_LOGGER}.tasks")


class BundleFile:
    """The file ``name`` of a work directory. Its methods raise StorageError."""

    def __init__(self, folder: storage.Folder, name: str) -> None:
        self._folder = folder
        self.name = name
        self.path = folder.path(name)
        self.receipt_name = f"{name}.json"

    def exists(self) -> bool:
        return self._folder.size(self.name) is not None

    def version(self) -> str | None:
        """A text that changes whenever the bundle does, or None if there is none."""
        return self._folder.version(self.name)

    def receipt(self) -> dict[str, Any] | None:
        """What was noted when it was fetched, or None."""
        return self._folder.read_json(self.receipt_name)

    def has_receipt(self) -> bool:
        """Whether there is one, be it whole or not."""
        return self._folder.size(self.receipt_name) is not None

    def write_receipt(self, receipt: dict[str, Any]) -> None:
        """Note in the receipt which version of the bundle it is of."""
        receipt["version"] = self.version()
        self._folder.write_json(self.receipt_name, receipt)

    def replace(
        self, staging: storage.LocalFolder, part: str, receipt: dict[str, Any], before: str | None
    ) -> None:
        """Put a downloaded file in the bundle's place, where the version ``before`` was.

        A kill between any two steps leaves no bundle, or one whose receipt is proved by
        reading it: never a bundle with the receipt of another.
        """
        if self.version() != before:
            self._quarantine_newcomer()
        self._folder.remove(self.name)
        self._folder.write_json(self.receipt_name, receipt, durable=False)
        self._folder.move_into_place(staging, part, self.name)
        self.write_receipt(receipt)  # durable

    def quarantine_if_changed(self) -> None:
        """A bundle that is not as its receipt says may be the user's: it is not overwritten.

        One that is the same all the same (a work directory was copied) gets its receipt
        brought up to date. Raises DamagedFileError for another.
        """
        version = self.version()
        receipt = self.receipt() or {}
        if version is None or receipt.get("version") == version:
            return
        digest = self._folder.sha256(self.name)
        if digest != receipt.get("sha256"):
            aside = self._folder.quarantine(self.name)
            raise DamagedFileError(
                "the bundle was changed after it was downloaded",
                where=self.path,
                expected=f"SHA-256 {receipt.get('sha256', 'in a receipt that can be read')}",
                got=f"SHA-256 {digest}; it is {aside} now",
                next_step="run again, to download it anew, or, to use it as it is, first give it "
                f"its name back and delete its receipt, {self.receipt_name}",
            )
        self.write_receipt(receipt)

    def recorded_sha256(self) -> str | None:
        """The SHA-256 of the bundle that lies there, from a note that is of this version."""
        version = self.version()
        for name in (self.receipt_name, INDEX):
            note = self._folder.read_json(name) or {}
            if note.get("version") == version:
                return note.get("sha256")
        return None

    def _quarantine_newcomer(self) -> None:
        """A bundle that came while another was downloaded is the user's."""
        aside = self._folder.path(self._folder.quarantine(self.name))
        logger.warning("%s came from elsewhere meanwhile: it is %s now", self.path, aside)
