# Everything a developer does. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# `make demo` needs less than the tests do. What `make test` has installed is enough for it.
DEMO_INSTALLED := $(if $(wildcard $(INSTALLED)),$(INSTALLED),$(VENV)/.installed-demo)
KAFKA_LIBS := .cache/kafka/libs
GO_BRIDGE := .cache/bench/go-bridge
NODE_MODULES := tests/node/node_modules
RELEASE_TOOLS := .cache/release
TOOLS := .cache/tools
# The tests that need no more than the packages: `make test` runs those that stay in one process,
# `make test-system` those that start processes or wait for real time.
PACKAGES_ONLY := not kafka and not chaos and not node and not proxy and not chart and not cluster and not image
QUICK := not system and $(PACKAGES_ONLY)
SYSTEM := system and $(PACKAGES_ONLY)
# Extras are kept. An older pip that finds only `coverage` here takes the newest for `coverage[toml]`, which
# has no hash here, so it fails as soon as there is a newer release.
LOCKED := --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-annotate --no-header --upgrade
BUILD_REQUIRES := $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")'
# Set to measure coverage too, which takes twice as long. `make test` starts a new measurement and
# `make test-system` adds to it, because the floor holds for both together.
COVERAGE ?=
# Tests run file by file on as many cores as there are, and no more than four. Set to nothing to run
# them one after the other, which is quicker for a few.
PARALLEL ?= --numprocesses=auto --maxprocesses=4 --dist=loadfile
# A container may forbid Python to write bytecode. Then each of the hundreds of processes that tests start
# would compile the bridge again, which takes longer than its start.
unexport PYTHONDONTWRITEBYTECODE
# Set to choose tests, or options of `dev`: make test PARALLEL= ARGS="-k fold", make dev ARGS="--port 8082"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-system test-kafka test-proxies test-chaos hostile audit test-chart test-cluster test-image test-node tools check lint coverage-floor chaos image chart-snapshots format derive schema-pack bench bench-situations bench-micro bench-profile bench-quick bench-worst bench-spool bench-replay bench-emulator bench-forward fuzz lock clean
.PHONY: changelog pictures release

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf '  %-15s %s\n' "$$name" "$$text"; done

# Install the packages of one requirements file, and this checkout: $(call set_up,FILE,FOR,ABOUT)
define set_up
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Use: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) for $(2): $$(grep -c == $(1)) packages (once; $(3)) ..."
	@begun=$$(date +%s) \
		&& $(PYTHON) -m venv $(VENV) \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . \
		&& echo "Set up in $$(($$(date +%s) - begun)) s."
	@touch $@
endef

$(INSTALLED): requirements/dev.txt pyproject.toml
	$(call set_up,$<,development,about a minute)

$(VENV)/.installed-demo: requirements/demo.txt pyproject.toml
	$(call set_up,$<,the demo,about 20 seconds)

demo: $(DEMO_INSTALLED) ## Place three emulated calls, and show what happened and what is stored
	@echo "Placing three emulated calls: about 5 seconds ..."
	@$(BIN)/callback-bridge demo

dev: $(DEMO_INSTALLED) ## Run the bridge on an embedded broker until Ctrl-C (options: ARGS="--kafka-port 0")
	@$(BIN)/callback-bridge dev $(ARGS)

test: $(INSTALLED) ## Run the quick tests, on the embedded broker (under three minutes on two cores)
	@$(BIN)/python -m pytest -m "$(QUICK)" $(PARALLEL) $(if $(COVERAGE),--cov --cov-report=) $(ARGS)
	@echo "Tests that start processes or wait for real time were left out: run them with 'make test-system' (some minutes)."
	@echo "Tests that need Node.js were left out: run them with 'make test-node' (needs Node.js 20 and npm)."
	@echo "Tests behind nginx and HAProxy were left out: run them with 'make test-proxies' (needs apt-get, to download them)."
	@echo "Tests for Apache Kafka were left out: run them with 'make test-kafka' (needs Java 17 and Maven, or BRIDGE_KAFKA_BOOTSTRAP_SERVERS)."
	@echo "Tests of the chart and the image were left out: run them with 'make test-chart test-cluster test-image' (the first two need Go)."

test-system: $(INSTALLED) ## Run the tests that start processes or wait for real time (some minutes)
	@$(BIN)/python -m pytest -m "$(SYSTEM)" $(PARALLEL) $(if $(COVERAGE),--cov --cov-append --cov-report=) $(ARGS)

$(KAFKA_LIBS)/.copied: tests/kafka/pom.xml
	@echo "Getting Apache Kafka with Maven (once) ..."
	@mkdir -p $(KAFKA_LIBS)
	@mvn -B -q -f tests/kafka/pom.xml -Dlibs.dir=$(CURDIR)/$(KAFKA_LIBS) dependency:copy-dependencies
	@touch $@

# One of these tests places calls with Plivo's SDK for Node; without Node.js it is skipped.
test-kafka: $(INSTALLED) $(if $(BRIDGE_KAFKA_BOOTSTRAP_SERVERS),,$(KAFKA_LIBS)/.copied) $(if $(shell command -v npm),$(NODE_MODULES)/.installed) ## Run the tests for Apache Kafka, on a broker they start
	@BRIDGE_TEST_KAFKA_LIBS=$(CURDIR)/$(KAFKA_LIBS) $(BIN)/python -m pytest -m "kafka and not chaos" $(PARALLEL) $(ARGS)

test-chaos: $(INSTALLED) $(KAFKA_LIBS)/.copied ## Run a short form of the chaos suite, on three brokers it starts (needs Java, and cc for power cuts)
	@command -v cc >/dev/null || { echo "A C compiler, cc, is needed: it builds what logs the spool's writes" >&2; exit 1; }
	@BRIDGE_TEST_KAFKA_LIBS=$(CURDIR)/$(KAFKA_LIBS) $(BIN)/python -m pytest -m chaos $(ARGS)

chaos: $(INSTALLED) $(KAFKA_LIBS)/.copied ## Break everything that can break, under load, three times (about half an hour; needs cc)
	@command -v cc >/dev/null || { echo "A C compiler, cc, is needed: it builds what logs the spool's writes" >&2; exit 1; }
	@$(BIN)/python -m tests.chaos.power_cut
	@$(BIN)/python -m tests.chaos --seeds 3 $(ARGS)

hostile: $(INSTALLED) ## Send hostile traffic of every kind beside genuine callbacks (about five minutes)
	@$(BIN)/python -m tests.hostile --docs $(ARGS)

$(TOOLS)/.built: deploy/tools/build deploy/tools/go.mod deploy/tools/go.sum
	@echo "Building helm, helm-unittest and kubeconform (once) ..."
	@deploy/tools/build $(TOOLS)
	@touch $@

$(TOOLS)/.cluster: deploy/tools/build deploy/tools/go.mod deploy/tools/go.sum $(wildcard deploy/tools/kubebox/*.go)
	@echo "Building a Kubernetes cluster (once; some minutes) ..."
	@deploy/tools/build $(TOOLS) --cluster
	@touch $@

$(TOOLS)/promtool: deploy/tools/promtool
	@deploy/tools/promtool $(TOOLS)

tools: $(TOOLS)/.built $(TOOLS)/.cluster ## Build what the chart is tested with: helm, a Kubernetes API server (needs Go)

test-chart: $(INSTALLED) $(TOOLS)/.built $(TOOLS)/promtool ## Render, lint and validate the chart and its alerts (needs Go)
	@$(BIN)/python -m pytest -m chart $(PARALLEL) $(ARGS)

test-cluster: $(INSTALLED) $(TOOLS)/.cluster ## Install the chart on a real API server (needs Go)
	@$(BIN)/python -m pytest -m cluster $(ARGS)

$(TOOLS)/proxies/.unpacked: deploy/tools/proxies
	@echo "Unpacking nginx and HAProxy (once) ..."
	@deploy/tools/proxies $(TOOLS)/proxies

test-proxies: $(INSTALLED) $(TOOLS)/proxies/.unpacked ## Replay ambiguous requests behind nginx and HAProxy (needs apt-get)
	@$(BIN)/python -m pytest -m proxy $(ARGS)

test-image: $(INSTALLED) $(RELEASE_TOOLS)/.installed ## Test the steps of image and release; build and run the image where there is an engine and a base
	@$(BIN)/python -m pytest -m image $(ARGS)

image: ## Build the image with docker, podman or buildah (BASE=... names another base image)
	@deploy/image/build $(TAG)

chart-snapshots: $(INSTALLED) $(TOOLS)/.built ## Write the snapshots that the chart's examples are compared with
	@$(BIN)/python -m tests.chart.snapshot

$(NODE_MODULES)/.installed: tests/node/package.json tests/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is needed, with Node.js 20 or newer" >&2; exit 1; }
	@echo "Getting the packages of tests/node with npm (once) ..."
	@cd tests/node && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

test-node: $(INSTALLED) $(NODE_MODULES)/.installed ## Run the tests that need Node.js: AsyncAPI, TypeScript, ajv, the CloudEvents SDK
	@$(BIN)/python -m pytest -m "node and not kafka" $(ARGS)

check: lint ## Everything lint does, and the tests with their coverage
	@$(MAKE) --no-print-directory test COVERAGE=yes ARGS=-q
	@$(MAKE) --no-print-directory test-system COVERAGE=yes ARGS=-q
	@$(MAKE) --no-print-directory coverage-floor

coverage-floor: $(INSTALLED) ## Check the coverage of `make test test-system COVERAGE=yes` against the floor
	@mkdir -p .cache
	@$(BIN)/coverage report
	@$(BIN)/coverage json --quiet -o .cache/coverage.json
	@$(BIN)/python tests/coverage_floor.py .cache/coverage.json

lint: $(INSTALLED) ## Lint, types, import contracts, derived files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy --config-file tests/mypy.ini
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m bridge.derived --check
	@$(BIN)/python -m bridge.emulator.reference --check
	@$(BIN)/python -m bridge.originate.reference --check
	@$(BIN)/python deploy/helm/derive_chart.py --check
	@$(BIN)/python docs/pictures/derive_rooms.py --check
	@$(BIN)/check-jsonschema --check-metaschema schemas/scenario.json schemas/make-a-call.json $$(find schemas -mindepth 2 -name '*.json' -not -path '*/examples/*')

format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

derive: $(INSTALLED) ## Derive schemas, examples and reference pages from the declarations
	@$(BIN)/python -m bridge.derived
	@$(BIN)/python -m bridge.emulator.reference
	@$(BIN)/python -m bridge.originate.reference
	@$(BIN)/python deploy/helm/derive_chart.py
	@$(BIN)/python docs/pictures/derive_rooms.py

$(RELEASE_TOOLS)/.installed: requirements/release.txt
	@echo "Setting up the tools of a release (once) ..."
	@$(PYTHON) -m venv $(RELEASE_TOOLS)
	@$(RELEASE_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

release: $(INSTALLED) $(RELEASE_TOOLS)/.installed ## Build a release into dist/release and publish nothing (ARGS=--complete skips nothing)
	@$(BIN)/python deploy/release/build_release.py $(ARGS)

changelog: $(RELEASE_TOOLS)/.installed ## Print what the next release changes (RELEASE=yes moves it into CHANGELOG.md)
	@$(RELEASE_TOOLS)/bin/towncrier build $(if $(RELEASE),--yes,--draft) --config changes/towncrier.toml --dir . \
		--version $$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' bridge/__init__.py)

pictures: $(NODE_MODULES)/.installed ## Render the pictures of the documentation from their text (needs Node.js 20)
	@node tests/node/pictures.mjs docs/pictures

schema-pack: $(INSTALLED) ## Write the schema pack for consumers to dist/schema-pack
	@$(BIN)/callback-bridge schemas pack --out dist/schema-pack

# Go is found on the PATH. Without it, the bridge in Go is left out of `make bench`.
$(GO_BRIDGE): tests/bench/go/main.go tests/bench/go/go.mod tests/bench/go/go.sum
	@echo "Building the bridge in Go (once) ..."
	@mkdir -p $(dir $@)
	@cd tests/bench/go && CGO_ENABLED=0 go build -trimpath -mod=readonly -o $(CURDIR)/$@ .

bench: $(INSTALLED) $(KAFKA_LIBS)/.copied $(if $(shell command -v go),$(GO_BRIDGE)) ## Measure the bridge beside its peers on Apache Kafka (about six minutes; needs Java, and Go for one peer)
	@$(BIN)/python -m tests.bench.compare $(ARGS)

bench-situations: $(INSTALLED) $(KAFKA_LIBS)/.copied ## Measure rejections, many accounts and types, an outage of Kafka, memory and the start (four minutes)
	@$(BIN)/python -m tests.bench.situations $(ARGS)

bench-micro: $(INSTALLED) ## Measure form, verify, parse, build and intake of each type, as ratios (a minute)
	@$(BIN)/python -m tests.bench.micro $(ARGS)

bench-profile: $(INSTALLED) ## Profile the bridge under load, by room and by function (half a minute)
	@$(BIN)/python -m tests.bench.profile $(ARGS)

bench-quick: $(INSTALLED) ## Measure CPU per callback against a plain Starlette route, in about a minute
	@$(BIN)/python -m tests.bench.quick $(ARGS)

bench-worst: $(INSTALLED) ## Search for the unverified request that costs most CPU (ARGS=--keep keeps it)
	@$(BIN)/python -m tests.bench.worst $(ARGS)

bench-spool: $(INSTALLED) ## Measure callbacks a second into the spool, and the disk's own fsync rate
	@$(BIN)/python -m tests.bench.spool

bench-emulator: $(INSTALLED) ## Measure CPU and memory of 1,000 emulated calls at the same time (under a minute)
	@$(BIN)/python -m tests.bench.emulator $(ARGS)

bench-forward: $(INSTALLED) $(KAFKA_LIBS)/.copied ## Measure the latency and CPU that forwarding adds to an application's own answer (a minute)
	@$(BIN)/python -m tests.bench.forward $(ARGS)

bench-replay: $(INSTALLED) $(KAFKA_LIBS)/.copied ## Measure a replay of 200,000 callbacks on three brokers, killed half way, and a bare read
	@$(BIN)/python -m tests.bench.replay $(ARGS)

audit: ## Check the locked dependencies against an advisory database, if one is reachable
	@$(PYTHON) -m requirements.audit

fuzz: $(INSTALLED) ## Mutate 200,000 callbacks through the core
	@$(BIN)/python -m tests.fuzz.mutate --count 200000 $(ARGS)

# The demo needs the packages of `dev`, and those that build the editable install of this checkout.
lock: $(INSTALLED) ## Lock the requirements again, with hashes
	@$(BIN)/uv pip compile -q $(LOCKED) pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile -q $(LOCKED) pyproject.toml --extra test -c requirements/run.txt -o requirements/dev.txt
	@$(BUILD_REQUIRES) | $(BIN)/uv pip compile -q $(LOCKED) - -c requirements/dev.txt -o requirements/build.txt
	@echo pip-audit | $(BIN)/uv pip compile -q $(LOCKED) - -o requirements/audit.txt
	@printf 'cyclonedx-bom\ntowncrier\n' | $(BIN)/uv pip compile -q $(LOCKED) - -c requirements/dev.txt -o requirements/release.txt
	@{ $(BUILD_REQUIRES); echo editables; } | $(BIN)/uv pip compile -q $(LOCKED) pyproject.toml --extra dev - -c requirements/dev.txt -o requirements/demo.txt

clean: ## Remove everything that these targets create
	@rm -rf $(VENV) .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist $(NODE_MODULES)
