# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every recipe uses paths relative to the clone, so that a clone whose path has a space in it works.

MAKEFLAGS += --no-print-directory
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Runs a command of the venv inside the clone's own workplace.
RUN := .venv/bin/python tools/workspace.py

JOBS ?= 2
# What takes minutes by its nature (runs killed hundreds of times, every fault at every request) is in tests/long.
TESTS ?= tests --ignore tests/long
LONG_TESTS ?= tests/long
PYTEST_ARGS ?=
# The first of the three ports of the simulator.
PORT ?= 8443
# The tests of the plugins; those of the simulator and of the roles would only repeat what these run.
COVERAGE_TESTS ?= --ignore tests/unit/simulator tests/unit tests/integration/test_modules_contract.py tests/integration/test_examples.py

export PYTHON

.PHONY: help
help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | while IFS='	' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: ## Make .venv with all that the tests and the demo need (once; offline afterwards)
	@sh tools/setup.sh test

.PHONY: setup-dev
setup-dev: setup ## The same with the linters and the documentation tools
	@sh tools/setup.sh dev

.PHONY: test
test: setup ## Run the tests but for the long ones, about half an hour on two cores (TESTS=tests/unit, JOBS=2, PYTEST_ARGS=...)
	@$(RUN) pytest -n $(JOBS) --dist loadfile $(TESTS) $(PYTEST_ARGS)

.PHONY: screens
screens: setup ## Take the screens of tests/terminal again, and the transcript in the guide
	@UPDATE_SCREENS=1 $(RUN) pytest -q tests/terminal/test_screens.py
	@git --no-pager diff --stat -- tests/terminal/screens docs/docsite/rst/guide_first_steps.rst

.PHONY: test-long
test-long: setup ## Run the tests that take long (LONG_TESTS=tests/long/test_crash.py)
	@$(RUN) pytest -n $(JOBS) --dist loadfile $(LONG_TESTS) $(PYTEST_ARGS)

.PHONY: demo
demo: setup ## Onboard five vendors on three simulated tenants (about a minute)
	@$(RUN) python tools/demo.py

.PHONY: simulator
simulator: setup ## Run simulated tenants until Ctrl-C, with an inventory and what to type in another terminal (PORT=8443)
	@$(RUN) python tools/simulator.py --port $(PORT)

.PHONY: bench
bench: setup ## Measure five ways to do the same work, side by side (BENCH_ARGS="--tenants 10,50 --ways ade --first 10")
	@$(RUN) python -m benchmarks $(BENCH_ARGS)

.PHONY: lint
lint: setup-dev ## Run every linter and type checker
	@$(RUN) python tools/lint.py

.PHONY: format
format: setup-dev ## Let ruff format and mend what it can
	@$(RUN) ruff check --fix --quiet .
	@$(RUN) ruff format .

.PHONY: vendors
vendors: setup ## Write what follows from the vendors' tables: READMEs, argument specs, tasks, the vendor table
	@$(RUN) python tools/vendors.py

.PHONY: vendor
vendor: setup ## Begin the role of another vendor (NAME=acme_sync TABLE=page.html)
	@$(RUN) python tools/vendors.py --new "$(NAME)" $(if $(TABLE),--table "$(TABLE)") $(if $(TICKED),--ticked "$(TICKED)")

.PHONY: vendors-check
vendors-check: setup ## Say which rows a new copy of a vendor's page changes (FILE=page.html NAME=zofiq)
	@$(RUN) python tools/vendors.py --compare "$(FILE)" $(if $(TICKED),--ticked "$(TICKED)") $(NAME)

.PHONY: sanity
sanity: setup ## Run ansible-test sanity with every ansible-core this machine's Pythons can take (SANITY_VERSIONS="2.19 2.21")
	@$(RUN) python tools/ansible_test.py sanity $(SANITY_VERSIONS)

.PHONY: units
units: setup ## Run ansible-test units likewise
	@$(RUN) python tools/ansible_test.py units $(SANITY_VERSIONS)

.PHONY: build
build: setup ## Build the collection's tarball in build/, of the files that git tracks
	@$(RUN) python tools/tarball.py

.PHONY: changelog
changelog: setup-dev ## Write the fragments and the new plugins into the changelog of the version in galaxy.yml
	@$(RUN) antsibull-changelog release --update-existing --refresh-plugins --reload-plugins

.PHONY: release
release: setup-dev ## Check, write version and changelog, build, install into an empty path, run the demo from there (VERSION=1.0.0)
	@$(RUN) python tools/release.py $(VERSION) $(RELEASE_ARGS)

.PHONY: coverage
coverage: setup-dev ## Say how much of module_utils and modules the tests run, in process and in module processes
	@$(RUN) python tools/coverage_summary.py -n $(JOBS) --dist loadfile $(COVERAGE_TESTS) $(PYTEST_ARGS)

.PHONY: mutants
mutants: setup-dev ## Change the planners in one place at a time and see the unit tests notice (MUTANTS="_permissions")
	@$(RUN) python tools/mutants.py $(MUTANTS)

.PHONY: docs
docs: setup-dev ## Build the documentation site in build/docs/html
	@mkdir -p build/docs/rst
	@$(RUN) python tools/docs_tree.py antsibull-docs collection --use-current --squash-hierarchy --fail-on-error \
	    --cleanup everything --dest-dir "$(CURDIR)/build/docs/rst" msp.connectwise
	@$(RUN) sphinx-build -q -W -c docs -d build/docs/doctrees -b html build/docs/rst build/docs/html
	@echo build/docs/html/index.html

.PHONY: picture
picture: setup ## Take the README's picture of the fleet report (needs Chromium)
	@$(RUN) python tools/picture.py

.PHONY: clean
clean: ## Remove everything that was made in the clone, but no keys or reports
	rm -rf .venv .cache .ansible build changelogs/.plugin-cache.yaml
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
