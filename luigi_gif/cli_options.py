"""The options of luigi-gif, in groups: each parameter of PublishGif and each setting is one.

Their texts stand beside them, where the parameters and the settings are defined.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from luigi_gif import caption_parameters, exit_codes, refresh_parameters, settings
from luigi_gif._version import __version__
from luigi_gif.cli_commands import describe_commands
from luigi_gif.cli_settings import luigi_gif
from luigi_gif.errors import ParameterError
from luigi_gif.flag_parameter import ALONE, FlagParameter
from luigi_gif.max_size_parameter import PLACES
from luigi_gif.parameter_checks import CheckedConfig
from luigi_gif.parameters import NamedParameter
from luigi_gif.publish import PublishGif
from luigi_gif.redaction import public_text

SECTIONS = (
    settings.dask,
    settings.download,
    settings.storage,
    settings.notify,
    settings.publish,
)
_NAMED_OTHERWISE = {"url", "gif_file", "to"}
"""Parameters of PublishGif that have other names here, or none."""

SHELLS = ("bash", "zsh", "fish")
_GROUPS = {
    "source": "where the pictures are, and which of them are wanted",
    "result": "where the clip goes, what stands beside it, and what is told of the run",
    "frames": "which frames the clip leaves out",
    "look": "what its frames look like",
    "captions": "what is written onto its frames",
    "timing": "how the clip plays",
    "file size": "how the clip is stored, and what it gives up to be small",
    "freshness": "when the source is asked again",
    "work directory": "where the files of a run are; what is done there is not done again",
    "Dask": "who writes the frames; no byte of the clip depends on it",
    "download": "retries, timeouts and limits of a download",
    "notifications": "messages to apprise URLs, separated by spaces",
    "in the place of a clip": "what else luigi-gif does",
}
_PARAMETERS_OF_GROUP = {
    "result": ("also", "dated_copy"),
    "frames": ("on_bad_frame", "duplicates", "ignore_sha256", "drop_blank", "min_frames"),
    "look": (
        *("crop", "size", "fit", "background", "range"),
        *("quality", "palette", "colors", "dither", "max_megapixels"),
    ),
    "captions": caption_parameters.NAMES,
    "timing": ("frame_duration_ms", "fps", "hold_first_ms", "hold_last_ms", "bounce", "plays"),
    "file size": ("optimize", "tolerance", "max_size"),
    "freshness": refresh_parameters.NAMES,
    "work directory": ("workdir", "data_file"),
}
"""In the order of the help. All others of PublishGif are about the source."""
_GROUP_OF_SECTION = {
    "dask": "Dask",
    "download": "download",
    "storage": "work directory",
    "notify": "notifications",
    "publish": "result",
}
_USAGE = """\
%(prog)s [options] URL
       %(prog)s --help   lists the options, and the commands for many clips"""
_EPILOG = f"""\
exit codes:
  {exit_codes.SUCCESS:<5}the clip is there
  {exit_codes.BAD_USAGE:<5}an option cannot be used
  {exit_codes.TASK_FAILED:<5}a step failed; the error says what, where, and what to do next
  {exit_codes.SCHEDULING_FAILED:<5}the steps could not be planned
  {exit_codes.INTERRUPTED:<5}interrupted; the next run resumes

examples:
  luigi-gif pictures -o clip.gif
  luigi-gif https://example.org/radar/ --match '*.png' --last 48 --optimize lossless
  luigi-gif video.mp4 --step 0.1s --size 320x
  luigi-gif pictures --every 2 --explain
"""


class Parser(argparse.ArgumentParser):
    """Answers an error with a short usage, and an unknown option with what may be meant."""

    problem: ParameterError | None = None
    """What ended it."""

    def error(self, message: str) -> NoReturn:
        """Print the usage, the message and what may be meant; exit with 2."""
        self.print_usage(sys.stderr)
        advice = _advice(message, list(self._option_string_actions))
        self.problem = ParameterError(
            "an option cannot be used",
            where="the command line",
            expected="what luigi-gif --help lists",
            got=public_text(message),
            next_step=advice or "correct it, and run again",
        )
        hint = f"{self.prog}: {advice}\n" if advice else ""
        self.exit(exit_codes.BAD_USAGE, f"{self.prog}: error: {message}\n{hint}")


def make_parser() -> Parser:
    """The parser of the command line; what it parses has a value only for what was given."""
    parser = Parser(
        prog="luigi-gif",
        usage=_USAGE,
        description="Make an animated GIF from pictures wherever they are."
        + _escaped(describe_commands()),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,  # it stands in a group
    )
    groups = {title: parser.add_argument_group(title, text) for title, text in _GROUPS.items()}
    groups["source"].add_argument(
        "url",
        nargs="*",
        metavar="URL",
        help="where the pictures are, one or several: a path or URL of a folder, a picture, an "
        "archive, a page, a list, a video or a bundle, or a pattern; - is standard input",
    )
    _add_own_options(groups["result"])
    _add_parameters(groups)
    _add_other_uses(groups["in the place of a clip"])
    return parser


def _add_own_options(group: argparse._ActionsContainer) -> None:
    """Add those of luigi-gif itself: what becomes of the clip, and what is told."""
    for name, parameter in luigi_gif.get_params():
        if name == "quiet":
            group = group.add_mutually_exclusive_group()
        _add_option(group, name, parameter, f"-{name[0]}" if name != "json" else None)


def _add_other_uses(group: argparse._ActionsContainer) -> None:
    """Add what luigi-gif does in the place of making a clip."""
    group.add_argument(
        "--explain",
        action="store_true",
        help="only show which pictures are chosen, which steps would run, and why",
    )
    group.add_argument(
        "--page", metavar="FOLDER", help="only write an HTML page of all clips in this folder"
    )
    group.add_argument(
        "--page-url",
        metavar="URL",
        help="where that folder is on the web, for absolute links in its feed",
    )
    group.add_argument(
        "--write-samples",
        action="store_true",
        help="only write examples/, a bundle and a notebook, and config/, files for cron, systemd "
        "and luigid, into the current folder",
    )
    group.add_argument(
        "--completion",
        choices=SHELLS,
        help="only print what makes this shell complete luigi-gif, such as "
        "'source <(luigi-gif --completion bash)' in ~/.bashrc",
    )
    version = "only print the version"
    group.add_argument("--version", action="version", version=__version__, help=version)
    group.add_argument("-h", "--help", action="help", help="only print this help")


def _add_parameters(groups: Mapping[str, argparse._ActionsContainer]) -> None:
    """Add an option for each parameter and each setting."""
    for title, name, parameter in _parameters():
        group = groups[title]
        if name == "max_size":
            group = group.add_mutually_exclusive_group()
        _add_option(group, name, parameter)
        if name == "max_size":
            place = "the same, for a place by its name"
            group.add_argument("--for", dest=name, choices=PLACES, help=place)


def _add_option(
    group: argparse._ActionsContainer,
    name: str,
    parameter: NamedParameter[Any],
    short: str | None = None,
) -> None:
    """Add the option for a parameter."""
    flags = [flag(name)] if short is None else [short, flag(name)]
    value = ALONE if isinstance(parameter, FlagParameter) else {"metavar": parameter.metavar}
    group.add_argument(*flags, dest=name, help=_help(parameter), **value)


def add_settings(parser: Parser) -> None:
    """Add the options of luigi-gif that are about any run: its log, and each setting, in groups."""
    told = parser.add_mutually_exclusive_group()
    for name in ("quiet", "verbose"):
        _add_option(told, name, dict(luigi_gif.get_params())[name], f"-{name[0]}")
    titles = dict.fromkeys(_GROUP_OF_SECTION[section.__name__] for section in SECTIONS)
    groups = {title: parser.add_argument_group(title) for title in titles}
    for title, name, setting in _settings():
        _add_option(groups[title], name, setting)


def task_parameters() -> list[str]:
    """The parameters of PublishGif that are options of the same name."""
    return [name for name, _ in PublishGif.get_params() if name not in _NAMED_OTHERWISE]


def flag(name: str) -> str:
    """The option for a parameter."""
    return f"--{name.replace('_', '-')}"


def destination(section: type[CheckedConfig], name: str) -> str:
    """The attribute of what was parsed that has the value of a setting."""
    return name if section is luigi_gif else f"{section.__name__}_{name}"


def _parameters() -> Iterator[tuple[str, str, NamedParameter[Any]]]:
    """Each parameter that is an option: its group, its name, and itself."""
    parameters = dict(PublishGif.get_params())
    grouped = {name: title for title, names in _PARAMETERS_OF_GROUP.items() for name in names}
    about_source = [name for name in task_parameters() if name not in grouped]
    for name, title in {**dict.fromkeys(about_source, "source"), **grouped}.items():
        yield title, name, parameters[name]
    yield from _settings()


def _settings() -> Iterator[tuple[str, str, NamedParameter[Any]]]:
    """Each setting that is an option: its group, its name, and itself."""
    for section in SECTIONS:
        title = _GROUP_OF_SECTION[section.__name__]
        for name, parameter in section.get_params():
            yield title, destination(section, name), parameter


def _help(parameter: NamedParameter[Any]) -> str:
    """The description, with the default unless that is empty or described."""
    # The metavar shows the choices, which stand at the end of the description for Luigi's help.
    description = (parameter.description or "").removesuffix(f" ({parameter.expected})")
    default = parameter.serialize(parameter.default).removesuffix(".0")
    is_flag = isinstance(parameter, FlagParameter)
    if default and not is_flag and "default" not in description:
        description += f" [default: {default}]"
    return _escaped(description)


def _escaped(description: str | None) -> str:
    return (description or "").replace("%", "%%")


def _advice(message: str, known: list[str]) -> str | None:
    """What may be meant by the first unknown option that the message names."""
    _, is_unknown, words = message.partition("unrecognized arguments: ")
    options = [word.partition("=")[0] for word in words.split() if word.startswith("--")]
    if not is_unknown or not options:
        return None
    if options[0] == "--url":
        return "the URL stands without --url, which is an option of the luigi command"
    import difflib  # which a run without a mistake does without

    nearest = difflib.get_close_matches(options[0], known, n=1, cutoff=0.7)
    return f"did you mean {nearest[0]}?" if nearest else None
