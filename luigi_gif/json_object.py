"""The type of JSON objects that are read from files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

JsonObject = dict[str, Any]
"""As json.loads gives one: only the code that reads a key knows the type of its value."""


def mapping_of(value: Any) -> JsonObject:
    """The value if it is a JSON object, else an empty one.

    Anybody who may write to a work directory may have written a note in it.
    """
    return value if isinstance(value, dict) else {}


def number_of(value: Any) -> float | None:
    """The value if it is a number that can be a size, a count or a time, else None."""
    return value if type(value) in (int, float) and 0 <= value < 10**18 else None


def time_of(value: Any) -> datetime | None:
    """The time that a text in ISO 8601 stands for, in UTC, else None."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
