"""What a loop of a file may say: the parameters of the tasks under their names, and some more."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from luigi_gif.name_parameter import MAX_NAME_BYTES
from luigi_gif.parameters import NamedParameter, TextParameter
from luigi_gif.publish import PublishGif
from luigi_gif.publish_parameters import PlaceParameter
from luigi_gif.receivers_parameter import ReceiversParameter


class LoopNameParameter(TextParameter):
    """The name of a loop, which is that of its work directory, too."""

    expected = f"letters, digits and _, between them . - and spaces; at most {MAX_NAME_BYTES} bytes"

    def checked(self, value: object) -> str:
        # macOS writes accents behind their letters.
        name = unicodedata.normalize("NFC", super().checked(value))
        if not re.fullmatch(r"\w([\w .-]*\w)?", name) or len(name.encode()) > MAX_NAME_BYTES:
            raise self.error(name)
        return name


class _LoopParameters:
    """What a loop has beside the parameters of the tasks."""

    name = LoopNameParameter()
    publish = PlaceParameter()
    on_failure = ReceiversParameter()


OF_LOOP: dict[str, NamedParameter[Any]] = {
    name: parameter
    for name, parameter in (*vars(_LoopParameters).items(), *PublishGif.get_params())
    if isinstance(parameter, NamedParameter) and name != "to"  # which is called publish here
}
ONLY_OF_ONE = ("name", "publish")
"""What no two loops have in common."""
OF_DEFAULTS = {key: OF_LOOP[key] for key in OF_LOOP.keys() - set(ONLY_OF_ONE)}
PATHS = ("url", "workdir", "caption_font", "publish")
"""Relative ones count from the file's folder."""
