"""The lines of a TOML text that its keys stand in, which tomllib does not tell. Pure code."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
"""The keys that lead to a value; in an array of tables, the number of the table."""

_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'  # up to two quotation marks may stand before the three that end it
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[{]|[\]}]|\n"
    r"|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


class KeyLines:
    """Where the keys of a TOML text stand that tomllib has read."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        tables: Counter[Path] = Counter()
        table: Path = ()
        for line, statement in _statements(text):
            keys, value = _first_keys(tomllib.loads(statement))
            if not statement.startswith("["):
                self._note((*table, *keys), line)
                continue
            table = ()
            for key in keys:
                if tables[table]:  # what stands below an array of tables is of its last one
                    table = (*table, tables[table] - 1)
                table = (*table, key)
            if isinstance(value, list):
                tables[table] += 1
                table = (*table, tables[table] - 1)
            self._note(table, line)

    def line_of(self, path: Path) -> int:
        """The line of a key, from 1; where it has none of its own, of what it is in."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 1)

    def _note(self, path: Path, line: int) -> None:
        for end in range(len(path)):
            self._lines.setdefault(path[: end + 1], line)


def _first_keys(value: Any) -> tuple[list[str], Any]:
    """The keys that a statement begins with, and what they lead to."""
    keys: list[str] = []
    while isinstance(value, dict) and value:
        key, value = next(iter(value.items()))
        keys.append(key)
    return keys, value


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Each header, and each key with its value, with the line that it begins in."""
    line, depth, begin, begin_line = 1, 0, 0, 1
    for token in _TOKEN.finditer(f"{text}\n"):
        found = token[0]
        if found == "\n" and depth == 0:
            statement = text[begin : token.start()].strip()
            if statement and not statement.startswith("#"):
                yield begin_line, statement
            begin, begin_line = token.end(), line + 1
        depth += (found in ("[", "{")) - (found in ("]", "}"))
        line += found.count("\n")
