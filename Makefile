# make demo   a synthetic county, the main job on it, and the pages at http://127.0.0.1:8000
# make test   the tests
# Data go to DOUDI_HOME (default var/; as root /var/lib/doudi). ARGS="..." is handed on to the command.

# The first of these that runs and is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=

.PHONY: setup demo demo-reset test test-faults test-law test-spdci test-spark test-spark-short spark-packages lint types migrations-check messages e2e e2e-exits bench bench-packages bench-load load bench-short bench-province lock clean

setup: $(READY)

$(READY): requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	@$(BIN)/doudi demo $(ARGS)

demo-reset: setup
	@$(BIN)/doudi demo --reset $(ARGS)

test: setup
	$(BIN)/python -m pytest $(ARGS)

# The law alone: its wheel in an empty environment, its tests, its web API.
test-law: setup
	$(BIN)/python tests/law/alone.py $(ARGS)

# The public compliance suite of the SPDCI standard against a server of its own. SUITE: a clone of OpenSPP/spdci-compliance after `npm ci --ignore-scripts` (Node 20).
test-spdci: setup
	@test -n "$(SUITE)" || { echo "Name the suite: make test-spdci SUITE=/path/to/spdci-compliance"; exit 2; }
	$(BIN)/python tests/spdci/suite.py $(SUITE) $(ARGS)

# Kills, full disks, a moved clock, a lost data folder, on a demo of its own (DOUDI_FAULTS_HOME keeps it between runs). Full disks need root.
# ARGS=--short: one kill, one full disk, one restore; --demo FOLDER: a demo's data folder that is there already.
test-faults: setup
	$(BIN)/python -m pytest tests/faults -o python_files='faults_*.py' -o pythonpath='src tests/faults' $(ARGS)

# The same declarations and the same law on Spark; needs Java 17. The short form, in this process, holds both engines' leads over all files of the county
# against each other, and their amounts; the other runs on a master and two workers of its own, one of which is killed in the middle of the law,
# of the comparison and of the linkage.
SPARK_LAW = src/doudi/batch/law/tests/test_spread.py src/doudi/assessment/tests/test_what_if.py
spark-packages: setup
	@command -v java >/dev/null || { echo "Java 17 is needed for Spark"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock

test-spark-short: spark-packages
	DOUDI_SPARK_PARTITIONS=2 $(BIN)/python -m pytest src/doudi/discovery/tests/test_engines.py $(SPARK_LAW) -k "spark or engine" $(ARGS)

test-spark: test-spark-short
	DOUDI_SPARK_PARTITIONS=2 DOUDI_BATCH_ENGINE=spark $(BIN)/python -m pytest src/doudi/batch/tests/test_compare.py $(ARGS)
	DOUDI_SPARK_PARTITIONS=2 $(BIN)/python tests/spark/cluster.py $(BIN)/python -m pytest src/doudi/discovery/tests/test_engines.py $(SPARK_LAW) -k "spark or engine" $(ARGS)
	$(BIN)/python -m pytest tests/spark -o python_files='spark_*.py' -o pythonpath='src tests/spark' $(ARGS)

lint: setup migrations-check types
	$(BIN)/ruff check .
	$(BIN)/python tools/messages.py --check

types: setup
	$(BIN)/mypy src/doudi src/openfisca_henan

migrations-check: setup
	$(BIN)/python -W ignore::RuntimeWarning -m django makemigrations --check --dry-run --settings doudi.config.settings

# English texts of the pages; needs GNU gettext.
messages: setup
	$(BIN)/python tools/messages.py

e2e: setup
	$(BIN)/python tests/e2e/walks.py $(ARGS)

# Exits over seven simulated months, on a demo of their own.
e2e-exits: setup
	$(BIN)/python tests/e2e/monitoring.py $(ARGS)

# All benchmarks at small sizes, with how the cost grows; the results are written into docs/performance.md.
bench: bench-packages
	$(BIN)/python bench/suite.py --json bench/results/small.json --page docs/performance.md $(ARGS)

# Locust, which only the load of officers and visitors needs.
bench-packages: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.lock

# 50 officers, 500 visitors and 55 citizens at once on loopback, two minutes, on a demo of its own (ARGS="--home FOLDER" keeps it).
bench-load: bench-packages
	$(BIN)/python bench/mixed.py $(ARGS)

# Load of the public pages: 200 requests a second on loopback for 30 seconds.
load: setup
	$(BIN)/python bench/portal.py $(ARGS)

bench-province: bench-packages
	$(BIN)/python bench/suite.py --province --json bench/results/province.json --page docs/performance.md $(ARGS)

bench-short: setup
	$(BIN)/python bench/suite.py --short $(ARGS)

# Needs uv; the locks agree with each other and name no package index.
LOCK = echo 'setuptools>=77' | uv pip compile --quiet pyproject.toml - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate $(ARGS)
lock:
	$(LOCK) -o requirements.lock >/dev/null
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock >/dev/null
	$(LOCK) --extra spark -c requirements-dev.lock -o requirements-spark.lock >/dev/null
	$(LOCK) --extra bench -c requirements-dev.lock -o requirements-bench.lock >/dev/null

clean:
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis
