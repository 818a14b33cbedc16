"""luigi-gif, which kills itself: python -m support.killed METHOD COUNT ARGUMENTS.

It does so when a method of storage.LocalFolder, or the append of a partial file, is called that
many times. With 0 it lives, and says on standard error how often each was called.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from typing import Any

from luigi_gif.cli import main
from luigi_gif.fetching.partial_file import PartialFile
from luigi_gif.storage import LocalFolder

METHODS = {
    "append": PartialFile,
    "note_whole": PartialFile,
    "sync": LocalFolder,
    "write": LocalFolder,
    "remove": LocalFolder,
    "move_into_place": LocalFolder,
    "read_json": LocalFolder,
}


def count_calls(counts: Counter[str], fatal: str, last: int) -> None:
    lock = threading.Lock()

    def counted(name: str, method: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            with lock:
                counts[name] += 1
                if name == fatal and counts[name] == last:
                    os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return call

    for name, owner in METHODS.items():
        setattr(owner, name, counted(name, getattr(owner, name)))


if __name__ == "__main__":
    _, fatal, last, *arguments = sys.argv
    counts: Counter[str] = Counter()
    count_calls(counts, fatal, int(last))
    code = main(arguments)
    print(json.dumps(counts), file=sys.stderr)
    sys.exit(code)
