"""Luigi parameter types of this package.

Luigi hands parameters on as text: to luigid, to its log, and, for a task that another one
yields, from a worker process to the first. For each type here ``parse(serialize(x)) == x``.
All raise ParameterError for a value that they cannot use, whether it comes as text, from a
TOML file (numbers, tables, dates) or from Python.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, TypeVar, cast

import luigi
from luigi.freezing import recursively_unfreeze

from luigi_gif import gif, redaction
from luigi_gif.errors import ParameterError

if TYPE_CHECKING:
    from luigi_gif.json_object import JsonObject

MAX_WORKERS = 10_000
GIVEN = "the command line or luigi.cfg"
"""Where parameters are given."""

Value = TypeVar("Value")


class NamedParameter(luigi.Parameter[Value]):
    """A parameter that is given by its name, never by its place."""

    expected = "text"
    metavar = "TEXT"
    """What stands for a value in a command's help."""

    def __init__(self, **options: Any) -> None:  # those of luigi.Parameter
        super().__init__(positional=False, **options)
        self.default = options.get("default", "")
        self._has_default_none = self.default is None

    def __set_name__(self, owner: type, name: str) -> None:
        super().__set_name__(owner, name)
        section = f"{owner.__name__}-" if issubclass(owner, luigi.Config) else ""
        self.flag = f"--{section}{name.replace('_', '-')}"

    def parse(self, x: object) -> object:
        """The value that a text stands for; None for an empty one where that is the default.

        A TOML file gives what is no text: :meth:`normalize` sees to it.
        """
        if x == "" and self._has_default_none:
            return None
        return self.value_of(x) if isinstance(x, str) else x

    def normalize(self, x: object) -> Value:
        """The value as tasks have it. Raises ParameterError."""
        if x is None and self._has_default_none:
            return None  # type: ignore[return-value]  # None is a Value then
        return self.checked(x)

    def serialize(self, x: Value | None) -> str:
        return "" if x is None else self.text_of(x)

    def value_of(self, text: str) -> object:
        """What a text that is not empty stands for; the text itself if it is wrong."""
        return text

    def checked(self, value: object) -> Value:
        """The value, if it can be used. Raises ParameterError."""
        raise NotImplementedError

    def text_of(self, value: Value) -> str:
        """The text that stands for a value."""
        return str(value)

    def error(self, got: object) -> ParameterError:
        return bad_parameter(self.flag, self.expected, got)


class TextParameter(NamedParameter[str]):
    """Any text; it may be empty."""

    def checked(self, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(value)
        return value


class SizeParameter(NamedParameter[tuple[int | None, int | None] | None]):
    """Width and height in pixels, one of which may be left out, or None."""

    expected = f"WIDTHxHEIGHT, WIDTHx or xHEIGHT, in pixels from 1 to {gif.MAX_SIDE_PIXELS:,}"
    metavar = "WIDTHxHEIGHT"

    def value_of(self, text: str) -> object:
        sides = re.fullmatch("([0-9]{0,9})x([0-9]{0,9})", text)
        return text if sides is None else tuple(int(s) if s else None for s in sides.groups())

    def checked(self, value: object) -> tuple[int | None, int | None]:
        value = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise self.error(value)
        width, height = value
        sides = [side for side in (width, height) if side is not None]
        if not sides or not all(_is_number(side, int, 1, gif.MAX_SIDE_PIXELS) for side in sides):
            raise self.error(self.text_of((width, height)))
        return width, height

    def text_of(self, value: tuple[int | None, int | None] | None) -> str:
        return "x".join("" if side is None else str(side) for side in value or ())


class RangeParameter(NamedParameter[tuple[float, float] | None]):
    """Two numbers, the first of which is less, or None."""

    expected = "MIN:MAX, two numbers of which the first is less, such as 0:1 or -40:50"
    metavar = "MIN:MAX"

    def value_of(self, text: str) -> object:
        try:
            lowest, highest = map(float, text.split(":"))
        except ValueError:
            return text
        return lowest, highest

    def checked(self, value: object) -> tuple[float, float]:
        value = self.value_of(value) if isinstance(value, str) else value
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise self.error(value)
        lowest, highest = value
        limit = sys.float_info.max
        if not all(_is_number(each, float, -limit, limit) for each in value) or not (
            0 < highest - lowest <= limit
        ):
            raise self.error(value)
        return float(lowest), float(highest)

    def text_of(self, value: tuple[float, float] | None) -> str:
        return ":".join(repr(each).removesuffix(".0") for each in value or ())


class Sha256Parameter(NamedParameter[str | None]):
    """A SHA-256 checksum, 64 hexadecimal digits, or None."""

    expected = "64 hexadecimal digits"
    metavar = "DIGITS"

    def checked(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch("[0-9a-fA-F]{64}", value):
            raise self.error(value)
        return value.lower()


class NumberParameter(NamedParameter[Value]):
    """A number within limits, or None where that is the default."""

    metavar = "N"

    def __init__(
        self,
        default: Value,
        *,
        kind: type[int] | type[float],
        min_value: float,
        max_value: float,
        description: str,
    ) -> None:
        super().__init__(default=default, description=description)
        self._kind = kind
        self._min_value = min_value
        self._max_value = max_value
        noun = "whole number" if kind is int else "number"
        self.expected = f"a {noun} from {min_value:,} to {max_value:,}"

    def value_of(self, text: str) -> object:
        try:
            return self._kind(text)
        except ValueError:
            return text

    def checked(self, value: object) -> Value:
        if not _is_number(value, self._kind, self._min_value, self._max_value):
            raise self.error(value)
        return cast(Value, self._kind(value))


class ChoiceParameter(NamedParameter[str]):
    """One of a few words."""

    def __init__(self, default: str, *, choices: tuple[str, ...], description: str) -> None:
        self.expected = " or ".join(choices)
        self.metavar = f"{{{','.join(choices)}}}"
        super().__init__(default=default, description=f"{description} ({self.expected})")
        self._choices = choices

    def checked(self, value: object) -> str:
        if value not in self._choices:
            raise self.error(value)
        return str(value)


class Workers(NamedTuple):
    """How many, at the least and at the most."""

    minimum: int
    maximum: int


class WorkersParameter(NamedParameter[Workers]):
    """A number of workers, or a range of them."""

    expected = f"a number up to {MAX_WORKERS:,}, or a range such as 2-20"
    metavar = "N"

    def value_of(self, text: str) -> object:
        limits = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", text)
        if limits is None:
            return text
        minimum, maximum = int(limits[1]), int(limits[2] or limits[1])
        return (minimum, maximum) if minimum <= maximum <= MAX_WORKERS else text

    def checked(self, value: object) -> Workers:
        value = self.value_of(value) if isinstance(value, str) else value
        limits = (value, value) if isinstance(value, int) else value
        if (
            not isinstance(limits, tuple | list)
            or len(limits) != 2
            or not all(_is_number(limit, int, 0, MAX_WORKERS) for limit in limits)
            or limits[0] > limits[1]
        ):
            raise self.error(value)
        return Workers(*limits)

    def text_of(self, value: Workers) -> str:
        return (
            str(value.maximum)
            if value.minimum == value.maximum
            else f"{value.minimum}-{value.maximum}"
        )


class JsonParameter(NamedParameter["JsonObject"]):
    """A JSON object."""

    metavar = "JSON"
    expected = 'a JSON object, such as {"cores": 4, "memory": "8GB"}'

    def value_of(self, text: str) -> object:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            # Not the text itself: it may hold a password.
            raise self.error(str(error)) from None

    def checked(self, value: object) -> JsonObject:
        value = recursively_unfreeze(value)
        if not isinstance(value, dict):
            raise self.error(type(value).__name__)
        try:
            return dict(json.loads(json.dumps(value, allow_nan=False)))
        except (TypeError, ValueError, RecursionError) as error:
            raise self.error(str(error)) from None

    def text_of(self, value: JsonObject) -> str:
        return json.dumps(value)


def bad_parameter(flag: str, expected: str, got: object) -> ParameterError:
    """The error for a parameter whose value cannot be used."""
    return ParameterError(
        f"the value of {flag} cannot be used",
        where=GIVEN,
        expected=expected,
        got=redaction.public_text(repr(got)),
        next_step="change it and run again",
    )


def _is_number(value: object, kind: type, min_value: float, max_value: float) -> TypeGuard[float]:
    kinds = (int,) if kind is int else (int, float)
    return (
        isinstance(value, kinds)
        and not isinstance(value, bool)
        and bool(min_value <= value <= max_value)
    )
