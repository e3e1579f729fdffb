"""Runs: asked for by configuration, made once, recorded in a folder, read from anywhere.

What trains is in `runner`, and data to train on in `preparation`, which load torch; what reads records does not.
"""

# ruff: noqa: F401

from seg_helpers.experiments.folders import find_runs, open_run, read_runs
from seg_helpers.experiments.provenance import list_versions, read_commit
from seg_helpers.experiments.records import DamagedRun, MissingRun, Run, final_scores, read_run
from seg_helpers.experiments.tables import average_seeds, compare_multiscale, compare_runs, list_notes, tabulate_runs
