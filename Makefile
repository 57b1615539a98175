# The commands of every day. `make demo` and `make test` need Python >= 3.11, make and git only.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo demo-paper test test-long test-fast test-slurm test-browser test-torch211 abuse status check format bench bench-gpu dag

# One set-up for all: the stamp is newer than the lock, so a second run installs nothing.
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("make: Python %d.%d found, 3.11 or newer is needed; name one: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

setup: $(VENV)/ready

# The demo: simulated raw files -> six trained streams -> three tables.
TABLES := $(foreach n,2 4 6,results/demo_xsub_$(n)ens.csv)

demo: $(VENV)/ready
	$(BIN)/snakemake --cores all --quiet rules --rerun-incomplete $(TABLES)
	@echo; echo "Six streams of the demo, fused (results/demo_xsub_6ens.csv):"
	@cut -d, -f1-6,9,10 results/demo_xsub_6ens.csv | column -s, -t 2>/dev/null || cat results/demo_xsub_6ens.csv
	@echo "low and high: the 95 % interval of top1 over clips."
	@echo; echo "Tables: $(TABLES)"
	@echo "Networks, histories and scores of each stream: results/runs/demo/xsub/protogcn/"

# The demo's tables, figures and results page.
demo-paper: $(VENV)/ready
	$(BIN)/snakemake --cores all --quiet rules --rerun-incomplete demo_paper
	@echo; echo "Open results/report.html in a browser. A topology and a moving clip are beside the runs and the data: docs/figures.md."

test: $(VENV)/ready
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not long and not slurm and not browser and not abuse"

# What takes minutes more: killed and shared trainings, whole runs of further configs.
test-long: $(VENV)/ready
	$(BIN)/pytest --numprocesses auto -m long

test-fast: $(VENV)/ready
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder -m "not slow and not long and not slurm and not browser and not abuse"

# Jobs through a Slurm of the tests' own, with every fault. Needs Linux, root, and Debian's packages
# munge slurmctld slurmd slurm-client (make puts nothing on your system).
test-slurm: $(VENV)/ready
	$(BIN)/pytest tests/slurm --all-faults

# The results page in a real browser. Needs Debian's chromium; playwright drives it.
test-browser: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check playwright==1.65.2
	$(BIN)/pytest tests/browser

# Faults on purpose: kills, full disks, flipped bits, files of attackers (tests/abuse,
# docs/reliability.md). TIER=push takes two minutes, nightly 41, release hours; FAMILY=f05
# runs one; PUBLISH=1 writes the table of docs/reliability.md.
TIER ?= push
abuse: $(VENV)/ready
	$(BIN)/pytest $(if $(FAMILY),$(wildcard tests/abuse/test_$(FAMILY)_*.py),tests/abuse) \
	  --numprocesses auto --dist loadfile --tier $(TIER) $(if $(PUBLISH),--publish)

# The networks on the torch that some GPU machines have; a second environment of several gigabytes.
OLDER := .venv-torch211
test-torch211:
	test -x $(OLDER)/bin/python || $(PYTHON) -m venv $(OLDER)
	grep -v '^torch==' requirements.lock > $(OLDER)/requirements.txt
	$(OLDER)/bin/pip install --quiet --disable-pip-version-check torch==2.11.0 --requirement $(OLDER)/requirements.txt
	$(OLDER)/bin/python -m pytest tests/unit/models tests/unit/training tests/benchmarks -m "not long"

# Where every run stands, also while they train; FOLLOW=1 looks again and again. TARGET, CONFIG (files
# on top) and DIRECTORY can be left out:
# make status FOLLOW=1 TARGET=results/mine_xsub_6ens.csv CONFIG=mine.yaml DIRECTORY=/scratch/mine
status: $(VENV)/ready
	@$(BIN)/python -m protogcn status $(if $(TARGET),--target $(TARGET)) \
	  $(if $(CONFIG),--configfile $(CONFIG)) $(if $(DIRECTORY),--directory $(DIRECTORY)) \
	  $(if $(FOLLOW),--follow)

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/python -m tests.repository.lint

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

bench: $(VENV)/ready
	$(BIN)/python -m benchmarks

# On a machine with a GPU; needs torch, numpy, pandas and PyYAML, and no set-up. The same without
# make: python3 -m benchmarks.gpu --help
bench-gpu:
	$(PYTHON) -m benchmarks.gpu

# The picture of the job graph in the README.
dag: $(VENV)/ready
	$(BIN)/python docs/dag.py docs/dag.svg
