# Two commands matter to a newcomer: `make demo` and `make test`. Everything happens inside .venv and var/.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
SERVE ?= 1
WORKERS ?= 2
KILLS ?= 1000
EXAMPLES ?= 500
DATABASE ?= sqlite postgresql

# make demo IMAGES=DIR | DATASET=imagenette, and optionally NETWORKS=a,b CLASSES=a,b PER_CLASS=n PRESET=default
DEMO_OPTIONS := $(if $(IMAGES),--images "$(IMAGES)") $(if $(DATASET),--dataset "$(DATASET)") \
	$(if $(NETWORKS),--networks "$(NETWORKS)") $(if $(CLASSES),--classes "$(CLASSES)") \
	$(if $(PER_CLASS),--per-class "$(PER_CLASS)") $(if $(PRESET),--preset "$(PRESET)") --port $(PORT)

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo serve test lint format types unit torture clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, but $(PYTHON) is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed ## install what the product needs into .venv

setup-dev: $(VENV)/.installed-dev ## setup, and what the tests need

lock: setup-dev ## pin what is installed and tested, with hashes, into requirements.lock
	$(BIN)/python -m pip freeze --exclude-editable | grep == > $(VENV)/tested.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --constraint $(VENV)/tested.txt --output-file requirements.lock requirements.txt

audit: setup-dev ## ask for known vulnerabilities of what requirements.lock pins; fails when one is found, or nobody answers
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements.lock || { \
		echo "Not clean. If no vulnerability is listed above, the service could not be asked, and nothing is known."; \
		exit 1; }

demo: setup ## the whole way: summaries, a study, simulated answers, the report, a server (SERVE=0: no server)
	$(BIN)/python manage.py demo $(DEMO_OPTIONS)
ifneq ($(SERVE),0)
	@$(MAKE) --no-print-directory serve
endif

serve: setup ## serve what is there on http://127.0.0.1:$(PORT)/
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	$(BIN)/gunicorn config.wsgi --bind 127.0.0.1:$(PORT) --workers $(WORKERS) --threads 4 --keep-alive 60 --timeout 120

test: setup-dev lint types unit ## lint, types and every test

lint: setup-dev ## ruff: style and mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-dev ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-dev ## mypy: strict for vsum_core and analysis
	$(BIN)/mypy vsum_core analysis study config benchmarks

unit: setup-dev ## pytest on two workers; prints a reason for every skip
	$(BIN)/python -m pytest -n 2
	$(BIN)/python -m pytest -m compiles

torture: setup-dev ## answers while processes are killed; KILLS=10000, DATABASE="sqlite postgresql"
	$(BIN)/python -m benchmarks.torture --kills $(KILLS) --databases $(DATABASE)
	$(BIN)/python -m benchmarks.pregeneration_torture --kills $(KILLS)
	TORTURE_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q tests/study/test_state_machine.py

clean: ## remove var/ (database, runs, reports); .venv stays
	rm -rf var
