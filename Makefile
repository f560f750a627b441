# Everything works from a fresh clone: needs python3 with venv, and make. The environment is .venv in this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lab bench compiled crosscheck fuzz lint notebooks docs clean

help:
	@echo "make demo       execute the first notebook against a simulated EV and print what happened"
	@echo "make lab        open the notebooks in JupyterLab"
	@echo "make test       the tests (ARGS='-k v2gtp' chooses some)"
	@echo "make lint       ruff, mypy, import-linter"
	@echo "make notebooks  build the notebooks from notebooks/src, with their outputs"
	@echo "make docs       write docs/api: a page for each message of the Lua API"
	@echo "make bench      the speed of the codec and of reading captures"
	@echo "make compiled   build the codec's extension (needs a C compiler; everything works without)"
	@echo "make crosscheck random messages against an independent codec (ARGS='--messages 50000 --seed 7')"
	@echo "make fuzz       damaged input for the codec (ARGS='--inputs 10000000 --engine damage')"
	@echo "make clean      remove .venv and caches"

# One stamp for each set of extras: made again when what is asked for changes, and otherwise at no cost.
$(BIN)/python:
	@echo "creating $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# Installing registers the kernelspec in the environment itself, so nothing outside this folder changes.
$(VENV)/.stamp-demo: $(BIN)/python pyproject.toml
	@echo "installing secc-kernel into $(VENV)"
	@$(PIP) --editable '.[plot]' 'nbclient>=0.10'
	@touch $@

$(VENV)/.stamp-lab: $(VENV)/.stamp-demo
	@echo "installing JupyterLab into $(VENV)"
	@$(PIP) --editable '.[lab]'
	@touch $@

$(VENV)/.stamp-test: $(VENV)/.stamp-demo
	@echo "installing the test tools into $(VENV)"
	@$(PIP) --editable '.[test]'
	@touch $@

demo: $(VENV)/.stamp-demo
	@$(BIN)/python scripts/demo.py

lab: $(VENV)/.stamp-lab
	$(BIN)/jupyter lab notebooks/01_session_setup.ipynb

test: $(VENV)/.stamp-test
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

notebooks: $(VENV)/.stamp-test
	$(BIN)/python scripts/notebooks.py $(ARGS)

docs: $(VENV)/.stamp-demo
	@$(BIN)/python scripts/api_docs.py --all

bench: $(VENV)/.stamp-test
	$(BIN)/python benchmarks/codec.py
	$(BIN)/python benchmarks/captures.py

# Only a quicker way to the same results: removing secc_kernel/exi/_engine.*.so, or SECC_KERNEL_PURE=1, undoes it.
compiled: $(VENV)/.stamp-test
	@$(PIP) 'cython>=3.0.11' 'setuptools>=69' 'hatchling>=1.24'
	@$(BIN)/python scripts/compiled.py

crosscheck: $(VENV)/.stamp-test
	@$(BIN)/python scripts/crosscheck.py $(ARGS)

# Guided by coverage where atheris is to be had for this Python and platform, at random elsewhere.
$(VENV)/.stamp-fuzz: $(VENV)/.stamp-test
	@$(PIP) --editable '.[fuzz]' || echo "atheris cannot be installed here: fuzzing without regard to coverage"
	@touch $@

fuzz: $(VENV)/.stamp-fuzz
	@$(BIN)/python scripts/fuzz.py $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
