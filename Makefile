SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && echo $$python && break; done)
SOURCES := gateway clients tests protos
# What is decided without I/O, or holds the only locks, is tested branch by branch.
DECIDING := gateway/core/*,gateway/routing/*,gateway/learning/*,gateway/policies/*,gateway/state/*,gateway/validation/*
BUF := --config protos/buf.yaml --path ensemble

.PHONY: fuzz test-plane-b interop typescript browser browser-tools bubblewrap conformance soak demo docs eval help setup check check-style check-types check-imports check-protos check-house test bench bench-checks bench-routing bench-policies bench-telemetry bench-jobs bench-cache bench-doors bench-loadtest bench-long latency screenshots format \
	proto proto-baseline constraints clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.done ## make the project's .venv with the pinned packages

.venv/.done: constraints.txt pyproject.toml clients/python/pyproject.toml clients/loadtest/pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.13 is needed; set PYTHON=" >&2; exit 1; }
	$(PYTHON) -c '$(SUPPORTED)' || { echo "Python 3.11 to 3.13 is needed; set PYTHON=" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e clients/python -e clients/loadtest -e .
	touch $@

check: check-style check-types check-imports check-protos check-house ## format, lint, types, import contracts, protos, house rules

check-style: setup
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

check-types: setup
	$(BIN)/basedpyright

check-imports: setup
	$(BIN)/lint-imports --no-cache

check-protos: setup
	$(BIN)/python protos/generate.py --check
	$(BIN)/buf format protos --diff --exit-code
	$(BIN)/buf lint build/protos/image.binpb $(BUF)
	$(BIN)/buf breaking build/protos/contract.binpb --against protos/baseline.binpb $(BUF)

check-house: setup
	$(BIN)/pip check --disable-pip-version-check
	$(BIN)/towncrier build --draft --version next >/dev/null
	$(BIN)/pytest tests/house -q -n 2

# The sandbox is Debian's package: installed where that is possible, else its tests skip.
bubblewrap:
	@command -v bwrap >/dev/null || (apt-get install -y -qq bubblewrap || (apt-get update -qq && apt-get install -y -qq bubblewrap)) >/dev/null 2>&1 || echo "bubblewrap is not installed: tests of the sandbox are skipped" >&2

# Playwright drives Debian's Chromium and brings none of its own; axe-core is a script for the page.
AXE := build/axe/node_modules/axe-core/axe.min.js
browser-tools: setup $(AXE)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints-browser.txt
	@command -v chromium >/dev/null || (apt-get install -y -qq chromium || (apt-get update -qq && apt-get install -y -qq chromium)) >/dev/null 2>&1 || { echo "chromium cannot be installed" >&2; exit 1; }

$(AXE):
	npm install --prefix build/axe --no-save --ignore-scripts --no-audit --no-fund --silent axe-core@4.14.1

browser: browser-tools ## the dashboard in a headless Chromium: live updates, filters, keyboard, accessibility
	$(BIN)/pytest tests/browser

screenshots: browser-tools ## a picture of each view of the dashboard into build/screenshots/; README=1 renews that of the README
	$(BIN)/python -m tests.browser.screenshots $(if $(README),--readme)

# Diagrams are drawn by Mermaid, served with the site: nothing is loaded when a page is read.
MERMAID := build/mermaid/package/dist/mermaid.min.js
docs: setup $(MERMAID) ## the documentation's site into build/site; strict, and it works without a network
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints-docs.txt
	rm -rf build/site
	$(BIN)/zensical build --config-file mkdocs.yml --strict --clean
	cp $(MERMAID) build/site/assets/
	$(BIN)/python docs/check_site.py build/site

$(MERMAID):
	mkdir -p build/mermaid
	npm pack --silent --pack-destination build/mermaid mermaid@12.3.0 >/dev/null
	tar -xzf build/mermaid/mermaid-12.3.0.tgz -C build/mermaid package/dist/mermaid.min.js
	echo "336df803d87a38b70a01e736e666c8f7601d2ce42f5e47c8fafe5d721074b9a3  $@" | sha256sum --check --quiet || { rm $@; exit 1; }

# On both processors; the rules of the house are in `check`.
test: setup bubblewrap ## run the suite with coverage
	$(BIN)/pytest -n 2 --dist loadfile --ignore tests/house --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/coverage report --include='$(DECIDING)' --fail-under=100

# The same tests of a gateway under callers, on our own HTTP/2 engine.
test-plane-b: setup ## the tests of a gateway's services again, carried by plane B
	PLANE=h2 $(BIN)/pytest -n 2 --dist loadfile tests/component -k "test_gateway or test_reliability or test_result_cache or test_sdk or test_previous"

FUZZ ?= 180
fuzz: setup ## fuzz the HTTP/2 engine, FUZZ seconds for each of three targets (180)
	test -x build/fuzz/venv/bin/python || $(PYTHON) -m venv build/fuzz/venv
	build/fuzz/venv/bin/pip install --quiet --disable-pip-version-check atheris==3.0.0 hpack==4.2.0
	for target in server client hpack; do mkdir -p build/fuzz/$$target && PYTHONPATH=. build/fuzz/venv/bin/python tests/fuzz/h2_$$target.py -max_total_time=$(FUZZ) -max_len=4096 build/fuzz/$$target tests/fuzz/seeds/h2_$$target || exit 1; done

bench: setup ## the performance suite: ratios to a naive proxy, bars; JSON under build/bench/
	$(BIN)/python -m tests.load.bench

bench-policies: setup ## microseconds of each policy on the healthy way, beside its bar
	$(BIN)/python -m tests.load.policies

bench-checks: setup ## microseconds of the checks of one candidate and of a pipeline's steps, beside their bars
	$(BIN)/python -m tests.load.checks
	$(BIN)/python -m tests.load.pipelines

bench-routing: setup ## milliseconds of a routing decision, of layers that wait, and of recording, beside their bars
	$(BIN)/python -m tests.load.decisions
	$(BIN)/python -m tests.load.matching
	$(BIN)/python -m tests.load.recording

bench-cache: setup ## microseconds of a hit of the result cache, its hit rate and its memory, beside their bars
	$(BIN)/python -m tests.load.cache

bench-telemetry: setup ## microseconds that a request pays for metrics and spans, milliseconds of a dashboard, beside their bars
	$(BIN)/python -m tests.load.telemetry
	$(BIN)/python -m tests.load.overview

bench-jobs: setup ## milliseconds of commands to jobs, and what being a job costs, beside their bars
	$(BIN)/python -m tests.load.jobs

bench-doors: setup ## microseconds that a request pays for coming in by HTTP, beside their bar
	$(BIN)/python -m tests.load.doors

bench-loadtest: setup ## what one process of the load harness sends, and its percentiles beside those of h2load
	@command -v h2load >/dev/null || (apt-get install -y -qq nghttp2-client || (apt-get update -qq && apt-get install -y -qq nghttp2-client)) >/dev/null 2>&1 || true
	$(BIN)/python -m tests.load.agreement

bench-long: setup ## memory growth over 200,000 calls
	$(BIN)/python -m tests.load.bench --long

conformance: setup ## the reliability suite: servers that hang, cut, lie and die; fails on a missed bar
	$(BIN)/python -m tests.conformance

interop: setup ## real servers and clients of others, each in an environment of its own; PEER=name runs one
	$(BIN)/python -m tests.interop $(PEER)

typescript: setup ## generate and compile the TypeScript client; run its examples and its rules (needs Node.js)
	$(BIN)/python -m tests.interop typescript

SOAK ?= 600
soak: setup ## mixed traffic with faults for SOAK seconds (600); memory, files, tasks and streams stay flat
	$(BIN)/python -m tests.soak --seconds $(SOAK)

latency: setup ## the time from a caller's leaving, or a deadline, to its effect; fails on a missed bar
	$(BIN)/python -m tests.load.latency

eval: setup bubblewrap ## quality on recorded real data, one table, JSON under build/eval/; PART=name runs one part
	$(BIN)/python -m tests.eval $(PART:%=--part %)

demo: setup bubblewrap ## fill real holes with three model servers, one of which is killed half way
	$(BIN)/ensemble demo

format: setup ## format the sources and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/buf format protos --write

proto: setup ## regenerate the stubs and the validation rules
	$(BIN)/python protos/generate.py

proto-baseline: proto ## make today's contract the one that must not break
	cp build/protos/contract.binpb protos/baseline.binpb

constraints: setup ## renew the constraints files from the pyproject files; UPGRADE=--upgrade takes newer versions
	$(BIN)/uv pip compile pyproject.toml --all-extras --group pyproject.toml:dev --constraint constraints.in \
		--universal --python-version 3.11 --generate-hashes --no-emit-package ensemble-client --no-emit-package ensemble-loadtest \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
		--output-file constraints.txt $(UPGRADE)
	$(BIN)/uv pip compile --group pyproject.toml:browser --constraint constraints.txt \
		--universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
		--output-file constraints-browser.txt $(UPGRADE)
	$(BIN)/uv pip compile --group pyproject.toml:docs --constraint constraints.txt \
		--universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
		--output-file constraints-docs.txt $(UPGRADE)

clean: ## remove what was built, not the .venv
	rm -rf build dist .cache .coverage .hypothesis .pytest_cache .ruff_cache .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
