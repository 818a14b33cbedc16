"""The README as a package index shows it; all other metadata are in pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent


def readme_for_index(readme: str, repository: str | None) -> str:
    """The README without relative links, which lead nowhere on an index.

    They lead to the repository, if its URL is known. Else only their text is left, and pictures
    are left out.
    """

    def absolute(link: re.Match[str]) -> str:
        is_picture, text, path = link.groups()
        if repository:
            return (
                f"{is_picture}[{text}]({repository}/{'raw' if is_picture else 'blob'}/HEAD/{path})"
            )
        return "" if is_picture else text

    shown = re.sub(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)]*)\)", absolute, readme)
    return re.sub(r"\n{3,}", "\n\n", shown)


if __name__ == "__main__":
    from setuptools import setup

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    setup(
        long_description=readme_for_index(
            (ROOT / "README.md").read_text("utf-8"), project.get("urls", {}).get("Repository")
        ),
        long_description_content_type="text/markdown",
    )
