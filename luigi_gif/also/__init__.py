"""The files beside the clip: the same frames in other formats, in all of their colors."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.also.also_files import FORMATS, VIDEOS, AlsoFile, file_beside
    from luigi_gif.also.also_options import AlsoOptions
    from luigi_gif.also.file_sources import FileSources
    from luigi_gif.also.file_status import file_digest, read_file_status
    from luigi_gif.also.making import MadeFile, make_files

__getattr__ = loads_on_use(
    __name__,
    {
        "also_files": ("AlsoFile", "FORMATS", "VIDEOS", "file_beside"),
        "also_options": ("AlsoOptions",),
        "file_status": ("file_digest", "read_file_status"),
        "file_sources": ("FileSources",),
        "making": ("MadeFile", "make_files"),
    },
)
