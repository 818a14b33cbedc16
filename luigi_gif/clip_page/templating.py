"""The templates of a page: jinja2 escapes whatever is put into them."""

from __future__ import annotations

import base64
import functools
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["csp_hash"] = _csp_hash
    return environment


def render(template: str, **values: object) -> str:
    """A template with these values, each of them escaped."""
    return _environment().get_template(template).render(values)


def _csp_hash(text: str) -> str:
    """By which a Content-Security-Policy allows an inline script or style: CSP 3, section 2.3.1."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
