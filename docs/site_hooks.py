"""What mkdocs does not do by itself for the site: see mkdocs.yml."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

import luigi_gif

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("*.md", "docs/**/*.*", "benchmarks/README.md", "examples/*.py", "examples/*.ipynb")
"""What the site has, each under its path in the repository: one link fits both."""
REFERENCE = "docs/reference.md"
ROLE = re.compile(r":(?:class|func|meth):<code>([\w.]+)</code>")
"""How docstrings name another object, as Sphinx has it."""
logger = logging.getLogger("mkdocs.hooks.site")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the documents, wherever they lie, in the place of those in docs/."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    for path in sorted({path for pattern in DOCUMENTS for path in ROOT.glob(pattern)}):
        if "__pycache__" not in path.parts and path != Path(__file__):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Warn of a public name that the reference lacks; --strict makes that an error."""
    if page.file.src_uri != REFERENCE:
        return html
    for name in luigi_gif.__all__:
        if f'id="luigi_gif.{name}"' not in html:
            logger.warning("%s lacks the public name %s", REFERENCE, name)
    return ROLE.sub(lambda role: _link(role[1], html), html)


def _link(name: str, html: str) -> str:
    """To the object of that name, if the page has it."""
    found = re.search(rf'id="(luigi_gif\.(?:\w+\.)*{re.escape(name)})"', html)
    return f'<a href="#{found[1]}"><code>{name}</code></a>' if found else f"<code>{name}</code>"
