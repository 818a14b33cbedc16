"""The records of all frames of a run, which need not fit into memory.

They are in a database that lasts as long as the run. Beside the frames they are JSON, a row a
frame.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif import storage
from luigi_gif.frames.frame_files import SUBFOLDER, digits_for
from luigi_gif.frames.frame_records import FrameRecord

if TYPE_CHECKING:
    from types import TracebackType

    from luigi_gif.json_object import JsonObject

RECORDS = f"{SUBFOLDER}/records.json"

_KEY = "frames"
_TABLE = """
    CREATE TABLE frames (number INTEGER PRIMARY KEY, earlier_number, chosen_for,
        digest, size_bytes, crc32, pixels_sha256, extra_images, notes)
"""
_TABLES_OF_EARLIER = """
    CREATE TABLE earlier (number INTEGER PRIMARY KEY, item, chosen_for,
        digest, size_bytes, crc32, pixels_sha256, extra_images, notes);
    CREATE TABLE now (number INTEGER PRIMARY KEY, item);
    CREATE VIEW kept AS
        SELECT * FROM frames WHERE size_bytes AND earlier_number IS NOT NULL;
    CREATE VIEW falling AS
        SELECT * FROM kept WHERE number < earlier_number;
    CREATE VIEW in_the_way AS
        SELECT * FROM kept
        WHERE number > earlier_number AND earlier_number IN (SELECT number FROM falling);
    CREATE VIEW rising AS
        SELECT * FROM kept
        WHERE number > earlier_number AND earlier_number NOT IN (SELECT number FROM falling);
"""
# Of several items that are the same, the first is the first of the earlier ones, and so on.
_MATCH = """
    INSERT INTO frames
    SELECT a.number, b.number, chosen_for,
        digest, size_bytes, crc32, pixels_sha256, extra_images, notes
    FROM (SELECT *, row_number() OVER (PARTITION BY item ORDER BY number) AS nth FROM now) AS a
    JOIN (SELECT *, row_number() OVER (PARTITION BY item ORDER BY number) AS nth FROM earlier) AS b
    USING (item, nth)
"""
KEPT = "SELECT * FROM kept"
"""All frames that an earlier run made."""
FALLING = "SELECT * FROM falling ORDER BY earlier_number"
"""Those with a smaller number now."""
RISING = "SELECT * FROM rising ORDER BY earlier_number DESC"
"""Those with a larger number now, but for those ..."""
IN_THE_WAY = "SELECT * FROM in_the_way"
"""... whose earlier number is the new one of one of FALLING."""
_WITH_FILES = "SELECT * FROM frames WHERE number BETWEEN ? AND ? AND size_bytes"
_INSERT = "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ALL_NUMBERS = "SELECT number FROM frames ORDER BY number"
_NOTHING = [0, "", 0, "", 0, 0, "", 0, ""]
"""Of a row of the file, which ends where there is nothing more."""
_NO_FRAME = (-1, None)
_BEHIND_ALL = sys.maxsize


class EarlierFrame(NamedTuple):
    """A frame that an earlier run made, perhaps under another number."""

    number: int
    earlier_number: int
    record: FrameRecord


class NotedRecords:
    """The records beside frame files whose names have so many digits, in the order of numbers."""

    def __init__(self, folder: storage.Folder, digits: int) -> None:
        self._rows = _noted_rows(folder, digits)
        self._last: list[Any] = [-1]

    def of(self, numbers: range) -> dict[int, FrameRecord]:
        """Those of these frames; each call asks for larger numbers. Raises StorageError."""
        found = {}
        while self._last[0] < numbers.stop:
            number, *others = self._last
            if number >= numbers.start:
                found[number] = _record(others[2:])
            self._last = _padded(next(self._rows, [_BEHIND_ALL]))
        return found


def _noted_rows(folder: storage.Folder, digits: int) -> Iterator[list[Any]]:
    rows = folder.read_json_rows(RECORDS)
    about = next(rows, None)
    if isinstance(about, dict) and about.get("digits") == digits and folder.is_whole_json(RECORDS):
        yield from rows


class RecordTable:
    """What is noted of the frames of this run: at first, of those that an earlier one made.

    Use it as a context manager. Its methods raise StorageError.

    Parameters
    ----------
    made_by : mapping
        All that shapes frame files beside what their records tell, as JSON has it. Records of
        files that were made by anything else are not read.
    frame_count : int
        Of this run.
    items : callable
        Gives a text for each frame, in order: the same for the same picture.
    """

    def __init__(
        self, made_by: Mapping[str, object], frame_count: int, items: Callable[[], Iterable[str]]
    ) -> None:
        self._made_by = dict(made_by)
        self._frame_count = frame_count
        self._items = items
        self._is_chosen_now = False
        self.earlier_digits = digits_for(frame_count)
        """Of the names of the earlier run's files."""
        self.palette: JsonObject | None = None
        """How the colors of the clip were chosen."""
        self._database = storage.TemporaryDatabase(_TABLE)

    def __enter__(self) -> RecordTable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._database.close()

    def load(self, folder: storage.Folder) -> None:
        """Read what was noted, and find which of this run's frames were made by then."""
        rows = folder.read_json_rows(RECORDS)
        about = next(rows, None)
        if not isinstance(about, dict) or about.get("made_by") != self._made_by:
            return
        if not folder.is_whole_json(RECORDS):
            return
        self.earlier_digits, self.palette = about["digits"], about["palette"]
        self._database.run(_TABLES_OF_EARLIER)
        self._database.insert(
            "INSERT INTO earlier VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_padded, rows)
        )
        self._database.insert("INSERT INTO now VALUES (?, ?)", enumerate(self._items()))
        self._database.run(_MATCH)
        self._database.run("DROP TABLE earlier; DROP TABLE now")

    def save(self, folder: storage.Folder) -> None:
        """Publish the records of all frames that are known."""
        about = {
            "made_by": self._made_by,
            "digits": digits_for(self._frame_count),
            "palette": self.palette,
        }
        folder.write_json_rows(RECORDS, _KEY, chain([about], self._rows()))

    def of(self, numbers: range) -> dict[int, FrameRecord]:
        """The records of those of these frames that have files."""
        rows = self._database.select(_WITH_FILES, (numbers.start, numbers.stop - 1))
        return {number: _record(record) for number, _, _, *record in rows}

    @property
    def count(self) -> int:
        """How many frames with files are known."""
        return self._number("SELECT count(*) FROM frames WHERE size_bytes")

    def replace(self, numbers: range, records: Mapping[int, FrameRecord]) -> None:
        """Note what these frames are by now; those without a record have no file."""
        ends = numbers.start, numbers.stop - 1
        known = "SELECT number, chosen_for FROM frames WHERE number BETWEEN ? AND ?"
        chosen_for = dict(self._database.select(known, ends))
        rows = (
            (number, None, self._is_chosen_now or chosen_for.get(number, 0), *_columns(record))
            for number, record in ((each, records.get(each, FrameRecord())) for each in numbers)
        )
        self._database.insert(_INSERT, rows)

    def new_numbers(self) -> Iterator[int]:
        """Numbers of the frames that no earlier run has made."""
        known = chain(
            (number for (number,) in self._database.select(_ALL_NUMBERS)), [self._frame_count]
        )
        begin = 0
        for number in known:
            yield from range(begin, number)
            begin = number + 1

    def note_palette(self, palette: JsonObject) -> None:
        """Note that the colors of the clip were chosen now, for all of its frames."""
        self.palette, self._is_chosen_now = palette, True
        self._database.run("UPDATE frames SET chosen_for = 1")

    @property
    def chosen_for_count(self) -> int:
        """How many of the frames were there when the colors of the clip were chosen."""
        return self._number("SELECT count(*) FROM frames WHERE chosen_for")

    @property
    def average_bytes(self) -> int:
        """Of the files that are known."""
        return self._number("SELECT CAST(avg(size_bytes) AS INTEGER) FROM frames WHERE size_bytes")

    def moves(self, query: str) -> Iterator[EarlierFrame]:
        """The frames with files of KEPT, FALLING, RISING or IN_THE_WAY, if any was made before."""
        for number, earlier_number, _, *record in self._database.select(query):
            yield EarlierFrame(number, earlier_number, _record(record))

    def _rows(self) -> Iterator[list[Any]]:
        """Of what is noted, by number."""
        known = self._database.select("SELECT * FROM frames ORDER BY number")
        number, _, *row = next(known, _NO_FRAME)
        for each, item in enumerate(self._items()):
            if each == number:
                while row and not row[-1]:  # there may be a million of them
                    row.pop()
                yield [number, item, *row]
                number, _, *row = next(known, _NO_FRAME)

    def _number(self, query: str) -> int:
        return next(self._database.select(query))[0] or 0


def _columns(record: FrameRecord) -> tuple[Any, ...]:
    return (*record[:-1], json.dumps(record.notes) if record.notes else "")


def _record(columns: list[Any]) -> FrameRecord:
    digest, size_bytes, crc32, pixels_sha256, extra_images, notes = columns
    told = tuple(json.loads(notes)) if notes else ()
    return FrameRecord(digest, size_bytes, crc32, pixels_sha256, extra_images, told)


def _padded(row: list[Any]) -> list[Any]:
    return row + _NOTHING[len(row) :]
