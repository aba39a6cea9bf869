# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo` and `make test` need nothing but a Debian 12 machine, root and its package registries.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PATH := $(BIN):$(PATH)
export PYTHONPATH := $(CURDIR)/tests/lab

include tests/lab/lab.mk
include benchmarks/bench.mk

##@ The two commands
.PHONY: demo test
demo: announced lab-images ## Set up, run a real Olympus, upgrade it under load, roll back, upgrade again, report
	python -m olympus_lab.demo

.PHONY: announced
announced:
	@echo "make demo: about 25 minutes the first time on a machine (packages, Go, images), about 11 after that."

test: machine $(VENV)/.done ## Everything that must hold: lint, sanity, unit, contract, lab, molecule, each with its result and seconds
	python tests/parts.py

##@ Parts
.PHONY: walk-version lint unit worlds sanity molecule reuse findings docs bench bench-courier bench-decision bench-rollback test-all clean
lint: $(VENV)/.done ## ruff, mypy strict, import-linter, words and spelling, ansible-lint production, shellcheck, Go vet
	tests/lint

unit: $(VENV)/.done ## Unit and contract tests, most of those of the edge on an old Caddy too where it can be had (ALL=1: all)
	$(MAKE) caddy-old || echo "NO OLD CADDY: its contract tests are skipped"
	pytest -n 2 $(if $(ALL),,-m "not slow") tests/unit tests/contract

worlds: $(VENV)/.done ## From every state the command that status prints leads to a settled one: worlds=N settled=N longest=K
	PYTHONPATH=collections:tests:tests/lab python -m kit.walk

sanity: $(VENV)/.done ## ansible-test sanity on an export of this checkout, no ignores
	tests/sanity

molecule: lab-images ## The molecule scenario `upgrade` alone
	tests/molecule

reuse: lab-images ## The playbooks of docs/reuse.md that need no Podman (`tests/reuse NAME` runs one, `tests/reuse podman` the others)
	tests/reuse

findings: $(VENV)/.done ## Each test of the findings' table before its fix (red) and here (green); ROWS="R26 R27", ALL=1: the lab's too
	python tests/findings.py $(ROWS)

docs: export PYTHONPATH := $(CURDIR)/collections:$(CURDIR)/docs:$(CURDIR)/tests/lab
docs: $(VENV)/.done ## Write what comes from the code (docs/errors.md, docs/settings.md, two doc fragments)
	python -m generate.errors
	python -m generate.settings
	python -m generate.fragments

walk-version: $(VENV)/.done ## The way of `version` from the command line to the rename: its files and names, held against the code
	PYTHONPATH=docs python -m generate.walk

bench-courier: lab-images ## Mails and a janitor over 20 handovers: build/bench/courier.json, courier.md
	$$(python -m olympus_lab env | sed 's/^/export /'); pytest -s -m lab tests/lab/test_courier.py -k twenty

bench-rollback: lab-images ## The way back against the clock: build/bench/rollback.json, rollback.md
	PYTHONPATH=collections:tests:tests/lab python benchmarks/rollback.py

bench-decision: $(VENV)/.done ## What the switch's question costs a request: build/bench/decision.json, decision.md
	mkdir -p build/bench
	cd benchmarks/decision && go build -o $(CURDIR)/build/bench/decision-client . && cd $(CURDIR)
	PYTHONPATH=collections:benchmarks:tests:tests/lab python benchmarks/decision.py --client build/bench/decision-client

test-all: ## make test and what is too long for it
	$(MAKE) test ALL=1

clean: lab-down ## Remove the lab and build/
	rm -rf build

##@ Help
.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z_-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.done: tests/requirements.txt | machine
	python3 -m venv $(VENV)
	pip install --disable-pip-version-check --progress-bar off -q -r tests/requirements.txt
	touch $@
