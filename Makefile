# Social CEM: `make` lists what there is.
#
# For GNU make 3.81 or newer and any POSIX shell. Every target sets up what it needs: the packages of requirements.lock,
# checked by their hashes, in .venv. Nothing else on the machine is changed. The second time costs nothing.
#
#   make test ARGS="-k codec"     ARGS are passed on
#   make setup PYTHON=python3.12  a Python of your choice instead of the newest

PYTHON :=
ARGS :=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done
BENCH := $(VENV)-bench
BENCH_STAMP := $(BENCH)/.setup-done
LOCK := pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --quiet
CACHES := .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.DEFAULT_GOAL := help
.SILENT:
.SUFFIXES:
.PHONY: help setup demo test test-fast check laws simulate torture bench evaluate compiled schemas lock wheel clean

say = printf '==> %s\n'

help:  ## List what there is
	if [ -t 1 ] && [ -z "$$NO_COLOR" ]; then on=$$(printf '\033[1;36m') off=$$(printf '\033[0m'); fi; \
	awk -F ':.*## ' -v on="$$on" -v off="$$off" \
		'/^[a-z-]+:.*## / { printf "  %s%-10s%s %s\n", on, $$1, off, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)  ## Install everything that is needed into .venv
	$(say) "$(VENV) is ready"

demo: $(STAMP)  ## Start the whole service on this machine, play a scenario into it, show the alerts
	$(BIN)/cem demo $(ARGS)

test: $(STAMP)  ## Run all tests; those that need a Kafka start one
	$(say) "All tests, two files at a time"
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

test-fast: $(STAMP)  ## Run the tests that need no Kafka
	$(say) "The tests that need no Kafka"
	$(BIN)/python -m pytest -m "not broker" $(ARGS)

check: $(STAMP)  ## Run what CI runs: linters, types, import contracts, made documents, all tests
	$(say) "Style (ruff)"
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(say) "Types (mypy)"
	$(BIN)/mypy
	$(say) "Import contracts"
	$(BIN)/lint-imports
	$(say) "Documents made from the code"
	$(BIN)/python -m schemas.documents --check
	$(BIN)/python -m agents.reference --check
	$(BIN)/python -m deploy.grafana.make --check
	$(MAKE) --no-print-directory test

laws: $(STAMP)  ## Look for what breaks a law, with other random examples each time
	$(BIN)/python -m pytest tests/property --hypothesis-profile=search $(ARGS)

simulate: $(STAMP)  ## Let a model of Kafka and of the workers go wrong in 100,000 seeded ways; ARGS="--seeds N"
	$(BIN)/python -m tests.simulation $(or $(ARGS),--seeds 100000)

torture: $(STAMP)  ## Kill, stop and starve workers and brokers, over half an hour; the summary is build/torture.json
	$(BIN)/python -m tests.torture $(ARGS)

bench: $(BENCH_STAMP)  ## Measure the speed, beside rivals, half an hour and more; ARGS=--quick for a short form
	$(BENCH)/bin/python -m tests.benchmarks $(ARGS)

evaluate: $(STAMP)  ## Measure how good understanding is, on the labelled data beside the project; ARGS=--json
	$(BIN)/python -m tests.evaluation $(ARGS)

compiled: $(STAMP)  ## Compile what understands texts into build/compiled, and compare; needs a C compiler
	$(BIN)/python deploy/compiled.py
	$(BIN)/python -m pytest tests/unit/test_compiled.py

schemas: $(STAMP)  ## Make the JSON Schemas, the AsyncAPI document, the reference and the dashboards anew
	$(BIN)/python -m schemas.documents
	$(BIN)/python -m agents.reference
	$(BIN)/python -m deploy.grafana.make

lock: $(STAMP)  ## Resolve the lock files anew; ARGS=--upgrade takes the newest of everything
	$(say) "requirements.lock (everything), -run.lock (what the service needs to run), -bench.lock (that, and rivals)"
	$(BIN)/uv $(LOCK) --custom-compile-command "make lock" $(ARGS) --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv $(LOCK) --custom-compile-command "make lock" -c requirements.lock pyproject.toml -o requirements-run.lock
	$(BIN)/uv $(LOCK) --custom-compile-command "make lock" -c requirements.lock $(ARGS) --group bench pyproject.toml \
		-o requirements-bench.lock

wheel: $(STAMP)  ## Build the wheel into dist/
	$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --out-dir dist

clean:  ## Remove caches and built files; .venv stays
	rm -rf $(CACHES) build dist *.egg-info
	find . -name '$(VENV)*' -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# The stamp says which folder .venv was made for. Set up again where that is another one (a checkout that was copied or
# moved), where a set-up did not finish, and where .venv's Python is gone.
ifneq ($(shell test -x $(BIN)/python && cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

$(STAMP): requirements.lock pyproject.toml Makefile
	rm -f $(STAMP)
	$(make_venv)
	$(get_uv); \
	$(say) "Installing the packages of requirements.lock"; \
	$$uv pip sync --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	printf '%s\n' "$(CURDIR)" > $(STAMP)

# Beside .venv, with its Python: the rivals' packages are nobody else's business. Made anew whenever they change.
ifneq ($(shell test -x $(BENCH)/bin/python && cat $(BENCH_STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(BENCH_STAMP)
endif

$(BENCH_STAMP): requirements-bench.lock | $(STAMP)
	rm -rf $(BENCH)
	$(say) "Installing the packages of requirements-bench.lock into $(BENCH)"
	$(BIN)/uv venv --quiet --python $(BIN)/python $(BENCH)
	$(BIN)/uv pip sync --quiet --python $(BENCH)/bin/python --require-hashes requirements-bench.lock
	printf '%s\n' "$(CURDIR)" > $(BENCH_STAMP)

pythons = $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
enough = 'import sys; sys.exit(sys.version_info < (3, 11))'

# Keeps a .venv that was made here. Where uv is on the PATH, .venv needs no pip.
define make_venv
	if $(BIN)/python -c $(enough) 2>/dev/null && grep -qF "$(CURDIR)/$(VENV)" $(BIN)/activate; then exit 0; fi; \
	for python in $(pythons) ""; do \
		if [ -n "$$python" ] && "$$python" -c $(enough) 2>/dev/null; then break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer here (tried $(pythons)). Install one, or name one:" \
			"make setup PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if uv --version >/dev/null 2>&1; then without="--without-pip"; \
	elif "$$python" -c 'import ensurepip' 2>/dev/null; then without=""; \
	else \
		echo "$$python cannot make virtual environments (it has no ensurepip). On Debian and Ubuntu:" \
			"apt-get install python3-venv; or install uv" >&2; \
		exit 1; \
	fi; \
	$(say) "Making $(VENV) with $$("$$python" --version)"; \
	rm -rf $(VENV); \
	"$$python" -m venv $$without $(VENV)
endef

# Sets $uv: that of .venv, else that on the PATH, else the one of the lock file, fetched with pip.
define get_uv
	uv=$(BIN)/uv; \
	if [ ! -x $$uv ] && uv --version >/dev/null 2>&1; then uv=uv; fi; \
	if [ $$uv = $(BIN)/uv ] && [ ! -x $$uv ]; then \
		$(say) "Fetching uv"; \
		sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.lock || exit 1; \
	fi
endef
