# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# The lab's targets, included by the top Makefile, which sets VENV and PYTHONPATH.

##@ The lab
.PHONY: machine lab lab-setup lab-images lab-down lab-status
machine lab-setup: ## Install what this machine lacks: packages, Go, settings for Podman
	python3 -m olympus_lab setup

lab-images: machine $(VENV)/.done ## Build the images of every release (LAB_IMAGES=<registry host>: take the published ones)
	python3 -m olympus_lab images

lab: lab-images ## Olympus v1.4.2 on this machine, as an operator runs it
	python3 -m olympus_lab up

lab-down: ## Remove what the lab made, but its images and caches
	python3 -m olympus_lab down

.PHONY: caddy-old
caddy-old: build/lab/bin/caddy-2.6.2 ## Debian 12's Caddy, the oldest that is supported, for the contract tests; nothing is installed

build/lab/bin/caddy-2.6.2:
	mkdir -p build/lab/bin build/lab/deb
	cd build/lab/deb
	apt-get download -q caddy=2.6.2*
	dpkg-deb -x caddy_2.6.2*.deb .
	mv usr/bin/caddy ../bin/caddy-2.6.2
	rm -rf ../deb

lab-status: ## What of the lab runs
	python3 -m olympus_lab status

.PHONY: test-controller-killed
test-controller-killed: lab-images ## kill -9 of ansible-playbook after a bad cutover: seconds until blue is live again
	settings=$$(python3 -m olympus_lab env)
	[ -z "$$settings" ] || export "$${settings?}"
	ANSIBLE_CONFIG=$(CURDIR)/ansible.cfg pytest -q -m lab tests/lab/test_controller_killed.py
	cat build/bench/controller-killed
