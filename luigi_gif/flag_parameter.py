"""The Luigi parameter type for what is asked for by its name alone."""

from __future__ import annotations

from typing import Any

from luigi_gif.parameters import NamedParameter

_WORDS = {"true": True, "false": False}
ALONE: dict[str, Any] = {"action": "store_const", "const": "true"}
"""How argparse takes an option without a value; not given, it has none."""


class FlagParameter(NamedParameter[bool]):
    """Whether something is wanted; on a command line its name alone says so."""

    expected = "true or false"

    def __init__(self, *, description: str) -> None:
        super().__init__(default=False, description=description)

    # Luigi has no other way to say that an option takes no value; its BoolParameter does the same.
    @classmethod
    def _parser_kwargs(cls, param_name: str, task_name: str | None = None) -> dict[str, Any]:
        return {**super()._parser_kwargs(param_name, task_name), **ALONE}

    def value_of(self, text: str) -> object:
        return _WORDS.get(text.lower(), text)

    def checked(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise self.error(value)
        return value

    def text_of(self, value: bool) -> str:
        return str(value).lower()
