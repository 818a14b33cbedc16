"""The files that the tasks keep in a work directory, by their names."""

INDEX = "frames.json"
"""Where the frames of the bundle are."""
# Not history.json: work directories have it by this name, and so have users' own clean-up commands
# (docs/operations.md), which would remove a file that they do not know.
HISTORY = "run.json"
"""When each step ran last, and how long; for people, and to spare reading a local source."""
