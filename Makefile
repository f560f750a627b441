# Everything works from a fresh clone: needs python3 with venv, and make. The environment is .venv in this folder.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test oldest wheel lab bench soak compiled crosscheck fuzz lint notebooks docs clean

help:
	@echo "make demo       execute the first notebook against a simulated EV and print what happened"
	@echo "make lab        open the notebooks in JupyterLab"
	@echo "make test       the tests (ARGS='-k v2gtp' chooses some)"
	@echo "make oldest     the kernel's, Lua's and the codec's tests with the oldest Python and dependencies that are allowed"
	@echo "make wheel      build a wheel, install it into an environment of its own, run a script and a notebook there"
	@echo "make lint       ruff, mypy, import-linter"
	@echo "make notebooks  build the notebooks from notebooks/src, with their outputs"
	@echo "make docs       write docs/api: a page for each message of the Lua API"
	@echo "make bench      the speed of the codec, of reading captures, of the kernel and of answering beside others"
	@echo "make compiled   build the codec's extension (needs a C compiler; everything works without)"
	@echo "make crosscheck random messages against an independent codec (ARGS='--messages 50000 --seed 7')"
	@echo "make fuzz       damaged input for the codec (ARGS='--inputs 10000000 --engine damage')"
	@echo "make soak       200 plug-ins on a testbed, 20 of them cut at a random frame (root; ARGS='--plug-ins 20 --cuts 5')"
	@echo "make clean      remove the environments and caches"

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

# What pyproject.toml allows at the other end: its lower bounds, pinned, on the oldest Python (or, without one, on this).
OLDEST_PYTHON ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.10.*/bin/python) \
	$(shell python3.10 -c 'import sys; print(sys.executable)' 2>/dev/null) $(PYTHON))
OLDEST := $(VENV)-oldest
OLDEST_TESTS ?= tests/kernel tests/lua tests/views tests/commands tests/notebooks tests/messages/test_seed.py \
	tests/exi/test_vectors.py tests/exi/test_edge_cases.py tests/exi/test_values.py tests/test_package.py

$(OLDEST)/.stamp: $(VENV)/.stamp-test scripts/oldest.py pyproject.toml
	@echo "installing the oldest dependencies into $(OLDEST), with $$($(OLDEST_PYTHON) --version)"
	@rm -rf $(OLDEST)
	@$(OLDEST_PYTHON) -m venv $(OLDEST)
	@$(BIN)/python scripts/oldest.py \
		$$($(OLDEST_PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])') test > $(OLDEST)/constraints.txt
	@$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint $(OLDEST)/constraints.txt --editable '.[test]'
	@touch $@

oldest: $(OLDEST)/.stamp
	$(OLDEST)/bin/python -m pytest $(OLDEST_TESTS) $(ARGS)

# As a user gets it: without the checkout, and with nothing but what it depends on and something to run a notebook.
WHEEL := $(VENV)-wheel
wheel:
	@rm -rf $(WHEEL) && $(PYTHON) -m venv $(WHEEL)
	@$(WHEEL)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(WHEEL)/dist .
	@$(WHEEL)/bin/python -m pip install --quiet --disable-pip-version-check $(WHEEL)/dist/*.whl 'nbclient>=0.10'
	@cp notebooks/01_session_setup.ipynb $(WHEEL)/dist
	@printf 'Secc.Receive_SessionSetupReq_001()\nSession.Check(journal == nil, "runs from a wheel")\n' > $(WHEEL)/dist/first.lua
	cd $(WHEEL)/dist && ../bin/secc-kernel run first.lua && ../bin/jupyter execute --timeout=60 01_session_setup.ipynb

lint: $(VENV)/.stamp-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

notebooks: $(VENV)/.stamp-test
	$(BIN)/python scripts/notebooks.py $(ARGS)

docs: $(VENV)/.stamp-demo
	@$(BIN)/python scripts/api_docs.py --all

# Other kernels to be measured beside ours: what they need is not mixed with what we need. ILua also needs lua in the PATH.
$(VENV)-peer-kernels/.stamp: $(BIN)/python
	@$(PYTHON) -m venv $(VENV)-peer-kernels
	@$(VENV)-peer-kernels/bin/python -m pip install --quiet --disable-pip-version-check ilua xeus-python || \
		echo "ILua and xeus-python cannot be installed here: benchmarks without them"
	@touch $@

bench: $(VENV)/.stamp-test $(VENV)-peer-kernels/.stamp
	$(BIN)/python benchmarks/codec.py
	$(BIN)/python benchmarks/captures.py
	$(BIN)/python benchmarks/kernel.py
	$(BIN)/python benchmarks/turnaround.py

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

soak: $(VENV)/.stamp-test
	@$(BIN)/python scripts/soak.py $(ARGS)

clean:
	rm -rf $(VENV) $(OLDEST) $(WHEEL) $(VENV)-peer-kernels .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
