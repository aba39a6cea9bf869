# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# The benches, included by the top Makefile. None is part of `make test`: what they measure is time.

##@ Benches
.PHONY: bench-cutover bench-stages bench-proof bench-schema bench-docs
bench: bench-cutover bench-rollback bench-courier ## All of them, one after the other

bench-cutover bench-docs: export PYTHONPATH := $(CURDIR)/collections:$(CURDIR)/benchmarks:$(CURDIR)/tests:$(CURDIR)/tests/lab

bench-cutover: machine $(VENV)/.done caddy-old ## The switch beside other methods, HAProxy and nginx (25 minutes; QUICK=1: 3): build/bench/cutover.json, .md
	python benchmarks/cutover.py --size $(or $(SIZE),$(if $(QUICK),quick,full))

bench-stages: lab-images ## What each stage costs beside trivial tasks (BASE=<commit>: two commits in turn; LIVES=2): build/bench/stages.json, .md
	PYTHONPATH=$(CURDIR)/collections:$(CURDIR)/benchmarks:$(CURDIR)/tests:$(CURDIR)/tests/lab \
	  python benchmarks/stages.py --lives $(or $(LIVES),2) $(if $(BASE),--base $(BASE))

bench-proof: lab-images ## Seconds and memory of the proof of four targets: build/bench/proof.json, .md
	PYTHONPATH=$(CURDIR)/collections:$(CURDIR)/benchmarks:$(CURDIR)/tests:$(CURDIR)/tests/lab \
	  $$(python -m olympus_lab env | sed 's/^/env /') python benchmarks/proof.py

bench-schema: lab-images ## Verdicts and locks of the corpus on PostgreSQL 14 to 18, squawk beside them, times (PARTS=corpus,...): build/bench/schema.json, .md
	PYTHONPATH=$(CURDIR)/collections:$(CURDIR)/benchmarks:$(CURDIR)/tests:$(CURDIR)/tests/lab \
	  $$(python -m olympus_lab env | sed 's/^/env /') python benchmarks/schema.py $(if $(PARTS),--parts $(PARTS))

bench-docs: $(VENV)/.done ## Put what the full runs wrote into README.md and docs/benchmarks.md
	python benchmarks/pages.py
