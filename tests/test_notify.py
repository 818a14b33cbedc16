"""Messages of success and failure, by real apprise to a real receiver."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from luigi.task_register import Register
from pytest_mock import MockerFixture
from support.clips import make_clip
from support.commands import Run
from support.paths import SAMPLE
from support.receiver import Receiver
from support.warm import PATIENCE_S

import luigi_gif
from luigi_gif.integrations import notifications
from luigi_gif.integrations.fork_list import SharedList


def flags(receiver: Receiver) -> tuple[str, ...]:
    return ("--notify-on-success", receiver.url, "--notify-on-failure", receiver.url)


def test_success_and_failure_are_told(luigi: Run, tmp_path: Path) -> None:
    """What, where, how long, and why not; whoever is not asked to be told is not."""
    receiver = Receiver()
    try:
        assert luigi("--url", str(SAMPLE), *flags(receiver)).returncode == 0
        assert luigi("--url", str(SAMPLE), *flags(receiver)).returncode == 0
        assert luigi("--url", "missing.img", *flags(receiver)).returncode == 30
        assert luigi("--url", "missing.img").returncode == 30
    finally:
        receiver.close()
    made, failed = receiver.messages
    assert made["title"] == "luigi_gif: a clip was made"
    assert "clip.gif: 32 frames, " in made["message"]
    assert " s after its start" in made["message"]
    assert (made["type"], failed["type"]) == ("success", "failure")
    assert failed["title"] == "luigi_gif: DownloadData failed"
    assert "the file cannot be read" in failed["message"]
    assert "No such file" in failed["message"]


def test_a_clip_of_another_run_is_not_told(tmp_path: Path, mocker: MockerFixture) -> None:
    """Whoever waited for it has made nothing."""
    make_clip(SAMPLE.read_bytes(), tmp_path / "work")
    Register.clear_instance_cache()
    success = mocker.patch("luigi_gif.integrations.notify_success")
    task = luigi_gif.CombineGif(url="unused", workdir=str(tmp_path / "work"))
    task.run()
    task.on_success()
    assert not success.called
    (tmp_path / "work" / "clip.gif").unlink()
    task.run()
    task.on_success()
    assert success.called


def test_a_dead_receiver_does_not_fail_the_run(luigi: Run) -> None:
    """Nothing of its URL is said."""
    receiver = Receiver()
    receiver.close()
    result = luigi("--url", str(SAMPLE), *flags(receiver))
    assert result.returncode == 0
    assert "did not take one" in result.stderr
    assert "s3cret" not in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Callable[..., None]:
    """Tell of a failure from this process, to these URLs; none is known to be silent."""
    monkeypatch.setattr(notifications, "unresponsive", SharedList())
    # On a busy machine apprise takes long to load what it sends by.
    monkeypatch.setattr(notifications, "PATIENCE_S", PATIENCE_S)

    def tell(urls: str) -> None:
        section = mocker.Mock(on_failure=urls)
        mocker.patch("luigi_gif.settings.notify.current", return_value=section)
        notifications.notify_failure("WriteFrames", "x", OSError("none"))

    return tell


@pytest.mark.slow
def test_a_receiver_that_hangs_costs_its_time_once(
    told: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of all processes of a run: they share what they know of it. Nothing of its URL is said."""
    assert isinstance(notifications.unresponsive, SharedList)
    monkeypatch.setattr(notifications, "PATIENCE_S", 0.1)
    receiver = Receiver(hangs=True)
    try:
        told(receiver.url)
        told(receiver.url)
    finally:
        receiver.close()
    assert receiver.asked <= 1
    assert notifications.unresponsive.read() == [receiver.url]
    assert "did not take one" in caplog.text
    assert "s3cret" not in caplog.text


def test_the_log_of_apprise_is_the_users(
    told: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """What it says of our messages holds their URLs, and is not logged; all else is, as before."""
    log = logging.getLogger("apprise")
    before = (log.level, log.propagate, list(log.filters))
    receiver = Receiver()
    receiver.close()
    told(f"{receiver.url} nonsense://s3cret")
    assert (log.level, log.propagate, list(log.filters)) == before
    log.warning("a message of another's")
    assert "a message of another's" in caplog.text
    assert "did not take one" in caplog.text
    assert "s3cret" not in caplog.text


def test_without_apprise_the_run_goes_on(
    told: Callable[..., None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning says how to install it."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    told("json://localhost/s3cret")
    assert "no message is sent: pip install 'luigi_gif[notify]'" in caplog.text
    assert "s3cret" not in caplog.text
