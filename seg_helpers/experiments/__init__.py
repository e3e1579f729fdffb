"""Runs: asked for by configuration, made once, recorded in a folder, read from anywhere."""

from seg_helpers.experiments.folders import list_runs
from seg_helpers.experiments.preparation import PreparedData, prepare_data
from seg_helpers.experiments.processes import claim_gpu, join_processes
from seg_helpers.experiments.provenance import list_versions, read_commit
from seg_helpers.experiments.records import (
    DamagedRun,
    Run,
    compare_multiscale,
    compare_runs,
    final_scores,
    read_run,
    tabulate_runs,
)
from seg_helpers.experiments.runner import (
    build_network,
    describe_origin,
    get_run,
    load_network,
    measure_network,
    measure_runs,
)

__all__ = [
    "DamagedRun",
    "PreparedData",
    "Run",
    "build_network",
    "claim_gpu",
    "compare_multiscale",
    "compare_runs",
    "describe_origin",
    "final_scores",
    "get_run",
    "join_processes",
    "list_runs",
    "list_versions",
    "load_network",
    "measure_network",
    "measure_runs",
    "prepare_data",
    "read_commit",
    "read_run",
    "tabulate_runs",
]
