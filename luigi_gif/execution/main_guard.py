"""A script without a __main__ guard, which each worker process that it starts would run again."""

from __future__ import annotations

import ast
import inspect
import sys
from typing import Any

from luigi_gif.errors import ClusterError


def check_script_is_guarded() -> None:
    """Raise ClusterError if processes that this one spawns would run its script again.

    A spawned process imports the script that its parent runs, and so reaches the same call
    (https://docs.python.org/3/library/multiprocessing.html, "Safe importing of main module").
    It would then wait for the lock of the run that started it.
    """
    frame = inspect.currentframe()
    while frame is not None:
        path = _script(frame.f_globals) if frame.f_code.co_name == "<module>" else None
        if path is not None and not _is_guarded(path, frame.f_lineno):
            raise _unguarded_error(f"{path}, line {frame.f_lineno}")
        frame = frame.f_back


def check_is_no_worker() -> None:
    """Raise ClusterError if this process is such a worker, importing that script."""
    # What multiprocessing calls that script; once it is imported, it is __main__ too. In other
    # processes it is what was __main__ when multiprocessing was imported, under its own name.
    script = sys.modules.get("__mp_main__")
    is_imported_again = getattr(script, "__name__", None) == "__mp_main__"
    if is_imported_again and sys.modules.get("__main__") is not script:
        raise _unguarded_error(str(getattr(script, "__file__", "the script")))


def _script(module: dict[str, Any]) -> str | None:
    """The path of a script that a spawned process would import; a notebook has none."""
    spec = module.get("__spec__")
    of_package = spec is not None and spec.name.rpartition(".")[2] == "__main__"
    return None if module.get("__name__") != "__main__" or of_package else module.get("__file__")


def _is_guarded(path: str, line: int) -> bool:
    """Whether a condition about ``__name__`` stands around the line, or before it."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return True  # no script that can be read, or no longer
    return any(
        isinstance(node, ast.If)
        and node.lineno <= line
        and any(
            isinstance(name, ast.Name) and name.id == "__name__" for name in ast.walk(node.test)
        )
        for node in ast.walk(tree)
    )


def _unguarded_error(where: str) -> ClusterError:
    return ClusterError(
        "each worker process would run this script again",
        where=where,
        expected="the run below: if __name__ == '__main__':",
        got="a run at the top level of the script",
        next_step="put what the script does below such a line, and run it again",
    )
