"""The parameters that say when a source is asked whether it has changed."""

from __future__ import annotations

from typing import Any

from luigi_gif import sources, urls
from luigi_gif.flag_parameter import FlagParameter
from luigi_gif.parameters import bad_parameter
from luigi_gif.selection_parameters import AgeParameter, chooses_by_age


class RefreshParameters:
    """When a source is asked again; they shape no file's bytes by themselves."""

    refresh = FlagParameter(
        description="ask the source in each run whether it has changed, and fetch what has"
    )
    max_age = AgeParameter(
        default="", description="the same, but only if it was asked longer ago than this: 10m"
    )
    accumulate = FlagParameter(
        description="of one picture that is overwritten, keep each that a run finds as a further "
        "frame; --last says how many"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.accumulate:
            _check_goes_with_accumulate(self)


NAMES = tuple(name for name in vars(RefreshParameters) if not name.startswith("_"))
_NOT_WITH_ACCUMULATE = (
    *("match", "since", "until", "sort", "step", "every", "first", "time_format", "sha256"),
)
"""Parameters that would lose what was gathered, or have no effect."""


def _check_goes_with_accumulate(task: Any) -> None:
    """Raise ParameterError for a parameter that cannot be used with it."""
    for name in _NOT_WITH_ACCUMULATE:
        parameter = getattr(type(task), name, None)
        if parameter is not None and getattr(task, name) != parameter.default:
            expected = "only --last to choose with --accumulate"
            raise bad_parameter(parameter.flag, expected, parameter.serialize(getattr(task, name)))


def hint_at_refresh(task: Any) -> str:
    """What is said behind "is current" of a task whose source no run looks at; else nothing."""
    is_asked = ask_after_s(task) is not None
    if is_asked and task.bundle.is_of_user():
        return f"; {task.data_file} has no receipt, so it counts as yours: its source is not asked"
    is_local = all(map(urls.is_local, urls.split_sources(task.url)))
    if is_local or is_asked or not task.bundle.has_receipt():
        return ""
    return "; only --refresh asks its source for changes"


def ask_after_s(task: Any) -> float | None:
    """How old an answer of the source may be, in seconds; None if it is not asked again."""
    age = sources.parse_age(task.max_age)
    if age is not None:
        return age.total_seconds()
    # With an age there are other pictures to choose from at each time.
    is_asked = task.refresh or task.accumulate or chooses_by_age(task)
    return 0.0 if is_asked else None
