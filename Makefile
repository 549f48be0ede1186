# Everything that a developer or a continuous-integration machine runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints-dev.txt

.PHONY: help demo test lint format bench peers pictures clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.ready: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'
	touch $@

# Deep models are tested too; the demo needs none of this.
$(VENV)/.learn: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev,learn,fast]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'dynamic-network-architectures>=0.4'
	touch $@

demo: $(VENV)/.ready  ## make a two-visit chest CT phantom, follow it up, leave everything in demo-output/
	$(BIN)/aiimaging phantom demo-data --overwrite
	$(BIN)/aiimaging followup demo-data/baseline demo-data/follow-up -o demo-output --overwrite

test: $(VENV)/.learn  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.ready  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready  ## put the code into the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.learn  ## run every benchmark and print a table (long)
	$(BIN)/python -m Testing.Benchmarks

peers: .venv-peers/.ready  ## install the peers that benchmarks compare with, apart from ours

.venv-peers/.ready: Testing/Benchmarks/requirements-peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --requirement $<
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'antspyx>=0.6'
	touch $@

pictures: demo  ## make the pictures of README and Docs anew
	cp demo-output/pictures/lesion_02.png Docs/Pictures/follow_up.png
	cp demo-output/pictures/overview.png Docs/Pictures/overview.png
	cp demo-data/truth.png Docs/Pictures/phantom.png
	$(BIN)/python -m Testing.Pictures.panels Docs/Pictures

clean:  ## remove what the targets made
	rm -rf $(VENV) .venv-peers demo-data demo-output build dist .mypy_cache .ruff_cache .pytest_cache
