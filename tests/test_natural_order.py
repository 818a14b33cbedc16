"""The order of names."""

from __future__ import annotations

import pytest

from luigi_gif.sources.natural_order import natural_key


@pytest.mark.parametrize(
    "names",
    [
        ["frame_2.png", "frame_10.png"],
        ["a1b2", "a1b10", "a2b1"],
        ["2026-11-9", "2026-11-10"],
        ["cam1/9.jpg", "cam1/10.jpg", "cam10/1.jpg"],
        ["a/z.jpg", "a b/a.jpg"],
        ["01.png", "1.png", "2.png"],
        ["Frame_1", "frame_1", "Frame_2"],
        ["1.jpg", "a.jpg"],
    ],
)
def test_names_are_in_natural_order(names: list[str]) -> None:
    """Numbers by their value, folder by folder, in any case; and always the same order."""
    assert sorted(set(names), key=natural_key) == names


@pytest.mark.parametrize("name", ["", "/", "\u0663", "\u00b2", "0" * 5000, "a//b"])
def test_any_name_has_a_place(name: str) -> None:
    """Digits of other scripts are letters, and no number is too long."""
    assert sorted([name, "1", "a"], key=natural_key)
