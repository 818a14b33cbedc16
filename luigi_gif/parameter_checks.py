"""What the command line and luigi.cfg say, held against what a task makes of it.

Luigi drops empty values, passes over what stands in the section or flag of a task that
another one hands its parameters to, and shows values in its own errors. None of this is
silent, or shown, for the tasks and sections of this package.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from configparser import InterpolationError, NoOptionError, NoSectionError
from typing import Any, ClassVar, Self

import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import get_config
from luigi.configuration.cfg_parser import InterpolationMissingEnvvarError
from luigi.parameter import MissingParameterException, ParameterException
from luigi.task_register import Register

from luigi_gif.errors import LUIGI_LOGGER, ParameterError, PipelineError, unset_variable
from luigi_gif.name_parameter import check_names

logger = logging.getLogger(f"{LUIGI_LOGGER}.given")

Parameters = list[tuple[str, Any]]
Args = tuple[object, ...]
Kwargs = dict[str, object]


class _KnownParameters(luigi.Task):
    """A task that looks for its parameters once; Luigi does each time."""

    @classmethod
    @functools.cache
    def get_params(cls) -> list[tuple[str, Any]]:
        return list(super().get_params())


class CheckedTask(_KnownParameters):
    """A task whose parameters count where they are given, or are an error."""

    needs: ClassVar[type[CheckedTask] | None] = None
    """The task that this one hands its parameters to."""
    shares_section_of: ClassVar[type[CheckedTask] | None] = None
    """The task whose section and flags count for this one, too, where its own say nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        check_names((parameter, getattr(self, name)) for name, parameter in self.get_params())
        needed = self.needs
        while needed is not None:
            if needed is not self.shares_section_of:
                self._check_handed_down(needed)
            needed = needed.needs

    @classmethod
    def get_param_values(cls, params: Parameters, args: Args, kwargs: Kwargs) -> Parameters:
        """As Luigi has it, with errors that show no values."""
        unknown = _entries(cls.get_task_family()) - dict(params).keys()
        if unknown:
            raise ParameterError(
                "an entry of the configuration has no effect",
                where=f"[{cls.get_task_family()}] {', '.join(sorted(unknown))}",
                expected=f"only parameters of {cls.get_task_family()}",
                got="another name",
                next_step="correct it, or remove it",
            )
        for name, _ in params:
            if name not in kwargs and _given(cls.get_task_family(), name) == "":
                raise _empty(f"--{name}", cls.get_task_family(), name)
        kwargs = cls._shared_values(params, kwargs) | kwargs
        return without_values(super().get_param_values, cls, params, args, kwargs)

    @classmethod
    def _shared_values(cls, params: Parameters, kwargs: Kwargs) -> Kwargs:
        """What is given for the task whose section this one shares, and not for this one."""
        if cls.shares_section_of is None:
            return {}
        own, family = cls.get_task_family(), cls.shares_section_of.get_task_family()
        given = _names_given(family) - kwargs.keys()
        return {
            name: parameter.parse(_given(family, name))
            for name, parameter in params
            if name in given and _given(own, name) is None
        }

    def texts_of(self, names: Iterable[str]) -> dict[str, str]:
        """The texts of these parameters; Luigi has a method for those of all."""
        parameters = dict(self.get_params())
        return {name: parameters[name].serialize(getattr(self, name)) for name in names}

    def _check_handed_down(self, needed: type[CheckedTask]) -> None:
        family = needed.get_task_family()
        for name in _names_given(family):
            parameter = getattr(needed, name, None)
            if parameter is None:
                continue  # an entry of another name is an error of that task
            value = parameter.normalize(parameter.parse(_given(family, name)))
            if hasattr(self, name) and value != getattr(self, name):
                flag = name.replace("_", "-")
                raise ParameterError(
                    "a parameter has no effect where it is given",
                    where=f"--{family}-{flag}, or [{family}] {name}",
                    expected=f"none there, as {self.task_family} hands its own to {family}",
                    got=parameter.serialize(value),
                    next_step=f"give it as --{flag}, or as [{self.task_family}] {name}",
                )


class CheckedConfig(_KnownParameters, luigi.Config):
    """A section of luigi.cfg whose entries count, or are named."""

    ignore_unconsumed: ClassVar[set[str]] = set()
    reads_once: ClassVar[bool] = False
    """Whether this process is a command, whose configuration does not change."""
    _read: ClassVar[Any] = None

    @classmethod
    def current(cls) -> Self:
        """The section as it is now. Raises ParameterError."""
        if not CheckedConfig.reads_once:
            return cls()
        cls._read = cls._read or cls()
        value: Self = cls._read
        return value

    @classmethod
    def get_param_values(cls, params: Parameters, args: Args, kwargs: Kwargs) -> Parameters:
        """As Luigi has it, with errors and warnings that show no values."""
        unknown = _entries(cls.get_task_family()) - dict(params).keys() - cls.ignore_unconsumed
        if unknown:
            # A user's own pipeline may have a section of this name: no error.
            cls.ignore_unconsumed = cls.ignore_unconsumed | unknown
            names = ", ".join(sorted(unknown))
            logger.warning("[%s] has no entry %s: without effect", cls.get_task_family(), names)
        values = without_values(super().get_param_values, cls, params, args, kwargs)
        for name, value in values:
            if name not in kwargs and _on_command_line(cls.get_task_family(), name) == "" != value:
                flag = f"--{cls.get_task_family()}-{name}"
                raise _empty(flag, cls.get_task_family(), name)
        return values


@functools.cache
def warn_of_misspelt_sections() -> None:
    """Name once the sections whose names are nearly those of tasks and settings of this package."""
    config = get_config()
    sections = config.sections() if hasattr(config, "sections") else list(config.data)
    tasks = [task.get_task_family() for task in _subclasses(_KnownParameters)]
    unknown = [each for each in sections if each not in tasks and each not in Register.task_names()]
    if not unknown:
        return
    import difflib  # which a run without such a section does without

    known = {task.lower(): task for task in tasks}
    for section in unknown:
        nearest = difflib.get_close_matches(section.lower(), known, n=1, cutoff=0.85)
        if nearest:
            message = "[%s] is no section of luigi_gif: did you mean [%s]?"
            logger.warning(message, section, known[nearest[0]])


def _subclasses(cls: type[luigi.Task]) -> Iterator[type[luigi.Task]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


def without_values(
    method: Callable[..., Parameters], cls: type[luigi.Task], *arguments: object
) -> Parameters:
    """What the method gives; the errors of Luigi, without the values that it shows in them."""
    try:
        return method(*arguments)
    except PipelineError:
        raise
    except InterpolationError as error:
        raise _unreadable(error) from None
    except (ParameterException, ValueError) as error:
        cause = error.__cause__
        if isinstance(cause, PipelineError):
            raise cause from None
        if isinstance(cause, InterpolationError):
            raise _unreadable(cause) from None
        words = str(error).rpartition("]: ")[2]
        if isinstance(error, MissingParameterException):
            raise ParameterError(
                "a parameter without a default is not given",
                where=cls.get_task_family(),
                expected="a value on the command line, in luigi.cfg or from Python",
                got=words,
                next_step=f"see --help, or the docstring of {cls.get_task_family()}",
            ) from None
        raise type(error)(f"{cls.get_task_family()}: {words}") from None


def _entries(family: str) -> set[str]:
    """The names of what stands in a section."""
    config = get_config()
    try:
        entries: Iterable[str] = config[family]
    except KeyError:
        return set()
    return {entry.replace("-", "_") for entry in set(entries) - config.defaults().keys()}


def _names_given(family: str) -> set[str]:
    """The parameters of a task that its own section or flags name."""
    begin = f"{family}_"
    on_command_line = {
        dest.removeprefix(begin)
        for dest, text in _command_line_flags().items()
        if text is not None and dest.startswith(begin)
    }
    return _entries(family) | on_command_line


def _given(family: str, name: str) -> Any:
    """What the command line or else the configuration says, or None."""
    text = _on_command_line(family, name)
    if text is not None:
        return text
    config = get_config()
    try:
        _ = config[family]  # most often there is no such section, and this is quickly told
        return config.get(family, name)
    except (NoSectionError, NoOptionError, KeyError):
        return None
    except InterpolationError as error:
        raise _unreadable(error) from None


def _on_command_line(family: str, name: str) -> str | None:
    """What the flag says, --name or --family-name, or None."""
    flags = _command_line_flags()
    names = [f"{family}_{name}", *([name] if flags.get("root_task") == family else [])]
    texts = [flags.get(dest) for dest in names]
    return next((text for text in texts if text is not None), None)


def _command_line_flags() -> dict[str, str | None]:
    """The flags of the luigi command that this process runs, by their names for argparse."""
    # Luigi calls its parser internal, and tells tasks what was given in no other way.
    parser = CmdlineParser.get_instance()
    return {} if parser is None else vars(parser.known_args)


def _empty(flag: str, family: str, name: str) -> ParameterError:
    return ParameterError(
        "a parameter is given without a value",
        where=f"{flag.replace('_', '-')}, or [{family}] {name}",
        expected="a value",
        got="an empty text, as of a shell variable that is not set",
        next_step="give a value, or leave the parameter out",
    )


def _unreadable(error: InterpolationError) -> ParameterError:
    if isinstance(error, InterpolationMissingEnvvarError):
        # Its text holds the whole entry.
        found = re.search(r"environment variable (.+?)\. Section", str(error))
        return unset_variable(f"[{error.section}] {error.option}", found[1] if found else "...")
    return ParameterError(
        "an entry of the configuration cannot be read",
        where=f"[{error.section}] {error.option}",
        expected="%% for each percent sign, and ${NAME} for variables that are set",
        got="a % or ${...} of another kind",
        next_step="correct it and run again",
    )
