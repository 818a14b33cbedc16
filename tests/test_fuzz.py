"""Damaged bundles: the short form of tests/campaigns/fuzz.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaigns import fuzz

pytestmark = pytest.mark.slow


def test_a_damaged_bundle_gives_a_right_clip_or_a_clear_error(tmp_path: Path) -> None:
    """In 10 s of the processor and 500 MB."""
    outcomes = list(fuzz.campaign(seed=2, numbers=range(20), folder=tmp_path))
    assert sorted(outcome.number for outcome in outcomes) == list(range(20))
    assert not [f"case {each.number}: {each.failure}" for each in outcomes if each.failure]
    assert sum(outcome.kind == "clip" for outcome in outcomes) > 6
