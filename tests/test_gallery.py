"""The gallery shows what its commands make of the pictures that the project draws."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

PAGE = (ROOT / "docs" / "gallery.md").read_text("utf-8")


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.delitem(sys.modules, "gallery", raising=False)
    import gallery

    return gallery


def test_each_clip_of_the_page_has_a_command_and_is_small(gallery: Any) -> None:
    """In the order in which they are shown, and none is larger than 150 kB."""
    shown = re.findall(r"!\[[^\]]+\]\((gallery/[^)]+)\)", PAGE)
    assert shown == [f"gallery/{words[-1]}" for words in gallery.commands()]
    assert sorted(shown) == [f"gallery/{path.name}" for path in sorted(gallery.CLIPS.iterdir())]
    assert max(path.stat().st_size for path in gallery.CLIPS.iterdir()) <= 150_000


def test_the_flower_is_what_its_command_makes(
    gallery: Any,
    luigi_gif_here: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Byte for byte, but for the comment; `examples/gallery.py --check` looks at all of them."""
    (tmp_path / "flower").mkdir()
    gallery.draw_flower(tmp_path / "flower")
    monkeypatch.chdir(tmp_path)
    (words,) = (words for words in gallery.commands() if words[-1] == "flower.gif")
    assert luigi_gif_here(*words[1:]) == 0
    made, shown = tmp_path / "flower.gif", gallery.CLIPS / "flower.gif"
    assert gallery.without_comment(made.read_bytes()) == gallery.without_comment(shown.read_bytes())
