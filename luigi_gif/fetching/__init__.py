"""A source to a checked file of the work directory: whole, resumed where it broke off."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.fetching.body_download import whole_pieces
    from luigi_gif.fetching.bundle_checks import (
        check_sha256,
        check_size,
        find_cut_end,
        public_beginning,
    )
    from luigi_gif.fetching.bundle_download import FetchedBundle, fetch_bundle
    from luigi_gif.fetching.file_source import (
        file_sha256,
        name_in_workdir,
        overwritten_source_error,
        source_version,
        translating_errors,
    )
    from luigi_gif.fetching.item_download import (
        FetchedItem,
        discard_item,
        discard_items,
        fetch_items,
    )
    from luigi_gif.fetching.partial_file import discard_partial, open_partial
    from luigi_gif.fetching.retry_rule import new_attempts
    from luigi_gif.fetching.source_response import NotModified, Validators

__getattr__ = loads_on_use(
    __name__,
    {
        "body_download": ("whole_pieces",),
        "bundle_checks": ("check_sha256", "check_size", "find_cut_end", "public_beginning"),
        "bundle_download": ("FetchedBundle", "fetch_bundle"),
        "file_source": (
            "file_sha256",
            "name_in_workdir",
            "overwritten_source_error",
            "source_version",
            "translating_errors",
        ),
        "item_download": ("FetchedItem", "discard_item", "discard_items", "fetch_items"),
        "partial_file": ("discard_partial", "open_partial"),
        "retry_rule": ("new_attempts",),
        "source_response": ("NotModified", "Validators"),
    },
)
