"""The names in a work directory that the pipeline uses itself, beside frames/ and its clip."""

INDEX = "frames.json"
"""Where the frames of the bundle are."""
# Not history.json: work directories have it by this name, and so have users' own clean-up commands
# (docs/operations.md), which would remove a file that they do not know.
HISTORY = "run.json"
"""When each step ran last, and how long; for people, and to spare reading a local source."""
ITEMS = "items"
"""Folder of the items of a source that are fetched, until they are a bundle."""
LOCK = ".lock"
PARTIAL_SUFFIX = ".part"
"""Of a bundle while it is downloaded."""
QUARANTINE_SUFFIX = ".altered"
"""Of what may be the user's."""
TEMPORARY_SUFFIX = ".luigi-gif-tmp"
"""Of a file until it is whole, or as long as a run lasts."""
