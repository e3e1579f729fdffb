"""Several processes share one run: they train on parts of each batch, score parts of a split, and write one folder."""

import os
import subprocess
import sys

import numpy as np
import pytest

from seg_helpers.experiments import load_network, prepare_data, read_run
from seg_helpers.experiments.runner import score_split
from seg_helpers.training.devices import build_accelerator

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]


def launch(laboratory, reports, **environment):
    command = [*LAUNCH, "-m", "seg_helpers.training", *laboratory.arguments(reports, "fast_scnn", "epochs=1")]
    settings = os.environ | {"SEG_CACHE": str(laboratory.cache), "OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("at_work", "finished")
def test_two_processes_make_one_run_and_score_every_frame_once(laboratory):
    done = launch(laboratory, "shared", ACCELERATE_USE_CPU="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("fast_scnn: mean IoU") == 1
    run = read_run(laboratory.folder("shared", "fast_scnn"))
    assert run.session["processes"] == 2
    assert run.trained_on.startswith("2 processes, each on ")
    config, precision = laboratory.profile("shared").experiment("fast_scnn"), run.session["precision"]
    data = prepare_data(config.data, config.seed)
    network = load_network(run)
    for split in ("val", "test"):
        _, counts, _ = score_split(network, data, split, build_accelerator(precision), precision)
        np.testing.assert_array_equal(run.confusions[split], counts["confusion"])


def test_processes_that_do_not_know_of_each_other_are_stopped(laboratory):
    done = launch(laboratory, "apart", CUDA_VISIBLE_DEVICES="")
    assert done.returncode != 0
    assert "error: 2 processes were launched, but there is no GPU for each" in done.stderr
    assert not laboratory.folder("apart", "fast_scnn").exists()
