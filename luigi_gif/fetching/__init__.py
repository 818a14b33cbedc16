"""A source to a checked file of the work directory: whole, resumed where it broke off."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.fetching.bundle_checks import check_sha256
    from luigi_gif.fetching.bundle_download import fetch_bundle
    from luigi_gif.fetching.file_source import (
        file_sha256,
        name_in_workdir,
        overwritten_source_error,
        source_version,
    )
    from luigi_gif.fetching.partial_file import remove_checkpoint

__getattr__ = loads_on_use(
    __name__,
    {
        "bundle_checks": ("check_sha256",),
        "bundle_download": ("fetch_bundle",),
        "file_source": (
            "file_sha256",
            "name_in_workdir",
            "overwritten_source_error",
            "source_version",
        ),
        "partial_file": ("remove_checkpoint",),
    },
)
