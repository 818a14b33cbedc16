"""The table of docs/options.md that says where each option may stand."""

from __future__ import annotations

import re
import tomllib

from support.paths import ROOT

from luigi_gif import cli_options, loop_parameters, settings
from luigi_gif.cli_settings import luigi_gif
from luigi_gif.publish import PublishGif

HEAD = "| luigi-gif | luigi | luigi.cfg | loops.toml | make_gif() |\n|---|---|---|---|---|\n"
INSTEAD = {
    *("--help", "--explain", "--page", "--page-url", "--write-samples", "--completion"),
    "--version",
}
"""They make no clip, and stand on the command line only."""


def table() -> list[list[str]]:
    """The cells of its rows."""
    text = (ROOT / "docs" / "options.md").read_text().partition(HEAD)[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()]


def column(number: int) -> list[str]:
    """What a column names, without what stands beside it in words."""
    return [name for row in table() for name in re.findall("`([^`]+)`", row[number])]


def test_each_parameter_and_each_setting_has_its_row() -> None:
    """With the same name in each place."""
    rows = table()
    for name in cli_options.task_parameters():
        task = "PublishGif" if name == "dated_copy" else "CombineGif"
        flag = cli_options.flag(name)
        row = [f"`{flag}`", f"`{flag}`", f"`[{task}] {name}`", f"`{name}`", f"`{name}`"]
        assert row in rows
    for section in cli_options.SECTIONS:
        for name, _ in section.get_params():
            flag = f"`--{section.__name__}-{name}`".replace("_", "-")
            key = "`on_failure`" if flag == "`--notify-on-failure`" else ""
            assert [flag, flag, f"`[{section.__name__}] {name}`", key, ""] in rows


def test_no_option_is_missing_in_any_column() -> None:
    """Each that the command, luigi.cfg, loops.toml or make_gif() takes stands there once."""
    parser = cli_options.make_parser()
    long = {flag for action in parser._actions for flag in action.option_strings if flag[1] == "-"}
    named = [name for name in column(0) if name.startswith("--")]
    assert sorted(named) == sorted(long - INSTEAD)
    of_sections = [
        f"[{section.__name__}] {name}"
        for section in (*cli_options.SECTIONS, settings.places, luigi_gif)
        for name, _ in section.get_params()
    ]
    assert not set(of_sections) - set(column(2))
    keys = set(loop_parameters.OF_LOOP) - {"name"}
    assert set(column(3)) == keys
    of_make_gif = {name for name, _ in PublishGif.get_params()} - {"url", "to"}
    assert set(column(4)) == of_make_gif


def test_each_extra_that_a_user_may_want_is_named() -> None:
    """Those of pyproject.toml but for working on the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = (ROOT / "docs" / "options.md").read_text().partition("\n## Extras\n")[2]
    rows = re.findall(r"^\| (`.*`) \|", text.partition("\n## ")[0], re.MULTILINE)
    named = re.findall("`([a-z0-9]+)`", " ".join(rows))
    assert sorted(named) == sorted(set(project["optional-dependencies"]) - {"test", "dev", "docs"})
