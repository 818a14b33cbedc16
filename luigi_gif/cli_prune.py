"""luigi-gif prune: removes what of old work directories is not needed any more."""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import islice

from luigi_gif import cli_log, cli_options, cli_report, exit_codes, integrations, sources, urls
from luigi_gif.errors import ParameterError, PipelineError
from luigi_gif.parameters import bad_parameter
from luigi_gif.pruning import Limits, Pruning
from luigi_gif.redaction import escaped, public_url
from luigi_gif.wording import counted

_AGE = "an age such as 30d, 24h or 2w"
_EPILOG = """\
A work directory is as old as the last run that noted its time there, else as its newest file. Only
what the pipeline made goes, and nobody has altered since; one in which a run works is left.
A finished clip is not made again for lack of the rest, unless its options or its source change.

exit codes:
  0    done
  2    an option cannot be used
  30   something could not be removed; the error says what, where, and what to do next

examples:
  luigi-gif prune nights --keep 30d --dry-run
  luigi-gif prune s3://bucket/nights --keep 30d --keep-clips 365d
"""
_AT_ONCE = 1000


def main(arguments: list[str]) -> int:
    """Run the command, whose own word is the first argument; the exit code."""
    parser = make_parser(arguments[0])
    options = parser.parse_args(arguments[1:])
    if options.keep is options.keep_clips is None:
        parser.error("--keep or --keep-clips is needed")
    cli_log.set_up_log()
    try:
        limits = Limits(_seconds(options, "keep"), _seconds(options, "keep_clips"))
        _check_folder(options.folder)
        pruning = Pruning(options.folder, limits, time.time(), is_dry=options.dry_run)
    except PipelineError as error:
        return cli_report.fail(error, exit_codes.BAD_USAGE)
    try:
        count = _run(pruning, prints=options.dry_run)
    except PipelineError as error:
        return cli_report.fail(error, exit_codes.TASK_FAILED)
    for workdir, reason in pruning.kept_back:
        print(f"left {escaped(workdir) or '.'}: {reason}", file=sys.stderr)
    for failure in pruning.errors:
        cli_report.fail(failure, exit_codes.TASK_FAILED)
    verb = "would remove" if options.dry_run else "removed"
    said = f"{public_url(options.folder)}: {verb} {counted(count, 'file')}"
    print(said, file=sys.stderr)
    return exit_codes.TASK_FAILED if pruning.errors else exit_codes.SUCCESS


def make_parser(word: str) -> cli_options.Parser:
    """The parser of the command's line."""
    parser = cli_options.Parser(
        prog=f"luigi-gif {word}",
        usage="%(prog)s FOLDER [--keep AGE] [--keep-clips AGE] [--dry-run]",
        description="Remove what of the work directories in a folder is old.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "folder", metavar="FOLDER", help="where they are, however deep: a path or any fsspec URL"
    )
    parser.add_argument(
        "--keep",
        metavar="AGE",
        help="remove bundles, items, indexes and frames of work directories that are older; their "
        "clips stay",
    )
    parser.add_argument(
        "--keep-clips",
        metavar="AGE",
        help="remove the clips of those that are older, and all else that is the pipeline's there",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only print the path of each file that would go, relative to FOLDER",
    )
    return parser


def _seconds(options: argparse.Namespace, name: str) -> float | None:
    """The seconds of an age. Raises ParameterError."""
    text = getattr(options, name)
    if text is None:
        return None
    age = sources.parse_age(text)
    if age is None:
        raise bad_parameter(cli_options.flag(name), _AGE, text)
    return age.total_seconds()


def _check_folder(location: str) -> None:
    """Raise ParameterError for a path of this machine that is no folder."""
    try:
        is_folder = not urls.is_local(location) or os.path.isdir(urls.local_path(location))
    except ValueError:
        is_folder = False
    if not is_folder:
        raise ParameterError(
            "there is no such folder",
            where=public_url(location),
            expected="a folder with work directories, or the URL of one",
            got="nothing, or a file",
            next_step="correct the path",
        )


def _run(pruning: Pruning, *, prints: bool) -> int:
    """How many files went; prints their paths, byte for byte as the file system has them."""
    count, names = 0, pruning.run()
    while some := list(islice(names, _AT_ONCE)):
        count += len(some)
        if prints:
            integrations.print_path("\n".join(some))
    return count
