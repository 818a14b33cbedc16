"""Bundles that are fetched without a task."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import luigi_gif
from luigi_gif import settings, storage
from luigi_gif.fetching import bundle_download, partial_file
from luigi_gif.integrations import progress

PART = "bundle.part"
Fetch = Callable[..., tuple[bytes, dict[str, Any]]]


def fetch_into(
    place: Path, url: str, sha256: str | None = None, *, strict: bool = True, **values: Any
) -> tuple[bytes, dict[str, Any]]:
    """The bundle at a URL, and its receipt; if it fails, nothing is left but what resumes."""
    section = settings.download(**{"retry_delay": 0.0, **values})
    folder = storage.LocalFolder(str(place))
    reporter = progress.ProgressReporter(luigi_gif.DownloadData(url=url))
    receipt, *_ = bundle_download.fetch_bundle(
        url, folder, PART, section, sha256=sha256, strict=strict, reporter=reporter
    )
    aside = f"{PART}{storage.QUARANTINE_SUFFIX}"
    assert {*os.listdir(place)} - {aside} == {PART, f"{PART}.json"}
    data = folder.read(PART)
    folder.remove(PART)
    partial_file.remove_checkpoint(folder, PART)
    return data, receipt


def part(tmp_path: Path) -> Path:
    """What the fixture ``fetch`` has of a bundle that is not whole."""
    return tmp_path / "fetched" / PART


def left(tmp_path: Path) -> list[str]:
    """The files that the fixture ``fetch`` has left."""
    return sorted(os.listdir(tmp_path / "fetched"))
