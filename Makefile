# Everything a developer does, by name. `make` alone lists it.
# Needs Python 3.11 or newer, pip, make and git; all else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export NUMBA_OPT ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench docs clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A virtual environment without its own pip: Debian keeps ensurepip in a package of its own.
$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml uv.lock
	$(PYTHON) -m pip --python $(BIN)/python install --quiet uv
	$(BIN)/uv sync --quiet --frozen --no-dev --inexact --compile-bytecode
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.developed: $(VENV)/.installed
	$(BIN)/uv sync --quiet --frozen --group dev --inexact --compile-bytecode
	@touch $@

demo: $(VENV)/.installed ## set up, plan the built-in example, write yuheng-report.html
	$(BIN)/yuheng demo

test: $(VENV)/.developed ## set up and run the tests
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.developed ## style, types, layers, sizes, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/measures.py
	$(BIN)/python tools/reference.py --check
	$(BIN)/python tools/manifests.py --check

format: $(VENV)/.developed ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed ## measure scheduling, batch cycles and reading, as JSON
	$(BIN)/python benchmarks/scheduling.py --json
	$(BIN)/python benchmarks/batch.py --json
	$(BIN)/python benchmarks/reading.py --json

docs: $(VENV)/.developed ## write the generated reference pages and manifests
	$(BIN)/python tools/reference.py
	$(BIN)/python tools/manifests.py

clean: ## remove what was installed and built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
