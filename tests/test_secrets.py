"""A password or a token of a URL or a header is in nothing that a run leaves, shows or says."""

from __future__ import annotations

import email
import json
import socketserver
import ssl
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from support.commands import Run
from support.faults import fault_server, says, serves
from support.luigid import Luigid
from support.paths import ROOT
from support.pipeline import Pipeline

import luigi_gif

SECRETS = ("s3cret", "czNjcmV0", "dXNlcjpzM2NyZXQ=")
"""A word, and what Basic authentication makes of it (RFC 7617)."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "by hand",
        pytest.param("on a cluster", marks=pytest.mark.xdist_group("cluster")),
        "under luigid",
    ],
)
def test_no_secret_is_told(
    request: pytest.FixtureRequest, luigi: Run, tmp_path: Path, trusted: ssl.SSLContext,
    sample: bytes, how: str,
) -> None:  # fmt: skip
    """By runs that succeed, fail, resume and skip; with everything logged.

    On a cluster, as a download knows of none, by those that succeed and skip.
    """
    luigid: Luigid | None = None
    if how == "by hand":
        flags = ["--log-level", "DEBUG", "--workers", "2"]
    elif how == "on a cluster":
        flags = ["--log-level", "DEBUG", "--dask-address", request.getfixturevalue("cluster")]
    else:
        luigid = request.getfixturevalue("luigid")
        flags = ["--scheduler-url", luigid.url]
    flags += ["--download-headers", "X-Key: Token ${OF_TEST}"]
    configuration = "config/client.cfg" if how == "under luigid" else "luigi.cfg"
    (tmp_path / "logging.cfg").write_text(EVERYTHING)
    if how == "by hand":
        (tmp_path / "luigi.cfg").write_text("[core]\nlogging_conf_file = logging.cfg\n")

    def run(url: str, *more: str) -> str:
        environment = {"LUIGI_CONFIG_PATH": str(ROOT / configuration), "OF_TEST": "s3cretkey"}
        result = luigi("--url", url, *flags, *more, **environment)
        return result.stdout + result.stderr

    with fault_server(tls=trusted) as server:
        url = server.url(
            "/path;v=s3cret/all.img?token=s3cret&s3cret&crs=EPSG::s3cret#s3cret"
        ).replace("//", "//user:s3cret@")
        said = []
        answers = [
            says(404, body=b"no s3cret, no user:s3cret, no token=s3cret, no s3cretkey"),
            says(302, "Location: ftp://user:s3cret@host/?token=s3cret"),
            serves(sample, stop_after=100_000),
            serves(b"<html>s3cretkey"),
            serves(sample),
        ]
        for answer in answers[-1:] if how == "on a cluster" else answers:
            server.now(answer)
            said.append(run(url, "--download-retry-delay", "0"))
        assert "authorization" in server.requests[0].headers
        assert server.requests[0].headers["x-key"] == "Token s3cretkey"
        count = len(server.requests)
        said.append(run(url))
        assert len(server.requests) == count
    said.append(run(url.replace("//user", "//[user")))
    pages = pages_of(luigid) if luigid else []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "clip.gif" for path in files)
    for secret in SECRETS:
        assert not [text for text in (*said, *pages) if secret in text]
        assert not [path for path in files if secret.encode() in path.read_bytes()]
        assert not [path for path in files if secret in str(path)]


def pages_of(luigid: Luigid) -> list[str]:
    """All that it shows; it ends then, and so writes its state."""
    states = ("DONE", "FAILED", "PENDING", "RUNNING", "")
    pages = [str(luigid.ask("task_list", status=status)) for status in states]
    failed = luigid.ask("task_list", status="FAILED")
    pages += [str(luigid.ask("fetch_error", task_id=task)) for task in failed]
    pages += [str(luigid.ask(name)) for name in ("worker_list", "resource_list")]
    luigid.end()
    return pages


class Mailbox(socketserver.StreamRequestHandler):
    """As much of a mail server as smtplib needs (RFC 5321); it keeps what it is sent."""

    mails: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline().upper():
            if line.startswith(b"DATA"):
                self.wfile.write(b"354 go on\r\n")
                self.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
            self.wfile.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")


def test_luigis_mails_tell_no_secret(luigi: Run, tmp_path: Path) -> None:
    """Which have a task's parameters, and the command line."""
    with socketserver.TCPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        (tmp_path / "luigi.cfg").write_text(MAIL.format(port=server.server_address[1]))
        url = f"http://user:{SECRETS[0]}@127.0.0.1:9/x.img?token={SECRETS[0]}"
        flags = ["--download-retries", "0", "--download-headers", f"X-Key: {SECRETS[0]}"]
        result = luigi("--url", url, *flags, LUIGI_CONFIG_PATH="luigi.cfg")
        server.shutdown()
    assert result.returncode == 30
    parts = [part for mail in Mailbox.mails for part in email.message_from_bytes(mail).walk()]
    text = "".join(f"{part['Subject']} {part.get_payload(decode=True)!r}" for part in parts)
    assert "http://127.0.0.1:9/x.img?token=***" in text.partition("Command line")[2]
    for secret in SECRETS:
        assert secret not in text


MAIL = """
[email]
method = smtp
format = plain
force_send = true
receiver = someone@host.example
[smtp]
host = 127.0.0.1
port = {port}
[worker]
send_failure_email = true
"""
EVERYTHING = """
[loggers]
keys = root
[handlers]
keys = file
[formatters]
keys =
[logger_root]
level = DEBUG
handlers = file
[handler_file]
class = FileHandler
args = ("everything.log",)
"""


def test_secrets_of_a_url_are_shown_nowhere(pipeline: Pipeline, tmp_path: Path) -> None:
    """Neither in the log, nor in a file, nor in what Luigi makes of the task."""
    url = pipeline.server.url("/bundle?token=hunter2").replace("http://", "http://user:hunter2@")
    pipeline.run(url=url)
    assert pipeline.ok
    task = luigi_gif.CombineGif(url=url)
    assert "hunter2" not in f"{task!r} {task.task_id} {json.dumps(task.to_str_params())}"
    assert [line for line in pipeline.log if "hunter2" in line] == []
    for name, (data, _) in pipeline.files().items():
        assert b"hunter2" not in data, name
