"""What the user is told where the frames of a bundle cannot be used."""

from __future__ import annotations

import re

from luigi_gif import bundles
from luigi_gif.errors import BundleError, MissingDecoder, StorageError

_OPTION = re.compile(r"--[a-z-]+")


class NoCaption(bundles.BadFrame):
    """A frame cannot have the caption that is asked for."""


def bad_frame_error(
    error: bundles.BadFrame, path: str, item_name: str | None = None
) -> BundleError:
    """What to tell the user of a bad frame in the bundle at ``path``, made of this item."""
    of_item = "" if item_name is None else f", made of {item_name}"
    if option := _OPTION.search(error.frame_error.expected):
        cure = f"{'change' if option.start() else 'give'} {option[0]}"
        if isinstance(error, NoCaption):
            cure += " or --caption"
    elif item_name is not None:
        cure = "mend it at its source and run again, with --refresh if it was fetched"
    else:
        cure = "mend the bundle at its source, delete this file, and run again"
    return BundleError(
        f"frame {error.number} of the bundle is not usable",
        where=f"{path}, at byte {error.offset:,}{of_item}",
        expected=error.frame_error.expected,
        got=error.frame_error.got,
        next_step=f"{cure}, or leave such frames out with --on-bad-frame skip",
    )


def changed_bundle_error(path: str) -> BundleError:
    """What to tell the user of a bundle at ``path`` that is not what it was."""
    return BundleError(
        "the bundle changed while it was used",
        where=path,
        expected="the bundle that was there at first",
        got="another one",
        next_step="run again when nobody writes to it",
    )


def machine_error(number: int, error: OSError) -> StorageError:
    """What to tell the user where a decoder lacks something, which is no fault of the frame."""
    expected, got = "what a decoder needs of the system", str(error)
    next_step = "mend the cause, and run again"
    if isinstance(error, MissingDecoder):
        expected, got, next_step = error.expected, error.got, "install it, and run again"
    return StorageError(
        "a frame cannot be decoded on this machine",
        where=f"frame {number}",
        expected=expected,
        got=got,
        next_step=next_step,
    )
