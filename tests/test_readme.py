"""The README on a package index, where relative links lead nowhere."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable

import pytest
from support.paths import ROOT

README = (ROOT / "README.md").read_text()
LINK = re.compile(r"\]\(([^)]*)\)")


@pytest.fixture
def readme_for_index() -> Callable[[str, str | None], str]:
    made: Callable[[str, str | None], str] = runpy.run_path(str(ROOT / "setup.py"))[
        "readme_for_index"
    ]
    return made


def test_each_relative_link_of_the_readme_leads_somewhere() -> None:
    """To a file, and to a heading of it, on a forge, which shows it beside the files."""
    links = [link for link in LINK.findall(README) if "://" not in link]
    assert len(links) > 10
    for link in links:
        path, _, heading = link.partition("#")
        assert (ROOT / path).exists(), link
        if heading:
            titles = re.findall("^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in titles], link


def test_links_and_the_picture_lead_to_the_repository(
    readme_for_index: Callable[[str, str | None], str],
) -> None:
    """If pyproject.toml names it."""
    shown = readme_for_index(README, "https://forge.example/luigi_gif")
    assert all(link.startswith("https://") for link in LINK.findall(shown))
    assert "](https://forge.example/luigi_gif/raw/HEAD/docs/sample.gif)" in shown
    assert "](https://forge.example/luigi_gif/blob/HEAD/docs/operations.md)" in shown


def test_without_a_repository_no_relative_link_is_left(
    readme_for_index: Callable[[str, str | None], str],
) -> None:
    """Their text stays, and so do all other links; the picture is left out."""
    shown = readme_for_index(README, None)
    absolute = [link for link in LINK.findall(README) if "://" in link]
    assert LINK.findall(shown) == absolute
    assert "- docs/operations.md: nightly runs" in shown
    assert "sunflower whose seeds" not in shown


def test_code_stays_as_it_is(readme_for_index: Callable[[str, str | None], str]) -> None:
    """What looks like a link there has no parenthesis behind a bracket."""
    shown = readme_for_index(README, None)
    for line in README.splitlines():
        if line.startswith("    "):
            assert line in shown.splitlines()
