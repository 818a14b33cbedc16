"""A room's front door gives its names, and loads their modules when they are first used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOMS = (
    "clips",
    "execution",
    "fetching",
    "frames",
    "gif",
    "imaging",
    "integrations",
    "bundles",
    "storage",
)


def declared_names(room: ModuleType) -> list[tuple[str, str]]:
    """For each name that type checkers see there its module, and itself."""
    tree = ast.parse(Path(str(room.__file__)).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return [
        (str(line.module), name.name)
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    ]


@pytest.mark.parametrize("name", ROOMS)
def test_a_front_door_gives_what_type_checkers_see_there(name: str) -> None:
    """Each of its names is the one of the module that the types come from."""
    room = importlib.import_module(f"luigi_gif.{name}")
    declared = declared_names(room)
    assert declared
    for module, each in declared:
        assert getattr(room, each) is getattr(importlib.import_module(module), each)


def test_a_front_door_has_no_other_names() -> None:
    """A name that it does not have is an AttributeError, as of any module."""
    room = importlib.import_module("luigi_gif.gif")
    with pytest.raises(AttributeError, match=r"'luigi_gif\.gif' has no attribute 'nothing'"):
        room.nothing  # noqa: B018


def test_the_package_loads_no_module_that_only_a_run_needs() -> None:
    """Nothing writes frames, combines them or fetches before a task does so."""
    code = "import sys, luigi_gif; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for module in (
        "clips.combining",
        "execution.executors",
        "fetching.bundle_download",
        "frames.write_frames",
        "integrations.process_setup",
        "bundles.bundle_frames",
        "storage.local_folder",
    ):
        assert f"luigi_gif.{module}" not in said.stdout.split()
