# `make help` says what there is. Every recipe works on a path with spaces and as any user.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run doctor backup restore rotate-keys test test-full bench bench-short bench-large \
        check check-django scan clean chromium

PYTHON := .venv/bin/python
ARGS ?=
# The whole suite is shared by a process for each core; a chosen part is not worth their start.
PROCESSES ?= $(if $(ARGS),0,auto)

help: ## list what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

run: .venv/installed ## start everything; Ctrl-C stops it (PORT, DATA_DIR, DEMO=0: docs/settings.md)
	@exec $(PYTHON) -m referralcrm.embedded run

doctor: .venv/installed ## say what is wrong with the installation, and how to mend it
	@$(PYTHON) -m referralcrm.embedded doctor

backup: .venv/installed ## back up into one encrypted file, running or not (FILE=…: docs/backup.md)
	@$(PYTHON) -m referralcrm.embedded backup $(if $(FILE),"$(FILE)")

restore: .venv/installed ## put a backup in place of the database: FILE=… (KEYS=folder, REPLACE=1: docs/backup.md)
	@$(PYTHON) -m referralcrm.embedded restore "$(FILE)" $(if $(KEYS),--keys "$(KEYS)") $(if $(REPLACE),--replace)

rotate-keys: .venv/installed ## put a new key to patients' data in front and rewrite all rows under it (docs/keys.md)
	@$(PYTHON) -m referralcrm.embedded new-key
	@$(PYTHON) manage.py rotate_keys

test: .venv/installed-dev chromium ## run the tests (ARGS="tests/contacts -k npi")
	@$(PYTHON) -m referralcrm.embedded exec -- $(PYTHON) -m pytest -n $(PROCESSES) --maxprocesses 4 \
	  --dist loadfile --no-loadscope-reorder $(ARGS)

test-full: ## run the tests at their full counts
	@TEST_COUNTS=full $(MAKE) test

bench: .venv/installed ## measure speed against its budgets, half an hour (ARGS="--only pages": docs/performance.md)
	@$(PYTHON) bench/run.py --form default $(ARGS)

bench-short: .venv/installed ## the same at small sizes, two minutes; writes nothing but what it prints
	@$(PYTHON) bench/run.py --form short --results /dev/null $(ARGS)

bench-large: .venv/installed ## the same with 10 million referrals and an hour of load
	@$(PYTHON) bench/run.py --form large $(ARGS)

check: .venv/installed-dev ## lint, types, templates, migrations, import contract, deploy check
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m djlint --check --quiet templates
	$(PYTHON) -m djlint --lint --quiet templates
	$(PYTHON) -m yamllint --strict --config-data '{extends: default, rules: {line-length: {max: 110}}}' compose.yaml
	.venv/bin/lint-imports --no-logo
	@$(PYTHON) -m referralcrm.embedded exec -- $(MAKE) --no-print-directory check-django

# What must import the settings, and so needs what the servers set.
check-django:
	$(PYTHON) -m mypy .
	$(PYTHON) manage.py makemigrations --check --dry-run
	DEBUG=0 DEMO=0 SITE_URL=https://crm.example ALLOWED_HOSTS=crm.example \
	  $(PYTHON) manage.py check --deploy --fail-level WARNING

scan: .venv-scan/installed ## look for weaknesses in the code (bandit) and known ones in the packages (pip-audit)
	.venv-scan/bin/bandit --quiet --recursive --configfile pyproject.toml .
	.venv-scan/bin/pip-audit --requirement requirements.txt --no-deps --disable-pip

.venv-scan/installed: requirements-scan.txt | .venv/bin/python
	@$(PYTHON) -m venv .venv-scan
	@.venv-scan/bin/pip install --quiet --disable-pip-version-check -r requirements-scan.txt
	@touch $@

clean: ## remove what was built and installed; the data in var/ stays
	rm -rf .venv .venv-scan staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps let a second start skip pip; they are older than the requirements once those change.
.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing the requirements …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what the tests need …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/bin/python:
	@for python in python3.11 python3.12 python3.13 python3 python; do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Making .venv with $$python …"; exec "$$python" -m venv .venv; \
	  fi; \
	done; \
	echo "Python 3.11 or newer with its venv module is needed, and none was found." >&2; \
	echo "On Debian or Ubuntu: apt install python3 python3-venv" >&2; exit 1

chromium:
	@command -v chromium >/dev/null && exit 0; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium for the browser tests …"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else \
	  echo "The browser tests need Chromium. Install it, then try again: sudo apt install chromium" >&2; exit 1; \
	fi
