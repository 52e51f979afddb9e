# The two commands: `make run` and `make test`. Both set up what they need in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# How often a soak kills the bot while it posts, and how much happens to two replicas.
KILLS ?= 1000
EVENTS ?= 500
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run install test second-opinion soak check format lint types bench picture lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(BIN)/.installed ## run the bot: on config.toml, or as a demonstration where there is none
	@$(BIN)/chatbot run

install: $(BIN)/.installed ## set up .venv; afterwards .venv/bin/chatbot works

test: $(BIN)/.installed-dev ## run all tests
	@$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

second-opinion: $(BIN)/.installed-dev ## have npm's matrix-js-sdk talk to the bot (needs Node.js); from then on `make test` does so, too
	@npm ci --prefix tests/fakes/second_opinion
	@$(BIN)/python -m pytest --no-cov tests/stories/test_second_opinion.py

soak: $(BIN)/.installed-dev ## try archives that change, ingests and bots that are killed, all zones, and sanitizers, many times
	@SEEDS=300 KILLS=50 $(BIN)/python -m pytest --no-cov --durations=5 tests/stories/test_archives_that_change.py tests/stories/test_interrupted.py tests/test_rhythm.py
	@SWEEP=1 $(BIN)/python -m pytest --no-cov tests/stories/test_sweep.py
	@KILLS=$(KILLS) EVENTS=$(EVENTS) $(BIN)/python -m pytest --no-cov -s tests/stories/test_killed.py tests/stories/test_replicas.py
	@KILLS=100 $(BIN)/python -m pytest --no-cov -s tests/stories/test_killed_matrix.py
	@$(BIN)/python -m tests.sanitize

check: $(BIN)/.installed-dev format lint types test ## format, lint, types, tests: what CI runs

format: $(BIN)/.installed-dev ## is everything formatted?
	@$(BIN)/ruff format --check .

lint: $(BIN)/.installed-dev ## does ruff find anything?
	@$(BIN)/ruff check .

types: $(BIN)/.installed-dev ## does mypy find anything?
	@$(BIN)/mypy

bench: $(BIN)/.installed-dev ## measure speed and memory, beside git, the standard library and public-inbox
	@$(BIN)/python -m tests.bench $(BENCH)

picture: $(BIN)/.installed-dev ## draw the README's pictures anew, as far as Python can
	@$(BIN)/python -m tests.picture

lock: ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.txt
	uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements.txt -o requirements-dev.txt

clean: ## remove what make has made
	rm -rf $(VENV) chatbot/_scan.abi3.so .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache dist build

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "This needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 2; }
	@echo "Setting up $(VENV) …" >&2
	@$(PYTHON) -m venv $(VENV)

$(BIN)/.installed: requirements.txt pyproject.toml hatch_build.py chatbot/_scan.c | $(BIN)/python
	@$(PIP) install --require-hashes --requirement requirements.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt $(BIN)/.installed
	@$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@
