"""For tools that still look here; the package's metadata are in pyproject.toml."""

from setuptools import setup

setup()
