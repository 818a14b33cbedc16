"""Front doors that load a name's module when the name is first used (PEP 562).

Importing the package would else load all that a run needs, three times as many modules as it
takes to define the tasks.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable


def loads_on_use(package: str, modules: dict[str, tuple[str, ...]]) -> Callable[[str], object]:
    """The ``__getattr__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    modules : dict
        For each of its modules the names that it gives to the package.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    return load
