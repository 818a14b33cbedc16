"""A Luigi parameter for HTTP headers. They may hold secrets: their values are shown nowhere."""

from __future__ import annotations

import os
import re

from luigi.parameter import ParameterVisibility

from luigi_gif.errors import unset_variable
from luigi_gif.parameters import NamedParameter, TextParameter, bad_parameter
from luigi_gif.redaction import Headers

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""As Luigi has it, which expands those of luigi.cfg itself."""
_HEADER = r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[\x21-\x7e][\t\x20-\x7e]*)"
"""RFC 9110, section 5."""
_OF_THE_PIPELINE = frozenset(
    {"accept-encoding", "range", "if-range", "host", "user-agent", "connection", "keep-alive"}
    | {"content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect"}
)
"""What each request sets by itself."""


class HeaderValueParameter(TextParameter):
    """The value of one header; empty for none."""

    expected = "the value of a header, in one line of ASCII"

    def checked(self, value: object) -> str:
        text = super().checked(value).strip()
        if not re.fullmatch(r"[\x20-\x7e]*", text):
            raise self.error(value)
        return text


class HeadersParameter(NamedParameter[Headers]):
    """Headers as HTTP writes them, one a line; ``${NAME}`` stands for an environment variable."""

    expected = "a header a line, such as Authorization: Bearer ${TOKEN}"
    metavar = "LINES"

    def __init__(self, *, description: str) -> None:
        super().__init__(
            default=(),
            description=description,
            significant=False,  # else Luigi shows it with the section
            visibility=ParameterVisibility.PRIVATE,
        )

    def checked(self, value: object) -> Headers:
        if isinstance(value, str):
            text = _VARIABLE.sub(self._variable, value)
        elif isinstance(value, tuple):
            text = self.text_of(value)
        else:
            raise bad_parameter(self.flag, self.expected, type(value).__name__)
        lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
        headers = tuple(self._header(number, line) for number, line in lines if line)
        if len({name.lower() for name, _ in headers}) < len(headers):
            raise bad_parameter(self.flag, "each header once", "one of them twice")
        return headers

    def text_of(self, value: Headers) -> str:
        return "\n".join(f"{name}: {text}" for name, text in value)

    def _header(self, number: int, line: str) -> tuple[str, str]:
        found = re.fullmatch(_HEADER, line)
        if found is None:  # and nobody knows which part of it is secret
            raise bad_parameter(self.flag, self.expected, f"line {number}, which is none")
        if found["name"].lower() in _OF_THE_PIPELINE:
            expected = "headers that the pipeline does not set itself"
            raise bad_parameter(self.flag, expected, found["name"])
        return found["name"], found["value"]

    def _variable(self, found: re.Match[str]) -> str:
        try:
            return os.environ[found[1]]
        except KeyError:
            raise unset_variable(self.flag, found[1]) from None
