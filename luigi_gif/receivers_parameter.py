"""A Luigi parameter for receivers of messages. They may hold secrets: they are shown nowhere."""

from __future__ import annotations

import re

from luigi_gif.parameters import NamedParameter

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


class ReceiversParameter(NamedParameter[str]):
    """apprise URLs, as an array or separated by spaces; empty for none."""

    expected = "apprise URLs, such as mailto://..., with spaces between them"

    def checked(self, value: object) -> str:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = " ".join(value)
        if not isinstance(value, str):
            raise self.error(type(value).__name__)
        for number, receiver in enumerate(value.split(), 1):
            if not _URL.fullmatch(receiver):
                raise self.error(f"no URL as number {number}")
        return value
