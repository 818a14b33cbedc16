"""The files that the tasks keep in a work directory, by their names."""

INDEX = "frames.json"
"""Where the frames of the bundle are."""
HISTORY = "run.json"
"""When each step ran last, and how long; for people, and to spare reading a local source."""
