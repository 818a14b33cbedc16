"""The text of captions: a template, whose fields each frame fills in.

Names of months and days are English ones, written here: the C library's depend on the locale of
the machine.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from luigi_gif import redaction

_OF_ALL = frozenset({"number", "count"})
_FIELDS = _OF_ALL | {"name", "time"}
_NUMBER_FORM = re.compile(r"(?:[^\n{}]?[<>^=])?[+ ]?0?[0-9]{0,2}[,_]?d?")
_NAME_FORM = re.compile(r"(?:[^\n{}]?[<>^])?[0-9]{0,2}(?:\.[0-9]{1,2})?s?")
"""Of those that Python has. A longer width would make a text that no frame has room for."""
_MAX_LENGTH = 1000
_DEFAULT_TIME = "%Y-%m-%d %H:%M %Z"
_TIME_FIELD = re.compile(r"%(-?)(.?)", re.DOTALL)
_BARE_TIME = re.compile(r"%-?[AaBbdHIjMmpSYyZz](?![a-z])")
"""What other programs fill in. One alone may be text."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME_NUMBERS: dict[str, Callable[[datetime], str]] = {
    "d": lambda time: f"{time.day:02}",
    "H": lambda time: f"{time.hour:02}",
    "I": lambda time: f"{(time.hour - 1) % 12 + 1:02}",
    "j": lambda time: f"{time.timetuple().tm_yday:03}",
    "M": lambda time: f"{time.minute:02}",
    "m": lambda time: f"{time.month:02}",
    "S": lambda time: f"{time.second:02}",
    "Y": lambda time: f"{time.year:04}",
    "y": lambda time: f"{time.year % 100:02}",
}
_TIME_TEXTS: dict[str, Callable[[datetime], str]] = {
    "A": lambda time: _DAYS[time.weekday()],
    "a": lambda time: _DAYS[time.weekday()][:3],
    "B": lambda time: _MONTHS[time.month - 1],
    "b": lambda time: _MONTHS[time.month - 1][:3],
    "p": lambda time: "AM" if time.hour < 12 else "PM",
    "Z": lambda time: time.tzname() or "",
    "z": lambda time: time.strftime("%z"),
    "%": lambda time: "%",
}


class TemplatePart(NamedTuple):
    """A piece of a template."""

    text: str
    """What stands before the field."""
    field: str
    """Its name; empty behind the last one."""
    form: str
    """How it is written, as in Python's format strings, or in strftime."""


class CaptionTemplate(NamedTuple):
    """What is written onto each frame."""

    parts: tuple[TemplatePart, ...]

    @property
    def example(self) -> str:
        """The caption of a frame without a name, at the beginning of 1970."""
        return self.text(0, 1, self.item_texts("", 0.0, UTC) or ())

    @property
    def tells_items(self) -> bool:
        """Whether names or times of items are written."""
        return any(part.field in _FIELDS - _OF_ALL for part in self.parts)

    @property
    def tells_times(self) -> bool:
        """Whether times of items are written."""
        return any(part.field == "time" for part in self.parts)

    def item_texts(self, name: str, time: float | None, zone: tzinfo) -> tuple[str, ...] | None:
        """The text of each field that an item fills in; None for an item that lacks the time.

        Parameters
        ----------
        name : str
            Of the item; its last part is written.
        time : float, optional
            Seconds since 1970 UTC.
        zone : tzinfo
            Whose clocks show it.
        """
        texts = []
        for part in self.parts:
            if part.field == "name":
                texts.append(format(_last_part(name), part.form))
            elif part.field == "time":
                local = _local_time(time, zone)
                if local is None:
                    return None
                texts.append(format_time(local, part.form or _DEFAULT_TIME))
        return tuple(texts)

    def text(self, number: int, count: int, item_texts: tuple[str, ...]) -> str:
        """The caption of the frame with a number, of so many."""
        of_item = iter(item_texts)
        texts = []
        for part in self.parts:
            texts.append(part.text)
            if part.field in _OF_ALL:
                texts.append(format(number if part.field == "number" else count, part.form))
            elif part.field:
                texts.append(next(of_item))
        return "".join(texts)


def parse_caption(text: str) -> CaptionTemplate:
    r"""The template of a text, in which ``\n`` begins a line.

    Raises ValueError, in words that say what is expected.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"a text of at most {_MAX_LENGTH:,} characters")
    lines = _plain(text.replace("\r\n", "\n").replace("\\n", "\n"))
    try:
        pieces = list(string.Formatter().parse(lines))
    except ValueError:
        raise ValueError("a text whose braces are those of fields; {{ and }} are braces") from None
    parts = [
        TemplatePart(text, field or "", form or "")
        for text, field, form, conversion in pieces
        if _is_known(field, conversion)
    ]
    if not "".join(part.text.strip() + part.field for part in parts):
        raise ValueError("a text with something to see")
    if not all((part.text + part.form).replace("\n", "").isprintable() for part in parts):
        raise ValueError("a text without control characters; \\n begins a line")
    for part in parts:
        _check_form(part)
    if sum(len(_BARE_TIME.findall(part.text)) for part in parts) > 1:
        raise ValueError("a text whose times stand in braces, such as {time:%H:%M}")
    return CaptionTemplate(tuple(parts))


def format_time(time: datetime, form: str) -> str:
    """A time in a format of strftime, in English. Raises ValueError."""
    return _TIME_FIELD.sub(lambda found: _time_text(time, found[1], found[2]), form)


def _is_known(field: str | None, conversion: str | None) -> bool:
    if (field is not None and field not in _FIELDS) or conversion:
        raise ValueError("a text with {number}, {count}, {name} and {time:%H:%M}, or some of them")
    return True


def _check_form(part: TemplatePart) -> None:
    """Raise ValueError where a field cannot be written so."""
    if part.field in _OF_ALL and not _NUMBER_FORM.fullmatch(part.form):
        raise ValueError(f"a whole number's format in {{{part.field}}}, such as {{number:03}}")
    if part.field == "name" and not _NAME_FORM.fullmatch(part.form):
        raise ValueError("a text's format in {name}, such as {name:.20}")
    if part.field == "time":
        if set(part.form) & set("{}"):
            raise ValueError("no braces in the format of {time}")
        format_time(datetime(2001, 2, 3), part.form)


def _time_text(time: datetime, flag: str, letter: str) -> str:
    if letter in _TIME_NUMBERS:
        text = _TIME_NUMBERS[letter](time)
        return (text.lstrip("0") or "0") if flag else text
    if letter not in _TIME_TEXTS or flag:
        known = " ".join(f"%{each}" for each in (*_TIME_NUMBERS, *_TIME_TEXTS))
        raise ValueError(f"fields of strftime in {{time}}: {known}, numbers also as in %-d")
    return _TIME_TEXTS[letter](time)


def _last_part(name: str) -> str:
    return redaction.escaped(_plain(name.rstrip("/").rpartition("/")[2]))


def _plain(text: str) -> str:
    """The text as fonts have it: letters with their accents, and one kind of space."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(each) == "Zs" else each for each in composed)


def _local_time(time: float | None, zone: tzinfo) -> datetime | None:
    try:
        return None if time is None else datetime.fromtimestamp(time, zone)
    except (OverflowError, ValueError, OSError):  # beyond the years that a calendar has
        return None
