# Everything a developer does. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
KAFKA_LIBS := .cache/kafka/libs
# Set to read coverage of less than everything, or to choose tests: make test ARGS="-k fold"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-kafka check format derive bench-quick lock clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

$(INSTALLED): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Say: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## Place two emulated calls and watch their callbacks become events
	@$(BIN)/callback-bridge demo

dev: $(INSTALLED) ## Run the bridge on an embedded broker until Ctrl-C
	@$(BIN)/callback-bridge dev

test: $(INSTALLED) ## Run the tests, on the embedded broker
	@$(BIN)/python -m pytest -m "not kafka" $(ARGS)
	@echo "Tests for Apache Kafka were left out: run them with 'make test-kafka' (needs Java 17 and Maven, or BRIDGE_KAFKA_BOOTSTRAP_SERVERS)."

$(KAFKA_LIBS)/.copied: tests/kafka/pom.xml
	@echo "Getting Apache Kafka with Maven (once) ..."
	@mkdir -p $(KAFKA_LIBS)
	@mvn -B -q -f tests/kafka/pom.xml -Dlibs.dir=$(CURDIR)/$(KAFKA_LIBS) dependency:copy-dependencies
	@touch $@

test-kafka: $(INSTALLED) $(if $(BRIDGE_KAFKA_BOOTSTRAP_SERVERS),,$(KAFKA_LIBS)/.copied) ## Run the tests for Apache Kafka, on a broker they start
	@BRIDGE_TEST_KAFKA_LIBS=$(CURDIR)/$(KAFKA_LIBS) $(BIN)/python -m pytest -m kafka $(ARGS)

check: $(INSTALLED) ## Lint, types, import contracts, derived files, coverage
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m bridge.derived --check
	@$(BIN)/check-jsonschema --check-metaschema $$(find schemas -name '*.json' -not -path '*/examples/*' -not -name released.json)
	@$(BIN)/python -m pytest -q -m "not kafka" --cov --cov-report=term --cov-report=json:.cache/coverage.json
	@$(BIN)/python tests/coverage_floor.py .cache/coverage.json

format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

derive: $(INSTALLED) ## Write what follows from the declarations: schemas, examples, reference pages
	@$(BIN)/python -m bridge.derived

bench-quick: $(INSTALLED) ## CPU per callback against a plain Starlette route, in one run
	@$(BIN)/python -m tests.bench.quick

lock: $(INSTALLED) ## Lock the requirements anew, with hashes
	@$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade -o requirements/run.txt
	@$(BIN)/uv pip compile -q pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --upgrade -c requirements/run.txt -o requirements/dev.txt

clean: ## Remove what the targets above made
	@rm -rf $(VENV) .cache .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
