# From a fresh clone: `make run`. Needs make and Python 3.11; everything else is brought into .tools/ and .venv/.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help env run test check format bench browser peers test-peers test-everywhere doctor docker-build clean
MAKEFLAGS += --no-print-directory
# What is imported once is compiled once, also where the environment says otherwise: it is most of a start.
export PYTHONDONTWRITEBYTECODE :=

UV := .tools/uv/bin/uv
BIN := .venv/bin
READY := .venv/.threadbook-ready
PEERS := .tools/peers
IMAGE ?= threadbook

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: $(READY)  ## Make or refresh the environment (.venv) from uv.lock

$(READY): pyproject.toml uv.lock
	@sh .ci/environment.sh
	@touch $@

run: $(READY)  ## Start everything with a sample business; no credentials, no servers (PORT=8001 for another port)
	@exec $(BIN)/python -m bot.cli up

check: $(READY)  ## Format, lint, types, catalogs, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m bot.catalogs --check
	$(BIN)/python -m pytest $(PARALLEL) -m "$(FAST)"

# `make check test` runs the fast tests once: test then adds the others.
# Every core has a process with servers of its own; a test takes whichever is free (JOBS=0: all in one process).
JOBS ?= auto
PARALLEL := -n $(JOBS) --dist worksteal
FAST := not model and not browser and not slow and not peers
REST := $(if $(filter check,$(MAKECMDGOALS)),-m "(model or browser or slow) and not peers")

test: $(READY) browser  ## Every test, browser tests included
	$(BIN)/python -m pytest $(PARALLEL) $(REST)

test-everywhere: $(READY)  ## Every written conversation on all four channels: about an hour
	PLAY_EVERYWHERE=1 $(BIN)/python -m pytest $(PARALLEL) tests/flows/test_conversations.py

test-peers: $(READY) peers  ## The journeys against programs none of us wrote
	THREADBOOK_PEERS="$(CURDIR)/$(PEERS)" $(BIN)/python -m pytest -m peers

bench: $(READY)  ## Time a full turn, part by part
	@exec $(BIN)/python -m bot.cli bench turn

doctor: $(READY)  ## Say what is wrong with the settings and the servers
	@exec $(BIN)/python -m bot.cli doctor

format: $(READY)  ## Format the code and mend what can be mended without thinking
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

browser: $(READY)  ## Install Chromium and fonts for the browser tests
	@sh .ci/browser.sh

peers: $(READY)
	@sh .ci/peers.sh $(PEERS)

docker-build:  ## Build the production image
	docker build --tag $(IMAGE) .

clean:  ## Remove the environment, the tools, caches and the data of `make run`
	@sh .ci/clean.sh
