"""What forked processes tell the one that forked them."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import os
from luigi_gif.forks import SharedList
shared = SharedList()
{prepare}
shared.append("first")
for text in ("second", "third\\nof two lines"):
    if not (child := os.fork()):
        shared.append(text)
        os._exit(0)
    os.waitpid(child, 0)
print(shared.read())
"""


def read_after_forks(prepare: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", CODE.format(prepare=prepare)], stdout=subprocess.PIPE, text=True
    )
    assert result.returncode == 0
    return result.stdout.strip()


def test_a_list_is_shared_with_forked_processes() -> None:
    """In the order of time; also where the system has no files in memory."""
    expected = str(["first", "second", "third\nof two lines"])
    assert read_after_forks("shared.share()") == expected
    assert read_after_forks("del os.memfd_create; shared.share()") == expected


def test_without_a_file_each_process_knows_its_own() -> None:
    """Nothing fails for it: no temporary folder, or nobody who asked to share."""
    no_file = "import tempfile; del os.memfd_create; tempfile.tempdir = '/no/such'; shared.share()"
    for prepare in ("", no_file):
        assert read_after_forks(prepare) == "['first']"
