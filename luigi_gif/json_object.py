"""The type of JSON objects that are read from files."""

from __future__ import annotations

from typing import Any

JsonObject = dict[str, Any]
"""As json.loads gives one: only the code that reads a key knows the type of its value."""
