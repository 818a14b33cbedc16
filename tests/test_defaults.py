"""What counts without a luigi.cfg, and that a user's own wins entry by entry."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from luigi.configuration import LuigiConfigParser, LuigiTomlParser
from pytest_mock import MockerFixture
from support import warm
from support.commands import luigi_command, luigi_environment
from support.paths import ROOT, SAMPLE

from luigi_gif.integrations import process_setup


@pytest.fixture
def config(mocker: MockerFixture) -> LuigiConfigParser:
    """An empty configuration, in the place of this process's."""
    config = LuigiConfigParser()
    mocker.patch("luigi_gif.integrations.process_setup.get_config", return_value=config)
    return config


def test_they_are_those_of_the_luigi_cfg_at_the_top() -> None:
    """Whoever copies it changes nothing."""
    profile = configparser.ConfigParser()
    profile.read(ROOT / "luigi.cfg")
    for section in process_setup.DEFAULTS.keys() - {"RangeDaily", "RangeHourly"}:
        entries = process_setup.DEFAULTS[section]
        for name, value in entries.items():
            assert profile[section][name] == str(value).lower() or profile[section][name] == value


def test_each_entry_of_the_user_wins(config: LuigiConfigParser) -> None:
    """Also one that Luigi spells with dashes."""
    config.read_string("[core]\nlog_level = DEBUG\n[retcode]\ntask_failed = 7\n")
    process_setup.set_defaults([])
    assert config.get("core", "log_level") == "DEBUG"
    assert config.getint("retcode", "task_failed") == 7
    assert config.getint("retcode", "not_run") == 25
    assert config.getboolean("core", "local_scheduler")


@pytest.mark.parametrize(
    ("profile", "arguments"),
    [
        ("[core]\nscheduler_url = http://luigid:8082\n", []),
        ("[core]\nscheduler_host = luigid\n", []),
        ("[core]\ndefault-scheduler-host = luigid\n", []),
        ("", ["--scheduler-url", "http://luigid:8082"]),
        ("", ["--scheduler-host=luigid"]),
    ],
)
@pytest.mark.filterwarnings("ignore:Configuration:DeprecationWarning")
def test_whoever_names_a_luigid_wants_it(
    config: LuigiConfigParser, profile: str, arguments: list[str]
) -> None:
    """In a configuration or on the command line."""
    config.read_string(profile)
    process_setup.set_defaults(arguments)
    assert not config.getboolean("core", "local_scheduler", False)


def test_toml_gets_values_of_its_own_types(mocker: MockerFixture) -> None:
    """Luigi takes them from it as they are."""
    config = LuigiTomlParser()
    config.data = {"retcode": {"task_failed": 7}}
    mocker.patch("luigi_gif.integrations.process_setup.get_config", return_value=config)
    process_setup.set_defaults([])
    assert config.getboolean("core", "local_scheduler") is True
    assert config.getint("retcode", "not_run") == 25
    assert config.getint("retcode", "task_failed") == 7


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "code"), [("", 30), ("[retcode]\ntask_failed = 7\n", 7)])
def test_a_failed_task_has_its_exit_code(tmp_path: Path, profile: str, code: int) -> None:
    """In a folder without a luigi.cfg, or with one: no luigid is looked for."""
    if profile:
        (tmp_path / "luigi.cfg").write_text(profile)
    environment = luigi_environment()
    del environment["LUIGI_CONFIG_PATH"]
    command = luigi_command("CombineGif", "--url", "missing.img")
    result = warm.run(command, cwd=tmp_path, env=environment)
    assert result.returncode == code, result.stderr
    assert "DEBUG" not in result.stderr
    assert "scheduler 'http" not in result.stderr
    assert f"What failed:\n* {tmp_path / 'missing.img'}: " in result.stderr


@pytest.mark.slow
def test_what_failed_is_named_with_several_workers(tmp_path: Path) -> None:
    """Each task fails in a process of its own then; the last lines name all."""
    missing = [f"none{number}.img" for number in range(5)]
    (tmp_path / "urls.txt").write_text("\n".join([str(SAMPLE), *missing]))
    command = luigi_command("GifBatch", "--urls-file", "urls.txt", "--workers", "2")
    result = warm.run(command, cwd=tmp_path, env=luigi_environment())
    assert result.returncode == 30
    named = result.stderr.partition("What failed:\n")[2].splitlines()
    assert sorted(line.partition(":")[0] for line in named) == [
        f"* {tmp_path / name}" for name in missing
    ]
    assert len(list(tmp_path.glob("data/*/clip.gif"))) == 1
