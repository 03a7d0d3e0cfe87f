# The two commands of a new machine: `make drill` (drills and their report) and `make test` (all but what waits for the quarter).
# `make PYTHON=/path/to/python3 ...` names another Python, 3.11 or later.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV_VERSION := 0.13.9
# drills and tests start hundreds of Python processes; where none may keep what it compiled, each compiles all of it anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: drill test lint bench mutants browser up down lock

## every drill with its control, and the report in reports/latest
drill: up
	$(BIN)/pytest features -m nightly

## lint, types, layers, unit, component, cluster tests and the drills of the gate; `make drill`, `pytest tests -m quarterly` and `pytest features` run the rest
test: lint up
	$(BIN)/pytest tests -m "not quarterly and not browser" --durations=40
	$(BIN)/pytest features -m "smoke or gate"

up: $(BIN)/.ready
	$(BIN)/drill up

down: $(BIN)/.ready
	$(BIN)/drill down

lint: $(BIN)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/deptry novel_engine --extend-exclude tests --non-dev-dependency-groups novel-engine --ignore DEP002
	$(BIN)/shellcheck cluster/node-image/build cluster/node-image/build-binaries cluster/node-image/keep-strays-inside .ci/run

bench: up
	$(BIN)/python -m benchmarks

## whether the judge's tests notice when the judge is wrong (docs/mutants.md); needs no cluster
mutants: $(BIN)/.ready
	$(BIN)/python -m benchmarks.mutants

## the report in headless Chromium (Debian's package chromium); needs no cluster
browser: $(BIN)/.ready
	$(BIN)/pytest tests/browser

## resolve the dependencies anew; the result is committed
lock: $(BIN)/.ready
	$(BIN)/uv pip compile --quiet --no-header --universal --generate-hashes --python-version 3.11 \
	    --group dev --group novel-engine pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --no-header --universal --generate-hashes --python-version 3.11 \
	    cluster/cloud/requirements.in -o cluster/cloud/requirements.lock

$(BIN)/.ready: requirements.lock pyproject.toml
	@echo "==> Python environment"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "drill: Python 3.11 or later is needed; name one with make PYTHON=...")'
	@$(PYTHON) -m venv .venv || { echo "drill: python3 -m venv failed: install python3-venv" >&2; exit 3; }
	@$(BIN)/python -m pip install --quiet uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
