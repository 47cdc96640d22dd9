# `make run` shows the main job, `make test` proves it. Both set up what they need, once.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

# Compiled kernels are kept with the environment: a second run starts warm, `make clean` starts cold.
export NUMBA_CACHE_DIR := $(CURDIR)/.venv/numba-cache

# A stamp carries the checksum of what it was set up from, so a changed lock sets up again and an unchanged one never does.
sum = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
READY := .venv/ready-$(call sum,requirements-dev.lock pyproject.toml)
BENCH_READY := .venv-bench/ready-$(call sum,requirements-bench.lock pyproject.toml)
PIP_QUIET := -qq --disable-pip-version-check --no-input

# $(1) is the folder of the environment, $(2) the lock it is installed from.
define set_up
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "yike needs Python 3.11 or newer; '$(PYTHON)' is missing or older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
@echo "setting up $(1) (once; a few minutes on a slow line)"
@rm -f $(1)/ready-*
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
@$(1)/bin/python -m pip install $(PIP_QUIET) --require-hashes -r $(2)
@$(1)/bin/python -m pip install $(PIP_QUIET) --no-deps --no-build-isolation --editable .
@touch $@
endef

.PHONY: help setup run test test-long bench bench-gate lint lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv from the lock (done once)
	@echo "ready: .venv"

$(READY):
	$(call set_up,.venv,requirements-dev.lock)

$(BENCH_READY):
	$(call set_up,.venv-bench,requirements-bench.lock)

run: $(READY) ## build the demo district and diagnose it; ends with the report's path
	@$(BIN)/yike demo build/demo
	@$(BIN)/yike diagnose build/demo --standard pudong-2021 -o build/demo-diagnosis

lint: $(READY) ## check layers, style and types
	@$(BIN)/lint-imports
	@$(BIN)/ruff check src tests $(wildcard benchmarks)
	@$(BIN)/mypy

test: lint ## lint, then every test that ends within minutes
	@$(BIN)/python -c "from yike import kernels; kernels.warm()"
	@$(BIN)/python -m pytest -q -n 2 -m "not long and not bench"

test-long: $(READY) ## the long tests: real cities, many random graphs
	@$(BIN)/python -m pytest -q -m long --hypothesis-profile=long

bench: $(BENCH_READY) ## measure against other libraries, in an environment of its own
	@.venv-bench/bin/python -m benchmarks

bench-gate: $(READY) ## fail when a speed ratio against scipy falls below its bound
	@$(BIN)/python -m benchmarks --gate

# Locks name versions and hashes only: which registry serves them is for the machine that installs to say.
# One version of each for every Python (fewest), so that results do not depend on which Python runs them.
LOCK = $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml
lock: $(READY) ## renew the three locks after pyproject.toml changed
	@$(LOCK) -o requirements.lock
	@$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock
	@$(LOCK) --extra bench -c requirements.lock -o requirements-bench.lock

clean: ## remove both environments, results and caches
	rm -rf .venv .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
