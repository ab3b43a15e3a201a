# The only way in: CI, pre-commit and people call these targets. Each sets up what it needs by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
RUST_SOURCES := $(shell find rust -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock

.PHONY: help build demo test bench lint fmt docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(PY):
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q uv

# uv installs from the registry in seconds what pip takes minutes for.
$(VENV)/.installed: pyproject.toml | $(PY)
	$(BIN)/uv pip install -q --python $(PY) maturin ruff mypy pandas-stubs pre-commit threadpoolctl $$($(PY) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*[d.replace(" ", "") for d in sum([p["dependencies"], *p["optional-dependencies"].values()], []) if not d.startswith("ferroflow")])')
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(RUST_SOURCES)
	source $(BIN)/activate && maturin develop --release --uv -q
	@touch $@

build: $(VENV)/.built ## compile the core in release mode into .venv

clean: ## remove everything that was built
	rm -rf target $(VENV) .cache dist
