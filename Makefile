PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The JavaScript of the pages is checked where there is Node. Without it the checks are left out,
# which is said; with CI=true that is an error.
NPM := $(shell command -v npm 2> /dev/null)
NODE_MODULES := $(if $(NPM),node_modules/.stamp)
NO_NODE = JavaScript is not $(1): npm was not found; install Node 20 or newer
npm = $(if $(NPM),$(NPM) --silent $(2),@echo "$(NO_NODE)" >&2; test "$(CI)" != true)

.DEFAULT_GOAL := help
.PHONY: help demo format check test-fast test coverage docs clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1|/p' Makefile | column -t -s '|'

# torch goes first and pinned, so that no other package can pull in another build of it.
$(VENV)/run.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt torch
	$(PIP) -c constraints.txt -e .
	touch $@

$(VENV)/docs.stamp: $(VENV)/run.stamp
	$(PIP) -c constraints.txt -e ".[docs]"
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	$(PIP) -c constraints.txt -e ".[dev]"
	touch $@

node_modules/.stamp: package.json package-lock.json
	$(NPM) ci --silent
	touch $@

demo: $(VENV)/run.stamp  ## train the recipe fast and classify three images
	$(BIN)/dressform train fast --resume
	$(BIN)/dressform predict examples/images

format: $(VENV)/dev.stamp  ## format Python, and JavaScript where node_modules exists
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	if [ -d node_modules ]; then $(NPM) --silent run format; fi

check: $(VENV)/dev.stamp $(NODE_MODULES)  ## formatters, linters, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(call npm,checked,run check)

test-fast: $(VENV)/dev.stamp  ## the tests of single units: less than a minute on two cores
	$(BIN)/pytest -m fast

test: $(VENV)/dev.stamp $(NODE_MODULES)  ## every test
	$(BIN)/pytest
	$(call npm,tested,test)

coverage: $(VENV)/dev.stamp  ## every test, and which lines of src they ran
	$(BIN)/pytest --cov --cov-report=term:skip-covered

docs: $(VENV)/docs.stamp  ## the pages of docs as HTML, in build/docs
	$(BIN)/sphinx-build -W --keep-going -n -b html docs build/docs

clean:  ## remove what the other targets made
	rm -rf $(VENV) node_modules build dist .coverage* .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
