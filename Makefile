# make help says what there is to do. Everything runs in .venv, which is made when it is missing.
PROFILE ?= sample
DATA ?=
WEIGHTS ?=
ONLY ?=
CORES ?= 2
ONLY_RUNS ?=
OVERRIDES ?=
PYTHON ?= python3
CONSTRAINTS ?=

BIN := .venv/bin
INSTALLED := .venv/.installed
SNAKEMAKE_OPTIONS ?= --quiet all
# Of `make runs`: jobs of one GPU each, and Snakemake's own options, such as an executor.
GPUS ?= 1
RUNS_OPTIONS ?=
# Only what decides a notebook's result may make it run again: which notebooks were asked for does not (hence
# no `input` trigger). A killed call leaves no lock behind: each notebook is guarded by a lock of its own.
SNAKEMAKE := $(BIN)/snakemake --snakefile notebooks/Snakefile --cores all --resources notebooks=$(CORES) \
	--rerun-triggers mtime params code --keep-going --rerun-incomplete --nolock $(SNAKEMAKE_OPTIONS)

.DEFAULT_GOAL := help
.PHONY: help report runs test test-browser bench lab lock clean

help: ## this list
	@echo "make TARGET [VARIABLE=value ...]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PROFILE    which set of experiments: $(basename $(notdir $(wildcard notebooks/profiles/*.yaml))) (now: $(PROFILE))"
	@echo "  DATA       the data set's folder (default: data/<data set>)"
	@echo "  WEIGHTS    a local encoder state_dict, in place of the ImageNet download"
	@echo "  ONLY       notebooks to run, e.g. ONLY=\"01_data_exploration 04_unet\" or ONLY=\"01 04\" (default: all)"
	@echo "  ONLY_RUNS  runs that 'make runs' trains, e.g. ONLY_RUNS=\"unet fcn8s\" (default: all that are missing)"
	@echo "  CORES      how many notebooks or runs are made at once; notebooks share the processor's threads (now: $(CORES))"
	@echo "  GPUS       how many GPUs 'make runs' may use, a run on each (now: $(GPUS))"
	@echo "  RUNS_OPTIONS  Snakemake's own options for 'make runs', such as a cluster's executor (see README.md)"
	@echo "  OVERRIDES  settings for every run or for one, e.g. OVERRIDES=\"epochs=3 unet:batch_size=4\""
	@echo "  CONSTRAINTS  versions that .venv is made with: constraints.txt names those that are known to work (default: the newest)"
	@echo "  PYTHON     the Python 3.11 or newer that makes .venv (now: $(PYTHON))"

report: $(INSTALLED) ## run the notebooks that are out of date and publish reports/PROFILE/index.html
	@$(SNAKEMAKE) --config "profile=$(PROFILE)" "data=$(DATA)" "weights=$(WEIGHTS)" "only=$(ONLY)" \
		"overrides=$(OVERRIDES)" "parallel=$(CORES)"
	@echo "Up to date: reports/$(basename $(notdir $(PROFILE)))/index.html"

runs: $(INSTALLED) ## train the runs that the profile lacks, CORES at once, a thread each; go on with what was stopped
	@$(BIN)/snakemake --snakefile notebooks/runs.smk --cores $(CORES) --resources gpus=$(GPUS) --keep-going \
		--rerun-incomplete --nolock --quiet all $(RUNS_OPTIONS) --config "profile=$(PROFILE)" "data=$(DATA)" \
		"weights=$(WEIGHTS)" "only=$(ONLY_RUNS)" "overrides=$(OVERRIDES)"

test: $(INSTALLED) ## check layout, lint and types, and test the helpers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-browser: $(INSTALLED) ## open every page of reports/ in Chromium: loads nothing, fits a phone, axe-core finds nothing serious
	$(BIN)/python -m pip install --quiet --editable '.[test,browser]'
	$(BIN)/python -m pytest tests/browser

bench: $(INSTALLED) ## time training steps, loading and prediction on this machine: reports/bench/00_speed.html
	$(BIN)/seg report notebooks/bench/00_speed.ipynb --profile notebooks/bench/bench.yaml

lab: $(INSTALLED) ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks

clean: ## remove what tools left behind; data, reports, runs and .venv stay
	rm -rf .snakemake .pytest_cache .ruff_cache build reports/*/.work
	rm -f reports/*/*.failed.ipynb
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +

lock: $(INSTALLED) ## write the versions that .venv holds to constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable > constraints.txt

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: $(PYTHON) is not Python 3.11 or newer: name one that is, e.g. make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --editable '.[test]' $(addprefix --constraint ,$(CONSTRAINTS))
	@touch $@
