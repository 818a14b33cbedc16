"""A bundle of images to one animated GIF: a Luigi pipeline that writes frames on Dask."""

import gc
import sys

from luigi_gif import interrupt, luigid, report
from luigi_gif.errors import log_without_traceback
from luigi_gif.schedule import GifBatch, NightlyGif
from luigi_gif.tasks import CombineGif, DownloadData, SplitFrames, WriteFrames

__all__ = [
    "CombineGif",
    "DownloadData",
    "GifBatch",
    "NightlyGif",
    "SplitFrames",
    "WriteFrames",
]
__version__ = "0.1.0"

log_without_traceback()
report.name_failures()

# glibc keeps what is freed, up to this size, for what is allocated next: new pages cost more
# than what is done with the megabytes that go through them.
bytes(16 << 20)

if "luigi.cmdline" in sys.modules:
    # The luigi command lives for one job: no collection, least of all those at
    # its end, need search what it has imported.
    gc.freeze()
    interrupt.end_in_order()
    luigid.do_without()
