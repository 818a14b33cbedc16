"""Options that change from run to run of one work directory."""

from __future__ import annotations

from pathlib import Path

from campaigns import changes


def test_each_run_makes_what_a_new_work_directory_would(tmp_path: Path) -> None:
    """Whatever options were given before; it does only what depends on the change."""
    for source in changes.offer(tmp_path):
        for _ in changes.campaign(source, 4, 2, tmp_path):
            pass
