# Everything a fresh machine needs to try facesort or to work on it, given make, Python 3.11 or newer
# and a C++ compiler. Written for POSIX sh and any GNU make (macOS ships 3.81).
#
#   make PYTHON=/path/to/python3.12 test     another Python
#   make VENV=.venv-312 test                 another place for the virtual environment

SHELL = /bin/sh
VENV ?= .venv
PYTHON ?=
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -qq

.PHONY: help demo test test-fast test-openvino test-train bench lint clean check

help:
	@echo "make demo       install, fetch the models and a small album, find and name people in it"
	@echo "make test       everything: lint, types, import contracts, all tests"
	@echo "make test-fast  the tests that take seconds"
	@echo "make test-openvino  the tests of the OpenVINO extra, which make test skips"
	@echo "make test-train  the tests of training, which make test skips; installs PyTorch, which is large"
	@echo "make bench      how long each step of a scan takes by itself (a minute or two)"
	@echo "make lint       ruff, mypy and the import contracts only"
	@echo "make clean      delete $(VENV), demo/ (with its library), caches and built packages"

# --- What you ask for -------------------------------------------------------------------------------

demo: $(VENV)/installed-demo
	@$(BIN)/python examples/demo.py

# In as many processes as there are processors, four at most: many tests wait, or use one thread. The
# labelled photos take longest, and come first.
PROCESSES = -n auto --maxprocesses 4 --no-loadscope-reorder

test: lint
	$(BIN)/python -m pytest $(PROCESSES)

test-fast: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PROCESSES) -m "not slow and not accuracy"

# Beside the other packages, not among them: `--provider auto` takes OpenVINO wherever it is installed.
test-openvino: $(VENV)/installed-test
	@$(PIP) install -c constraints.txt --no-deps --upgrade --target $(VENV)/openvino openvino
	PYTHONPATH=$(VENV)/openvino $(BIN)/python -m pytest tests/unit/test_openvino.py

# Beside them too: PyTorch is for training only, and nothing else may come to need it.
test-train: $(VENV)/installed-torch
	PYTHONPATH=$(VENV)/torch $(BIN)/python -m pytest tests/unit/test_training_*.py tests/integration/test_train.py

bench: $(VENV)/installed-test
	$(BIN)/python -m pytest tests/benchmarks -q --benchmark-enable --benchmark-group-by=group \
	    --benchmark-sort=name --benchmark-columns=median,iqr,min,max,rounds $(BENCH)

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) node_modules demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache .coverage
	find . -name .git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# --- Set-up -----------------------------------------------------------------------------------------

# Sets $$python to a Python that really runs (a version manager's shim may be on the path and fail)
# and has all that the build of hnswlib needs; otherwise says in one sentence what to install.
FIND_PYTHON = \
	found=; lacks=; lacking=; \
	for python in $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3); do \
	    said=$$($$python -c "$$PROBE" 2>/dev/null) || continue; \
	    case $$said in \
	        fine) found=$$python; break ;; \
	        *) [ -n "$$lacks" ] || lacks=$$said; [ -n "$$lacking" ] || lacking=$$python ;; \
	    esac; \
	done; \
	python=$$found; \
	if [ -z "$$python" ]; then \
	    case $$lacks in \
	        venv) echo "facesort needs Python's venv module, which $$lacking lacks:" \
	            "on Debian or Ubuntu install python3-venv and python3-dev, on Fedora python3-devel," \
	            "on macOS python3 from Homebrew or python.org." ;; \
	        headers) echo "facesort needs Python's headers (Python.h), which $$lacking lacks:" \
	            "on Debian or Ubuntu install python3-dev, on Fedora python3-devel," \
	            "on macOS python3 from Homebrew or python.org." ;; \
	        *) echo "facesort needs Python 3.11 or newer$(if $(PYTHON), and $(PYTHON) is not one):" \
	            "on Debian or Ubuntu install python3 (Debian 12, Ubuntu 24.04 or later)," \
	            "on Fedora python3, on macOS python3 from Homebrew or python.org;" \
	            "PYTHON=/path/to/python names one." ;; \
	    esac >&2; \
	    exit 1; \
	fi

define PROBE
import os, sys, sysconfig
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
headers = os.path.join(sysconfig.get_paths()['include'], 'Python.h')
print('old' if sys.version_info < (3, 11) else 'venv' if not has_venv
      else 'headers' if not os.path.exists(headers) else 'fine')
endef
export PROBE

# hnswlib is compiled during installation. A compiler without its standard library does not help, and
# macOS has a c++ that only offers to install itself: so one really compiles.
FIND_COMPILER = \
	for compiler in $${CXX:-c++} g++ clang++; do \
	    echo '\#include <vector>' | $$compiler -x c++ -fsyntax-only - >/dev/null 2>&1 && break; \
	    compiler=; \
	done; \
	if [ -z "$$compiler" ]; then \
	    echo "facesort needs a C++ compiler to build hnswlib: on Debian or Ubuntu install g++," \
	        "on Fedora gcc-c++, on macOS run xcode-select --install." >&2; \
	    exit 1; \
	fi

check:
	@$(FIND_PYTHON); $(FIND_COMPILER)

$(BIN)/python:
	@$(FIND_PYTHON); $(FIND_COMPILER); \
	echo "Making $(VENV) with $$($$python --version)."; \
	rm -rf $(VENV) && $$python -m venv $(VENV)

# The build constraints, which pip 25.3 learnt, keep a new release of a build tool from breaking this.
INSTALL = $(PIP) install -c constraints.txt --build-constraint constraints.txt

$(VENV)/installed-demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing facesort and its libraries (about 1 GB, minutes the first time)."
	@$(PIP) install --upgrade "pip>=25.3"
	@$(INSTALL) -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed-demo
	@echo "Installing the test tools."
	@$(INSTALL) -e . --group test
	@touch $@

$(VENV)/installed-torch: $(VENV)/installed-test
	@echo "Installing PyTorch (CPU builds take about 1 GB, those with CUDA several)."
	@$(PIP) install -c constraints.txt --upgrade --target $(VENV)/torch torch
	@touch $@
