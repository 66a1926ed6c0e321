# Everything a user or a developer types. Recipes hold only commands of Python or of what pip installed, and no shell
# syntax, so that they run on Windows as well. `make PYTHON=/path/to/python` chooses the Python that makes .venv.

DEMO = train digits --out demo/digits.safetensors --plot demo/digits.png
PYTEST_ARGS = -n auto --maxprocesses 4
SAFETY = tests/training/test_checkpoints.py tests/training/test_crashes.py tests/storage/test_checkpoint_file.py
SAFETY += tests/cli/test_checkpoints.py tests/storage/test_mutations.py

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
EXE := .exe
else
PYTHON ?= python3
BIN := .venv/bin
EXE :=
endif

VENV_PYTHON := $(BIN)/python$(EXE)
PIP_INSTALL := $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check
TOUCH := $(VENV_PYTHON) -c "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
REMOVE := $(PYTHON) -c "import shutil, sys; [shutil.rmtree(path, True) for path in sys.argv[1:]]"
# A Python that was asked for by name is used or refused; only the default may be exchanged for a newer one.
SEARCH := $(if $(filter file,$(origin PYTHON)),--search)

# pip must not run twice at a time in one environment; nothing here is faster in parallel (pytest brings its own).
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo test check format campaign campaign-safety campaign-explain docs texts course bench clean

help:
	$(info make demo     train a network on handwritten digits and write model and plots to demo/)
	$(info make test     run all tests (PYTEST_ARGS="-k name" for some))
	$(info make check    run everything that a change must pass: format, lint, types, tests)
	$(info make format   format the code and mend what the linter can mend)
	$(info make campaign test the compiled engine at length: 1,000 random networks, 10,000 shapes, 100 processes …)
	$(info make campaign-safety  kill, interrupt and damage at length: 200 kills, 200 interrupts, full disks, flipped bits)
	$(info make campaign-explain  explain at length: 2,000 printed explanations, programs of 2,000 networks, gradient checks)
	$(info make docs     build the documentation in site/)
	$(info make texts    bring the catalogue of Chinese texts up to date and compile it)
	$(info make course   run the lessons and write the course from them (MNIST=folder for digits-mnist))
	$(info make bench    compare the reference engine with a plain NumPy script)
	$(info make clean    remove what the other targets wrote, but not .venv)
	$(info )
	$(info Each installs what it needs into .venv first. It takes Python 3.11 or newer: make demo PYTHON=python3.12)
	@cd .

demo: .venv/installed-chainrule
	@$(VENV_PYTHON) -c "import pathlib; pathlib.Path('demo').mkdir(exist_ok=True)"
	$(BIN)/chainrule$(EXE) $(DEMO)

test: .venv/installed-test
	$(VENV_PYTHON) -m pytest $(PYTEST_ARGS)

check: .venv/installed-dev
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m pytest $(PYTEST_ARGS)

format: .venv/installed-dev
	$(VENV_PYTHON) -m ruff check --fix-only .
	$(VENV_PYTHON) -m ruff format .

docs: export NO_MKDOCS_2_WARNING = 1
docs: .venv/installed-docs
	$(VENV_PYTHON) -m mkdocs build --strict

texts: .venv/installed-test
	$(VENV_PYTHON) scripts/texts.py

course: .venv/installed-test
	$(VENV_PYTHON) scripts/course.py $(if $(MNIST),--mnist "$(MNIST)") $(LESSONS)

# A thousand gradients, updates and epochs, 10,000 shapes with guarded arrays, 100 fresh processes, 200 damaged files, 50
# interrupts, 200 exported models, every check of scikit-learn for both engines and number types: about an hour of two cores.
# At its end a line each says what was counted and how near the worst came.
campaign: export CHAINRULE_CASES = 1000
campaign: .venv/installed-test
	$(VENV_PYTHON) -m pytest tests/engines/compiled tests/storage/exporting tests/estimators $(PYTEST_ARGS)

# 200 trainings killed and 1,000 left and taken up again, 200 commands interrupted, a fault at each system call of a save,
# disks full at 64 points, every prefix and header bit and 10,000 payload bits of both kinds of files, 20,000 changes of
# each: half an hour.
campaign-safety: export CHAINRULE_CASES = 1000
campaign-safety: .venv/installed-test
	$(VENV_PYTHON) -m pytest $(SAFETY) $(PYTEST_ARGS)

# 2,000 random numbers of random networks explained in four formats and read back, 2,000 programs, 200 points at which
# seeded mistakes are looked for: ten minutes.
campaign-explain: export CHAINRULE_CASES = 2000
campaign-explain: .venv/installed-test
	$(VENV_PYTHON) -m pytest tests/explain $(PYTEST_ARGS)

bench: .venv/installed-chainrule
	$(VENV_PYTHON) benchmarks/reference.py

clean:
	$(REMOVE) demo site build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache

# The package is installed in editable form: only another pyproject.toml or version needs another installation.
$(VENV_PYTHON):
	$(PYTHON) scripts/make_venv.py .venv $(SEARCH)

.venv/installed-chainrule: pyproject.toml src/chainrule/_version.py | $(VENV_PYTHON)
	$(info Installing chainrule into .venv: a minute or two, the first time.)
	$(PIP_INSTALL) --editable .
	@$(TOUCH) $@

.venv/installed-test .venv/installed-docs: .venv/installed-chainrule
.venv/installed-dev: .venv/installed-test
.venv/installed-test .venv/installed-dev .venv/installed-docs:
	$(info Installing what chainrule[$(@:.venv/installed-%=%)] adds to it.)
	$(PIP_INSTALL) --editable ".[$(@:.venv/installed-%=%)]"
	@$(TOUCH) $@
