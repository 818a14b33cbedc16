"""axe-core, which finds what shuts people out of a page."""

from __future__ import annotations

import pytest

from support.browser import Browser
from support.paths import ROOT

_SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """axe.run({resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, nodes}) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`))"""


def violations(page: Browser) -> list[str]:
    """What it finds on a page that has loaded, a line for each rule."""
    if not _SCRIPT.is_file():
        pytest.skip("axe-core is not installed (npm install axe-core)")
    page.value(_SCRIPT.read_text())
    found: list[str] = page.value(_RUN)
    return found
