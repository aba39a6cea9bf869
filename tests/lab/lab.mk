# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, the olympus.bluegreen authors
# The lab's targets, included by the top Makefile.
LAB := PYTHONPATH=tests/lab python3 -m olympus_lab

.PHONY: lab lab-setup lab-images lab-down lab-status

lab-setup: ## install what this machine lacks for the lab
	$(LAB) setup

lab-images: lab-setup ## build the lab's images (LAB_IMAGES=registry pulls the published ones)
	$(LAB) images

lab: lab-images ## bring up Olympus v1.4.2 on this machine
	$(LAB) up

lab-down: ## remove what the lab made, but its images and caches
	$(LAB) down

lab-status: ## what of the lab runs
	$(LAB) status
