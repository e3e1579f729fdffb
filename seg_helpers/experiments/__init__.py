"""Runs: asked for by configuration, made once, recorded in a folder, read from anywhere."""

# ruff: noqa: F401

from seg_helpers.experiments.folders import list_runs
from seg_helpers.experiments.preparation import PreparedData, prepare_data
from seg_helpers.experiments.processes import claim_gpu, join_processes
from seg_helpers.experiments.provenance import list_versions, read_commit
from seg_helpers.experiments.records import DamagedRun, MissingRun, Run, final_scores, read_run
from seg_helpers.experiments.runner import (
    build_network,
    describe_origin,
    get_run,
    get_runs,
    load_network,
    measure_network,
    measure_runs,
)
from seg_helpers.experiments.tables import average_seeds, compare_multiscale, compare_runs, tabulate_runs
