"""What --explain says of the items of a source."""

from __future__ import annotations

import luigi

from luigi_gif import settings
from luigi_gif.integrations import ProgressReporter
from luigi_gif.sources import Selection, Source, explain_source


def explained(url: object, selection: Selection) -> list[str]:
    """Its lines."""
    source = Source(str(url), selection, True, None)
    reporter = ProgressReporter(luigi.Task())
    return list(explain_source(source, settings.download.current(), reporter))
