"""loops.toml: clips that are made again and again, a table with parameters of the tasks for each.

All that is wrong in the file is told at once, with the line and the key, before anything runs.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from luigi_gif import integrations, redaction, storage, urls
from luigi_gif.clip_copy import comparable_place
from luigi_gif.errors import ForeignFileError, ParameterError, ParameterErrors, PipelineError
from luigi_gif.loop_parameters import OF_DEFAULTS, OF_LOOP, ONLY_OF_ONE, PATHS
from luigi_gif.name_parameter import same_name
from luigi_gif.parameters import GIVEN, NamedParameter
from luigi_gif.publish import PublishGif
from luigi_gif.source_task import EXAMPLE_URL
from luigi_gif.tasks import CombineGif
from luigi_gif.url_parameters import path_from

if TYPE_CHECKING:
    from luigi_gif.toml_lines import KeyLines, Path

DEFAULT_WORKDIR = "data"
"""Beside the file: where the work directories of its loops are."""
_DEFAULTS, _LOOP = "defaults", "loop"


class Loop(NamedTuple):
    """A loop of the file.

    Attributes
    ----------
    name : str
        Its name, which no other loop of the file has.
    task : CombineGif or PublishGif
        The task to run.
    clip : CombineGif
        The one that makes its clip.
    """

    name: str
    task: CombineGif | PublishGif
    clip: CombineGif


def read_loops(path: str) -> list[Loop]:
    """The loops of a file, in its order.

    Raises
    ------
    ParameterError
        For a file that cannot be read; :class:`ParameterErrors` for several mistakes in it.
    """
    import tomllib  # which most runs do without

    from luigi_gif.toml_lines import KeyLines

    text = _read_text(path)
    try:
        document = tomllib.loads(text)
        lines = KeyLines(text)
    except RecursionError:
        words = "arrays or tables in each other, too many to read"
        raise _mistake("the file is no TOML", path, "TOML", words, "correct it") from None
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.+) \(at (?:line ([0-9]+), .+|end of document)\)", str(error))
        words, line = found.groups() if found else (str(error), None)
        where = f"{path}, line {line or text.count(chr(10)) + 1}"
        raise _mistake("the file is no TOML", where, "TOML", words, "correct it") from None
    file = _LoopsFile(path, lines)
    loops = file.loops(document)
    if file.mistakes:
        in_order = sorted(file.mistakes, key=lambda mistake: mistake[0])
        raise ParameterErrors([error for _, error in in_order])
    return loops


def chosen_loops(loops: list[Loop], names: Iterable[str], path: str) -> list[Loop]:
    """Those of these names, or all without any, in the order of the file ``path``.

    Raises ParameterError, or ParameterErrors, for names that no loop has.
    """
    names = dict.fromkeys(names)
    known = [loop.name for loop in loops]
    unknown = [
        _mistake(
            "no loop has this name",
            f"{path}: {name}",
            "the name of a loop in the file",
            "another name",
            _did_you_mean(name, known) or "luigi-gif list shows the loops of a file",
        )
        for name in names
        if name not in known
    ]
    if unknown:
        raise ParameterErrors(unknown)
    return [loop for loop in loops if not names or loop.name in names]


class _LoopsFile:
    """Reads the tables of a file, and gathers what is wrong in them."""

    def __init__(self, path: str, lines: KeyLines) -> None:
        self._path = path
        self._folder = os.path.dirname(os.path.abspath(path))
        self._lines = lines
        self._taken: dict[tuple[object, str], int] = {}
        """The line of each thing that two loops may not have in common."""
        self.mistakes: list[tuple[int, ParameterError]] = []
        """With the line of each."""

    def loops(self, document: dict[str, Any]) -> list[Loop]:
        """Those that can be used."""
        for key in document.keys() - {_DEFAULTS, _LOOP}:
            self._unknown((key,), [_LOOP, _DEFAULTS])
        defaults = document.get(_DEFAULTS, {})
        if not isinstance(defaults, dict):
            self._note((_DEFAULTS,), "these are no defaults", "a table, [defaults]", "a value")
            return []
        tables = document.get(_LOOP)
        are_tables = isinstance(tables, list) and all(isinstance(each, dict) for each in tables)
        if not tables or not are_tables:
            got = "another value" if tables else "none"
            self._note((_LOOP,), "there are no loops", "[[loop]] before each of them", got)
            return []
        defaults = self._values(defaults, (_DEFAULTS,), OF_DEFAULTS)
        defaults_are_good = not self.mistakes
        inherited = CombineGif(url=EXAMPLE_URL, workdir=self._folder).param_kwargs
        found: list[tuple[Path, Loop]] = []
        for number, table in enumerate(tables):
            path, before = (_LOOP, number), len(self.mistakes)
            values = self._values(table, path, OF_LOOP)
            for key in {"name", "url"} - table.keys() - defaults.keys():
                self._note((*path, key), f"a loop has no {key}", f"{key} = ...", "none")
            values = self._with_workdir(path, values, defaults)
            if place := values.get("publish"):
                self._is_free((*path, "publish"), place)
            elif "dated_copy" in values:
                what = "dated_copy has no effect"
                self._note((*path, "dated_copy"), what, "publish = ..., too", "none")
            if defaults_are_good and len(self.mistakes) == before:
                found += [(path, loop) for loop in self._loop(path, inherited | defaults | values)]
        self._check_that_no_clip_is_replaced(found)
        self._check_that_copies_have_names_of_their_own(found)
        return [loop for _, loop in found]

    def _check_that_no_clip_is_replaced(self, loops: list[tuple[Path, Loop]]) -> None:
        """Note each loop that is published where another one makes its clip."""
        clips = {
            _same_place(f"{loop.clip.workdir}/{loop.clip.gif_file}"): path for path, loop in loops
        }
        for path, loop in loops:
            if not isinstance(loop.task, PublishGif):
                continue
            other = clips.get(_same_place(loop.task.to), path)
            if other != path:
                what = "a loop would replace the clip in the work directory of another"
                got = f"that of the loop in line {self._lines.line_of((*other, 'name'))}"
                self._note((*path, "publish"), what, "a place of its own", got)

    def _check_that_copies_have_names_of_their_own(self, loops: list[tuple[Path, Loop]]) -> None:
        """Note each loop whose dated copies another one would keep under the same names."""
        for path, loop in loops:
            if isinstance(loop.task, PublishGif) and loop.task.dated_copy:
                folder, name = posixpath.split(loop.task.to)[0], loop.task.dated_copy
                self._is_free((*path, "dated_copy"), posixpath.join(folder, name))

    def _loop(self, path: Path, values: dict[str, Any]) -> Iterator[Loop]:
        """The loop, unless its values cannot be used together."""
        name, receivers = values.pop("name"), values.pop("on_failure", "")
        try:
            task = _new_task(values)
        except PipelineError as error:
            named = (key for key in values if f"{OF_LOOP[key].flag} " in f"{error.what} ")
            self._note_error((*path, *itertools.islice(named, 1)), error)
            return
        task.alone = True  # Luigi looks at all of its tasks before it runs each
        task.loop_name, task.failure_receivers = name, receivers
        yield Loop(name, task, task if isinstance(task, CombineGif) else task.requires())

    def _values(
        self, table: dict[str, Any], path: Path, known: dict[str, NamedParameter[Any]]
    ) -> dict[str, Any]:
        """Those of a table that can be used, as tasks take them."""
        values = {}
        for key, value in table.items():
            if key not in known:
                self._unknown((*path, key), list(known))
                continue
            parameter = known[key]
            try:
                values[key] = parameter.normalize(parameter.parse(self._given(key, value)))
            except ParameterError as error:
                self._note_error((*path, key), error)
        if receivers := values.get("on_failure"):
            self._check_receivers((*path, "on_failure"), receivers)
        return values

    def _check_receivers(self, path: Path, receivers: str) -> None:
        for scheme in integrations.unknown_services(receivers):
            got = f"{scheme}://..., which it cannot use"
            self._note(path, "a receiver is unknown", "URLs of apprise", got)

    def _given(self, key: str, value: Any) -> Any:
        """What the file says, with paths as they are known from every folder."""
        if isinstance(value, date):  # or a datetime
            return value.isoformat()
        if key not in PATHS:
            return value
        if isinstance(value, str) and key == "url":
            with contextlib.suppress(ValueError):  # which the parameter tells of
                sources = urls.split_sources(value)
                value = sources[0] if len(sources) == 1 else sources
        if isinstance(value, list):
            return [
                path_from(self._folder, each) if isinstance(each, str) else each for each in value
            ]
        return path_from(self._folder, value) if isinstance(value, str) else value

    def _with_workdir(
        self, path: Path, values: dict[str, Any], defaults: dict[str, Any]
    ) -> dict[str, Any]:
        """With the work directory: its own, else the folder of its name in that of all loops."""
        name, workdir = values.get("name", ""), values.get("workdir")
        if not workdir:
            parent = defaults.get("workdir") or os.path.join(self._folder, DEFAULT_WORKDIR)
            workdir = f"{parent.rstrip('/')}/{name}"
        if name and self._is_free((*path, "name"), name):
            self._is_free((*path, "workdir"), workdir)
        return values | {"workdir": workdir}

    def _is_free(self, path: Path, value: str) -> bool:
        """Whether no loop before it has the same; else that is a mistake."""
        key, line = path[-1], self._lines.line_of(path)
        # Some file systems take two names for one.
        taken = same_name(value) if key == "name" else _same_place(value)
        other = self._taken.setdefault((key, taken), line)
        if other == line:
            return True
        got = f"{redaction.public_url(value)}, as in line {other}"
        self._note(path, f"two loops have the same {key}", f"a {key} of its own", got)
        return False

    def _unknown(self, path: Path, known: list[str]) -> None:
        key = str(path[-1])
        meant = "publish" if key == "output" else key  # as luigi-gif and make_gif() call it
        next_step = (
            _did_you_mean(meant, known) or "correct it; docs/options.md lists the parameters"
        )
        if key in ONLY_OF_ONE and path[0] == _DEFAULTS:
            expected, next_step = f"a {key} for each [[loop]]", "move it there"
        elif len(path) == 1:
            expected = "[defaults] and [[loop]]"
        else:
            expected = f"{', '.join(known[:1])} or a parameter of the tasks, with underscores"
        self._note(path, "the file has an unknown key", expected, "another name", next_step)

    def _note_error(self, path: Path, error: PipelineError) -> None:
        """Note what a parameter or a task says of a value."""
        key = str(path[-1])
        flag = OF_LOOP[key].flag if key in OF_LOOP else ""
        what = error.what.replace(flag, key) if flag else error.what
        where = "" if error.where == GIVEN else f": {error.where}"
        self._note(path, what, error.expected, error.got, error.next_step, where)

    def _note(
        self,
        path: Path,
        what: str,
        expected: str,
        got: str,
        next_step: str = "correct the file and run again",
        behind: str = "",
    ) -> None:
        line = self._lines.line_of(path)
        key = redaction.public_url(path[-1]) if isinstance(path[-1], str) else "this loop"
        where = f"{self._path}, line {line}: {key}{behind}"
        self.mistakes.append((line, _mistake(what, where, expected, got, next_step)))


def _same_place(place: str) -> str:
    """What is the same for two paths or URLs that lead to one place, on some file system."""
    return same_name(comparable_place(place))


def _new_task(values: dict[str, Any]) -> CombineGif | PublishGif:
    """The task of a loop. Raises PipelineError for values that cannot be used together."""
    place, dated_copy = values.pop("publish", ""), values.pop("dated_copy", "")
    if not place:
        return CombineGif(**values)
    return PublishGif(**values, to=place, dated_copy=dated_copy)


def _read_text(path: str) -> str:
    """The text of the file. Raises ParameterError."""
    try:
        with (
            storage.open_regular_file(os.path.expanduser(path)) as descriptor,
            open(descriptor, encoding="utf-8-sig", closefd=False) as file,  # as editors save it
        ):
            return file.read()
    except (OSError, ValueError, ForeignFileError) as error:
        got = "no regular file" if isinstance(error, ForeignFileError) else "no text in UTF-8"
        got = getattr(error, "strerror", None) or got
        raise _mistake(
            "the loops cannot be read", path, "a TOML file", got, "correct its path"
        ) from None


def _mistake(what: str, where: str, expected: str, got: str, next_step: str) -> ParameterError:
    return ParameterError(what, where=where, expected=expected, got=got, next_step=next_step)


def _did_you_mean(word: str, known: list[str]) -> str:
    """A question that names the nearest of the known words; nothing where none is near."""
    import difflib  # which a file without a mistake does without

    nearest = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else ""
