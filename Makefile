# Everything a person does with this tree, by name. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := .make
BPF    := src/hullguard/agent/sensor/bpf
STATIC := src/hullguard/ctrl/static
SECRETS := src/hullguard/inventory/content/secrets

# Where the running platform keeps its state; empty means the product's own default.
DATA   ?=
LISTEN ?=
AGENTS ?=
ARGS   ?=
TESTS  ?=

.PHONY: help up setup setup-test bpf rules console check format lint types imports test test-unit fuzz bench bench-rematch bench-runtime bench-soak package clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo
	@echo "  DATA=DIR, LISTEN=HOST:PORT and AGENTS=HOST:PORT apply to 'make up', TESTS=PATH to 'make test', ARGS=... to both."

up: setup bpf rules console ## set up, then run the whole platform here (Ctrl-C stops it)
	@exec $(BIN)/hullguard up $(if $(DATA),--data $(DATA)) $(if $(LISTEN),--listen $(LISTEN)) $(if $(AGENTS),--agents $(AGENTS)) $(ARGS)

setup: $(STAMPS)/programs-run $(STAMPS)/python ## what running needs: system programs and the Python environment

setup-test: $(STAMPS)/programs-test setup

bpf: $(STAMPS)/programs-run ## compile the sensor's kernel side
	@$(MAKE) -C $(BPF)

rules: $(SECRETS)/automaton.hs ## compile the rules for secrets

console: $(STATIC)/index.html ## build the console into the package

check: setup-test $(STAMPS)/node ## every check that is not a test: format, lint, types, imports, C, console
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src tests/support tests/meta tests/fuzz
	$(BIN)/lint-imports
	clang-format --dry-run --Werror $(BPF)/*.c $(BPF)/*.h
	cd console && npm run --silent lint && npm run --silent typecheck && npm run --silent test

format: setup ## put the sources into the agreed form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	clang-format -i $(BPF)/*.c $(BPF)/*.h

test: setup-test bpf rules console ## set up, then every test: unit, integration, system, console
	@$(if $(TESTS),$(BIN)/pytest $(TESTS),scripts/run-tests) $(ARGS)

test-unit: setup ## only the tests that need no server
	$(BIN)/pytest tests/unit tests/meta tests/fuzz $(ARGS)

fuzz: $(STAMPS)/fuzz ## hunt for inputs that parsers do not survive (ARGS="--minutes 60 rpm java"; --list, --reproduce FILE)
	@nice -n 10 $(STAMPS)/fuzz-venv/bin/python -m tests.fuzz $(ARGS)

bench: setup-test rules $(STAMPS)/bench ## image scanning beside Trivy and Syft (ARGS="--large --content" for more)
	@BENCH_TOOLS=$(STAMPS)/bench-venv $(BIN)/python -m bench.imagescan $(ARGS)

bench-rematch: setup ## from a new advisory to the images that it affects (ARGS="--images 500" for less than a million packages)
	@$(BIN)/python -m bench.rematch $(ARGS)

bench-runtime: setup-test bpf console ## what the sensor costs those who are watched (ARGS="--rounds 5 --plans default")
	@$(BIN)/python -m bench.runtime --soak $(STAMPS)/soak.txt $(ARGS)

bench-soak: setup-test bpf console ## ordinary container life under the default policy (ARGS="--minutes 60")
	@$(BIN)/python -m bench.soak --summary $(STAMPS)/soak.txt $(ARGS)

package: setup bpf rules console ## the wheel, with the sensor and the console inside, into dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

clean: ## remove what was built; the state in DATA stays
	rm -rf $(STAMPS) build dist $(STATIC) $(SECRETS)/automaton.hs console/node_modules .mypy_cache .ruff_cache .pytest_cache
	$(MAKE) -C $(BPF) clean

$(STAMPS)/programs-run: scripts/programs
	@mkdir -p $(STAMPS)
	@scripts/programs run
	@touch $@

$(STAMPS)/programs-test: scripts/programs
	@mkdir -p $(STAMPS)
	@scripts/programs test
	@touch $@

$(STAMPS)/bench: requirements/bench.lock $(STAMPS)/programs-run
	@test -x $(STAMPS)/bench-venv/bin/python || $(PYTHON) -m venv $(STAMPS)/bench-venv
	@$(STAMPS)/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.lock
	@touch $@

$(STAMPS)/fuzz: requirements/fuzz.lock pyproject.toml $(STAMPS)/programs-run
	@test -x $(STAMPS)/fuzz-venv/bin/python || $(PYTHON) -m venv $(STAMPS)/fuzz-venv
	@$(STAMPS)/fuzz-venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	@$(STAMPS)/fuzz-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/python: requirements/dev.lock pyproject.toml $(STAMPS)/programs-run
	@echo "Python environment: $(VENV) (made anew, it takes a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock 2> >(grep -v '^WARNING: Location' >&2)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . 2> >(grep -v '^WARNING: Location' >&2)
	@touch $@

$(SECRETS)/automaton.hs: $(STAMPS)/python $(wildcard $(SECRETS)/*.py $(SECRETS)/rules/*.py)
	@$(BIN)/python -m hullguard.inventory.content.secrets.inspector

$(STAMPS)/node: console/package-lock.json
	@mkdir -p $(STAMPS)
	@echo "Console packages: console/node_modules (a minute, the first time)"
	@cd console && npm ci --silent --no-audit --no-fund
	@touch $@

CONSOLE_SOURCES := $(shell find console -path console/node_modules -prune -o -type f -print 2>/dev/null) $(wildcard src/hullguard/words/zh/*.json)
$(STATIC)/index.html: $(STAMPS)/node $(CONSOLE_SOURCES)
	@echo "Console: $(STATIC)"
	@cd console && npm run --silent build -- --logLevel warn
