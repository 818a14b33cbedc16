# make gif    the main job on the project's own sample
# make test   the tests
# make audit  known vulnerabilities of the versions in constraints.txt
# All set up a virtual environment first, where there is none. PYTHON names the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: gif test check audit bench clean

gif: $(READY)
	$(BIN)/luigi --module luigi_gif CombineGif --url examples/sample.img --workdir data/sample
	@echo "The clip is data/sample/clip.gif"

test: $(READY)
	$(BIN)/pytest -n 3 --dist loadgroup

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

audit: $(READY)
	$(BIN)/pip install --quiet --constraint constraints.txt pip-audit
	$(BIN)/pip-audit --disable-pip --no-deps --progress-spinner off --requirement constraints.txt

bench: $(READY)
	$(BIN)/python benchmarks/compare.py

$(READY): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'luigi_gif needs Python 3.11 or newer: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	$(BIN)/python -m compileall -q luigi_gif
	touch $@

clean:
	rm -rf $(VENV) data/sample build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
