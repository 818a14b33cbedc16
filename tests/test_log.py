"""How the log of a command looks, and what it leaves to a user's own handlers."""

from __future__ import annotations

import logging

import pytest

from luigi_gif.errors import DownloadError, StorageError
from luigi_gif.integrations import failure_summary, log_format

FORMATTER = log_format.PlainFormatter(logging.Formatter(log_format.FORMAT))


def record(error: Exception, message: str = "it failed") -> logging.LogRecord:
    try:
        raise error
    except Exception as raised:
        exc_info = (type(raised), raised, raised.__traceback__)
    return logging.LogRecord("luigi-interface", logging.ERROR, "", 1, message, (), exc_info)


def storage_error(got: str = "nothing") -> StorageError:
    return StorageError("it is gone", where="here", expected="it", got=got, next_step="find it")


def test_an_error_of_ours_is_its_text() -> None:
    """Without a traceback; also where another one was raised from it."""
    caused = RuntimeError("wrapped")
    caused.__cause__ = storage_error()
    for error in (storage_error(), caused):
        text = FORMATTER.format(record(error))
        assert text.startswith("ERROR: it is gone\n  where:    here\n")
        assert "Traceback" not in text


def test_another_error_keeps_its_traceback() -> None:
    """It is a bug, and has to be found."""
    assert "Traceback (most recent call last)" in FORMATTER.format(record(ValueError("oh")))


def test_what_a_library_logs_is_one_line() -> None:
    """Without its traceback, and without secrets: the run's own error tells what came of it."""
    said = log_format.LineFormatter().format(
        record(OSError("http://host/?key=s3cret\n x"), "try\nagain")
    )
    assert said.startswith("try again: ")
    assert "Traceback" not in said
    assert "s3cret" not in said
    assert said.isprintable()
    same = log_format.LineFormatter().format(record(OSError("no host"), "no host"))
    assert same == "no host"


def test_other_handlers_get_the_record_as_it_is() -> None:
    """An error tracker needs the exception."""
    seen = record(storage_error())
    FORMATTER.format(seen)
    assert seen.exc_info is not None
    assert seen.getMessage() == "it failed"
    assert "Traceback" in logging.Formatter().format(seen)


@pytest.mark.parametrize("bad", ["\x1b[2J", "\r", "\x07", "\x9b1m", "\u202e", "\udcff", "\u2028"])
def test_no_control_character_reaches_a_terminal(bad: str) -> None:
    """Neither from an error's words nor from any other message."""
    for text in (
        FORMATTER.format(record(storage_error(f"a{bad}b"))),
        FORMATTER.format(record(ValueError(f"a{bad}b"))),
        FORMATTER.format(record(storage_error(), f"a{bad}b")),
        str(storage_error(f"a{bad}b")),
    ):
        assert bad not in text
        text.encode()


def test_no_text_passes_for_a_record() -> None:
    """A newline in a path forges no line."""
    forged = "x\nINFO: CombineGif made /srv/clip.gif"
    message = logging.LogRecord("a", logging.INFO, "", 1, "task %s", (forged,), None)
    for text in (FORMATTER.format(message), FORMATTER.format(record(storage_error(forged)))):
        assert "\nINFO:" not in text


def test_what_failed_is_one_line_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the error is none of ours."""
    monkeypatch.setattr(failure_summary.failures, "_file", None)
    monkeypatch.setattr(failure_summary.failures, "_own", [])
    error = DownloadError("no", where="x", expected="y", got="a\nb", next_step="z")
    failure_summary.note_failure("http://host/b.img", error, "data/b")
    failure_summary.note_failure("x", OSError("http://host/?token=s3cret\x1b[2J"), "data/x")
    first, second = failure_summary.failures.read()
    assert first == "http://host/b.img: no: a\\nb (work directory data/b)"
    assert "s3cret" not in second
    assert second.isprintable()
