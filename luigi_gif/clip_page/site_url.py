"""Where a page is on the web, as its user says, for links that have to be whole."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from luigi_gif import redaction
from luigi_gif.errors import ParameterError
from luigi_gif.parameters import bad_parameter

FLAG = "--page-url"
_EXPECTED = "the http or https URL of the folder, such as https://example.org/loops/"
_IN_URLS = "!#$%&'()*+,/:;=?@[]~"


def check_site_url(given: str) -> str:
    """The URL of the folder on the web, with a slash at its end; the empty text for none.

    Raises
    ------
    ParameterError
        If it is no http or https URL of a folder, or holds a login.
    """
    if not given:
        return ""
    try:
        parts = urlsplit(given)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        raise _error(given) from None
    if not is_usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise _error(given)
    return quote(given.rstrip("/"), safe=_IN_URLS) + "/"


def _error(given: str) -> ParameterError:
    return bad_parameter(FLAG, _EXPECTED, redaction.public_url(given))
