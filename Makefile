# From a bare machine with Python 3.11+ and make: `make setup`, `make demo`, `make test`.
# `make demo` installs what runs (requirements.lock), all else what tests too (requirements-dev.lock).
# Arguments: make demo ARGS="--once --json", make test ARGS="tests/core -x".

SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=
MAKEFLAGS += --no-print-directory
.PHONY: setup demo test test-all check fix browser sandbox serve docs

setup: .venv/.dev ## make .venv with everything, as the lock files say

demo: .venv/.run ## four weeks of a small firm, then the service for a look
	@$(BIN)/rowcol demo $(ARGS)

sandbox: .venv/.run ## the emulated rails alone
	@$(BIN)/rowcol sandbox $(ARGS)

serve: .venv/.run ## the service
	@$(BIN)/rowcol serve $(ARGS)

test: .venv/.dev ## all that CI runs
	@$(BIN)/python .ci/checks.py $(ARGS)

test-all: test ## and the attacks and drills that take minutes
	@$(BIN)/python .ci/checks.py --long $(ARGS)

check: .venv/.dev ## the same without the tests: seconds
	@$(BIN)/python .ci/checks.py --static

fix: .venv/.dev ## what a machine can put right
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

browser: ## a browser for the tests that click pages, where none is found (Debian, Ubuntu; wants root)
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name >/dev/null; then echo "make: the tests use $$(command -v $$name)"; exit 0; fi; \
	done; \
	echo "make: installing chromium" && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null

docs: .venv/.dev ## rewrite the tables that code knows
	@$(BIN)/python .ci/checks.py --docs

.venv/bin/python:
	@for name in python3.13 python3.12 python3.11 python3; do \
	  if $$name -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "make: .venv with $$($$name --version)"; exec $$name -m venv .venv; \
	  fi; \
	done; \
	echo "make: no Python 3.11 or newer with its venv module was found (tried python3.13, 3.12, 3.11, python3)." >&2; \
	echo "make: install one (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python)," >&2; \
	echo "make: see that python3 is on PATH, and run make again." >&2; \
	exit 1

# $(1): a lock file. The package itself is installed in place, by the build back end of the lock file.
define install
	@echo "make: installing $(1) into .venv (half a minute without uv)"
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef

.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	$(call install,requirements.lock)
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(call install,requirements-dev.lock)
	@touch .venv/.run $@
