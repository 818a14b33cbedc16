"""luigid in a folder, on whichever port is free: by itself it does not tell which."""

import os
import sys
from typing import Any

import luigi.cmdline
import tornado.netutil

bind_sockets = tornado.netutil.bind_sockets


def bind_and_tell(*args: Any, **options: Any) -> list[Any]:
    sockets = bind_sockets(*args, **options)
    print("listens on port", sockets[0].getsockname()[1], flush=True)
    return sockets


if __name__ == "__main__":
    os.chdir(sys.argv.pop(1))
    tornado.netutil.bind_sockets = bind_and_tell
    luigi.cmdline.luigid(sys.argv[1:])
