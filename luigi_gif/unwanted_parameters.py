"""The parameters that say which good frames a clip does not show."""

from __future__ import annotations

import re
from typing import Any

from luigi_gif import frames
from luigi_gif.flag_parameter import FlagParameter
from luigi_gif.parameters import ChoiceParameter, NamedParameter


class Sha256ListParameter(NamedParameter[tuple[str, ...]]):
    """SHA-256 checksums of 64 hexadecimal digits each, in any order; none for the empty text."""

    expected = "checksums of 64 hexadecimal digits each, with commas between them"
    metavar = "DIGITS,DIGITS"

    def __init__(self, *, description: str) -> None:
        super().__init__(default=(), description=description)

    def value_of(self, text: str) -> object:
        return tuple(each.strip() for each in text.split(",")) if text else ()

    def checked(self, value: object) -> tuple[str, ...]:
        value = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(value, tuple | list):
            raise self.error(value)
        for each in value:
            if not isinstance(each, str) or not re.fullmatch("[0-9a-fA-F]{64}", each):
                raise self.error(each)
        return tuple(sorted({each.lower() for each in value}))

    def text_of(self, value: tuple[str, ...]) -> str:
        return ",".join(value)


class UnwantedParameters:
    """Which good frames a clip does not show."""

    duplicates = ChoiceParameter(
        default="keep",
        choices=("keep", "merge", "drop"),
        description="what becomes of a frame with the same pixels as the one before: shown too, "
        "its delay added to that one, or left out",
    )
    ignore_sha256 = Sha256ListParameter(
        description="leave out the pictures whose files have these SHA-256 checksums, such as a "
        "camera's placeholder",
    )
    drop_blank = FlagParameter(description="leave out frames of one color")


def unwanted_of(task: Any) -> frames.Unwanted:
    """Which good frames a task's parameters leave out."""
    return frames.Unwanted(
        sha256=frozenset(task.ignore_sha256),
        blank=task.drop_blank,
        duplicates=task.duplicates != "keep",
    )


def unwanted_recipe(task: Any) -> dict[str, Any]:
    """The parameters that shape the manifest, without those that have no effect.

    It tells which frames are duplicates; the clip decides what becomes of them.
    """
    recipe = {
        "duplicates": "found" if task.duplicates != "keep" else "",
        "ignore_sha256": list(task.ignore_sha256),
        "drop_blank": task.drop_blank,
    }
    return {name: value for name, value in recipe.items() if value}
