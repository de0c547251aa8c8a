# Five commands, the same for people and for CI: demo, example, test, check, bench. Each sets up what it needs by itself.

PYTHON ?= python3
PORT ?= 8000
PACE ?= 1
CORS ?=
NAME ?= coffee
BIN := .venv/bin
TRAVEL := pipelines.travel_escape:travel_escape

.PHONY: demo example test check bench fixtures record clean

demo: .venv/ready  ## The travel server on recorded answers: no keys, no network, no services. CORS=… lets pages ask.
	$(BIN)/narrate serve $(TRAVEL) --replay valencia --pace $(PACE) --port $(PORT) $(CORS:%=--cors '%')

example: .venv/ready  ## One of the examples, with its page: make example NAME=docs
	$(BIN)/narrate serve examples/$(if $(wildcard examples/$(NAME).py),$(NAME).py,$(NAME)/pipeline.py) --port $(PORT)

test: .venv/ready .venv/web  ## Everything: real servers, real sockets, the property tests of the laws.
	.ci/packages
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage report

check: .venv/ready .venv/web  ## Style, types, and which module may import which.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/node tests/web/node_modules/typescript/bin/tsc --project tests/web

bench: .venv/ready  ## What narrating costs, beside the hand-written way and a peer, in one run.
	$(BIN)/python -m tests.bench

fixtures: .venv/ready  ## Compose the travel pipeline's fixtures again.
	$(BIN)/python -m pipelines.travel_escape.fixtures.compose

record: .venv/ready  ## Record the APIs live, with your own keys in the environment.
	$(BIN)/narrate record $(TRAVEL) --to pipelines/travel_escape/fixtures/recorded \
	  '{"q": "somewhere hot tomorrow, 3 hours at most"}'

clean:
	rm -rf .venv tests/web/node_modules

# Made anew when what the project needs changes; otherwise this costs nothing.
.venv/ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/web: tests/web/package.json | .venv/ready
	$(BIN)/npm install --no-package-lock --no-audit --no-fund --prefix tests/web
	touch $@
