"""Where things are in the project."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SAMPLE = ROOT / "examples" / "sample.img"
