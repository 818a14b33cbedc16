# make gif       the main job on the project's own sample
# make fast      the tests that need neither much time nor other programs
# make test      all tests
# make check     format, lint, types, imports
# make coverage  all tests, and the lines that none of them runs
# make docs      the documentation site, in build/site
# make audit     known vulnerabilities of the versions in constraints.txt
# Each sets up what it needs in a virtual environment first. PYTHON names the interpreter.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# The versions that were tested: for others pip may search long, and the tests fail on their warnings.
INSTALL := $(PIP) install --constraint constraints.txt
# By a line in a .pth file: by setuptools' finder, scripts that lie beside the clone, whose folder has
# the package's name, would import that folder.
EDITABLE := $(INSTALL) --config-settings editable_mode=compat --editable
RUN := $(VENV)/.run-ready
TEST := $(VENV)/.test-ready
DEV := $(VENV)/.dev-ready
DOCS := $(VENV)/.docs-ready

# A stamp says for which folder and which requirements an environment is ready. Where it says
# otherwise, or its interpreter is gone, that is made up for; the age of a file tells nothing.
NEEDS := $(CURDIR) $(shell cat pyproject.toml constraints.txt | cksum)
stamped = $(shell $(BIN)/python -c "" 2>/dev/null && cat $(1) 2>/dev/null)

.PHONY: gif test fast coverage check docs audit bench clean again

gif: $(RUN)
	$(BIN)/python -m luigi --module luigi_gif CombineGif --url examples/sample.img --workdir data/sample
	@echo "The clip is data/sample/clip.gif"

test: $(TEST)
	$(BIN)/python -m pytest -n 4 --dist loadgroup

fast: $(TEST)
	$(BIN)/python -m pytest -n 4 -m "not slow and not external"

# Each process writes a file of its own, also those of commands and clusters.
coverage: $(DEV)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n 4 --dist loadgroup
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage html --quiet
	$(BIN)/python -m coverage report --skip-covered --show-missing

check: $(DEV)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

# Strict: a dead link, or a public name without an entry, ends it. The variable keeps mkdocs from
# printing an advertisement.
docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The site is build/site/index.html"

audit: $(DEV)
	$(INSTALL) pip-audit
	$(BIN)/python -m pip_audit --disable-pip --no-deps --progress-spinner off --requirement constraints.txt

bench: $(TEST)
	$(BIN)/python benchmarks/compare.py

ifneq ($(call stamped,$(RUN)),$(NEEDS))
$(RUN): again
endif
ifneq ($(call stamped,$(TEST)),$(NEEDS))
$(TEST): again
endif
ifneq ($(call stamped,$(DEV)),$(NEEDS))
$(DEV): again
endif
ifneq ($(call stamped,$(DOCS)),$(NEEDS))
$(DOCS): again
endif

# One of ours that was moved or copied, or whose interpreter is gone, is cleared away first.
# All is compiled ahead: where Python may not write bytecode, each start would compile it anew. Each
# of the processes of the first test run would compile the tests and make Hypothesis' tables: one
# does before, with a test that needs them.
$(RUN):
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'luigi_gif needs Python 3.11 or newer: make PYTHON=python3.11 ...')"
	@clear=; if [ -e $@ ] && case "$$($(BIN)/python -c "" 2>&1 && cat $@)" in "$(CURDIR) "*) false;; esac; then clear=--clear; fi; \
	if [ "$$clear" ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then $(PYTHON) -m venv $$clear $(VENV) || \
		{ echo "No virtual environment: is Python's venv there (apt install python3-venv)?" >&2; exit 1; }; fi
	$(EDITABLE) .
	$(BIN)/python -m compileall -q luigi_gif
	@echo "$(NEEDS)" >$@

$(TEST): $(RUN)
	$(EDITABLE) ".[test]"
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -k test_any_text_can_be_shown >/dev/null || true
	@echo "$(NEEDS)" >$@

$(DEV): $(TEST)
	$(EDITABLE) ".[dev]"
	@echo "$(NEEDS)" >$@

$(DOCS): $(RUN)
	$(EDITABLE) ".[docs]"
	@echo "$(NEEDS)" >$@

clean:
	rm -rf $(VENV) data/sample build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* htmlcov
