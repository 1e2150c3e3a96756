# Everything a person types. `make` alone says what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DEMO := demo/photographs
OUTPUT := lightly_outputs

.PHONY: help install photographs demo test slow lab lint bench clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv and install everything (skipped while pyproject.toml is unchanged)

$(INSTALLED): pyproject.toml tools/make_venv.sh tools/check_install.py
	tools/make_venv.sh $(VENV)
	$(PY) -m pip install -e '.[all,test,lint]'
	$(PY) tools/check_install.py
	touch $@

photographs: install ## gather the demo photographs (skipped when they are all there)
	@$(PY) -m lightly_nb.demo $(DEMO)

demo: photographs ## embed and select on real photographs, in half a minute once installed
	$(PY) tools/demo.py $(DEMO) $(OUTPUT)
	@echo "Next: 'make lab' opens the same steps as a notebook (notebooks/00_first_steps.ipynb)."

test: photographs ## run the tests
	@tools/get_chromium.sh
	@tools/get_postgres.sh
	$(PY) -m pytest --numprocesses=2 --dist=loadfile

slow: photographs ## run the slow tests
	@tools/get_chromium.sh
	@tools/get_postgres.sh
	$(PY) -m pytest -m slow

lab: photographs ## open JupyterLab on the first notebook
	$(VENV)/bin/jupyter lab notebooks/00_first_steps.ipynb

lint: install ## check style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: photographs ## measure against the alternatives (minutes)
	@for script in $$(grep -l __main__ benchmarks/*.py); do echo "== $$script"; $(PY) "$$script"; done

clean: ## remove .venv, the demo photographs and caches, never your runs
	rm -rf $(VENV) $(DEMO) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
