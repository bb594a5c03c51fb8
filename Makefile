# Two commands: `make reproduce` writes report/index.html, `make test` passes the tests.
# They need Python >= 3.11 (PYTHON=python3.12 chooses one) and the package index, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
PRESET ?= course
OUT ?= report
SLOW ?=
# Which tests `make test` runs, by SLOW; those of CI have to stay below 20 minutes on two cores.
MARKS := not slow and not exhaustive
MARKS_1 := not exhaustive
MARKS_all :=

# Stamps: an installation is repeated only when what is declared has changed.
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_DOCS := $(VENV)/.installed-docs

.DEFAULT_GOAL := help
.PHONY: help reproduce test lint format bench docs clean

help:  ## Show this list.
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "eigenlab needs Python 3.11 or newer; try: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(INSTALLED): pyproject.toml | $(BIN)/python
	@echo "installing eigenlab into $(VENV) (once; a minute or two)"
	@$(PIP) --editable .
	@touch $@

$(INSTALLED_DEV): pyproject.toml | $(BIN)/python
	@echo "installing eigenlab and its development tools into $(VENV) (once; a minute or two)"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(INSTALLED)

$(INSTALLED_DOCS): pyproject.toml | $(BIN)/python
	@echo "installing eigenlab and what builds its site into $(VENV) (once; a minute or two)"
	@$(PIP) --editable '.[docs]'
	@touch $@ $(INSTALLED)

# --resume keeps what the same code measured before; `make clean` starts afresh.
reproduce: $(INSTALLED)  ## Run every experiment and write report/index.html.
	@$(BIN)/eigenlab reproduce --preset $(PRESET) --out $(OUT) --resume

test: lint  ## Lint, check types and the import contracts, run the tests; SLOW=1 or all: slow ones, too.
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m "$(if $(SLOW),$(MARKS_$(SLOW)),$(MARKS))"

lint: $(INSTALLED_DEV)  ## Check format, style, types and the import contracts.
	@$(BIN)/ruff format --check --quiet || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo || { echo "imports must point down, in no circle" >&2; exit 1; }

format: $(INSTALLED_DEV)  ## Format the code and apply automatic fixes.
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format --quiet

bench: $(INSTALLED_DEV)  ## Run all benchmarks (machine otherwise idle, please).
	@for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

docs: $(INSTALLED_DOCS)  ## Write the documentation site, build/docs/index.html (works offline).
	@OMP_NUM_THREADS=1 $(BIN)/python docs/site/build.py

clean:  ## Remove the environment, reports, runs and caches.
	rm -rf $(VENV) report runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
