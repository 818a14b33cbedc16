"""What forked processes tell the one that forked them."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

CODE = """
import os, tempfile
from luigi_gif.integrations.fork_list import SharedList

def read_after_forks(share):
    shared = SharedList()
    if share:
        shared.share()
    shared.append("first")
    for text in ("second", "third\\nof two lines"):
        if not (child := os.fork()):
            shared.append(text)
            os._exit(0)
        os.waitpid(child, 0)
    print(shared.read())

read_after_forks(share=False)
read_after_forks(share=True)
del os.memfd_create
read_after_forks(share=True)
tempfile.tempdir = "/no/such"
read_after_forks(share=True)
"""


@pytest.fixture(scope="module")
def read() -> dict[str, str]:
    """What is read after forks: unshared, in memory, in a file, and where there is neither."""
    result = subprocess.run([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True)
    assert result.returncode == 0
    ways = ("unshared", "memory", "file", "neither")
    return dict(zip(ways, result.stdout.splitlines(), strict=True))


def test_a_list_is_shared_with_forked_processes(read: dict[str, str]) -> None:
    """In the order of time; also where the system has no files in memory."""
    expected = str(["first", "second", "third\nof two lines"])
    assert read["memory"] == expected
    assert read["file"] == expected


def test_without_a_file_each_process_knows_its_own(read: dict[str, str]) -> None:
    """Nothing fails for it: no temporary folder, or nobody who asked to share."""
    assert read["unshared"] == read["neither"] == "['first']"
