"""Several processes share one run: they train on parts of each batch, score parts of a split, and write one folder."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from accelerate import Accelerator

from seg_helpers.cli import main
from seg_helpers.experiments import read_run, runner
from seg_helpers.experiments.preparation import PreparedData, prepare_data
from seg_helpers.experiments.runner import score_split
from seg_helpers.training.devices import build_accelerator

SHARED = {"processes": 2, "ACCELERATE_USE_CPU": "1"}
STAGED = (  # without dropout, which each process draws for itself; at a rate that moves no weight by chance alone
    "epochs=3",
    "precision=fp32",  # in bfloat16, sums over half of a batch round to other values
    "model.options={dropout: 0.0}",
    "optimizer.learning_rate=1.0e-4",
    "stages=[{epochs: 1}, {epochs: 2, learning_rate: range_test}]",
)
STEPS = 4  # of each epoch: 16 frames in batches of 4, however many processes there are


@pytest.fixture(scope="module")
def shared(laboratory):
    """The folder of a run that two processes made together; do not write to it."""
    assert laboratory.start("shared", "fast_scnn", *STAGED, **SHARED) == 0, laboratory.output()
    assert laboratory.output().count("fast_scnn: mean IoU") == 1
    return laboratory.folder("shared", "fast_scnn")


@pytest.mark.usefixtures("at_work")
def test_two_processes_make_one_run_and_score_every_frame_once(laboratory, shared):
    run = read_run(shared)
    assert run.session["processes"] == 2
    assert run.trained_on.startswith("2 processes, each on ")
    config, precision = laboratory.profile("shared", *STAGED).experiment("fast_scnn"), run.session["precision"]
    data = prepare_data(config.data, config.seed)
    network = run.network()
    for split in ("val", "test"):
        counts, _ = score_split(network, data, split, build_accelerator(precision), precision)
        np.testing.assert_array_equal(run.confusions[split], counts["confusion"])


def test_two_processes_train_and_validate_as_one(laboratory, shared):
    """In the first epoch; later ones lie apart by what rounding becomes in a network pooled to single values."""
    alone = laboratory.train("alone", "fast_scnn", *STAGED)
    first, expected = (pd.read_csv(folder / "history.csv").iloc[0] for folder in (shared, alone))
    for name in ("learning_rate", "train_loss", "val_loss", "train_mean_iou", "val_mean_iou"):
        assert first[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-4), name


def test_two_processes_killed_after_a_range_test_end_as_if_left_alone(laboratory, shared, outcome):
    """Killed in the second step of the last epoch; were there a rate for each process, one would be lost here."""
    tested = json.loads((shared / "range_tests.json").read_text())["1"]
    step = 2 * STEPS + len(tested["curve"]["loss"]) + 2
    assert laboratory.start("resumed", "fast_scnn", *STAGED, kill_at_step=step, **SHARED) != 0
    folder = laboratory.folder("resumed", "fast_scnn")
    assert max(path.name for path in (folder / "last").iterdir()) == "epoch_0002", laboratory.output()
    assert laboratory.start("resumed", "fast_scnn", *STAGED, **SHARED) == 0, laboratory.output()
    assert "fast_scnn: resuming after epoch 2 of 3" in laboratory.output()
    assert outcome(folder) == outcome(shared)
    assert json.loads((folder / "range_tests.json").read_text())["1"] == tested


@pytest.mark.usefixtures("at_work")
@pytest.mark.parametrize(("batch_size", "frames"), [(4, 4), (64, 16)])  # 16 frames are all that there are
def test_a_batch_that_cannot_be_divided_is_refused(laboratory, monkeypatch, capsys, batch_size, frames):
    monkeypatch.setattr(Accelerator, "num_processes", 3)
    assert main(laboratory.arguments("odd", "fast_scnn", f"batch_size={batch_size}")) == 1
    said = f"error: run fast_scnn: batch_size: {frames} frames a step cannot be divided over 3 processes: set a multiple of 3"
    assert said in capsys.readouterr().err
    assert not laboratory.folder("odd", "fast_scnn").exists()


@pytest.mark.usefixtures("at_work")
def test_a_process_without_a_frame_does_not_spoil_the_loss(laboratory, finished, monkeypatch):
    """Two processes score a split of one frame."""
    config = laboratory.profile("whole").experiment("fast_scnn")
    data, network = prepare_data(config.data, config.seed), read_run(finished).network()
    frame = data.rows("val")[:1]
    monkeypatch.setattr(PreparedData, "rows", lambda *_: frame)
    nothing = (np.zeros(0, int), {"confusion": np.zeros((0, 11, 11), int)}, float("nan"))
    monkeypatch.setattr(runner, "gather_object", lambda parts: [*parts, nothing])
    processes = SimpleNamespace(process_index=0, num_processes=2)
    counts, loss = score_split(network, data, "val", processes, "fp32", lambda logits, labels: logits.mean() * 0 + 3)
    assert len(counts["confusion"]) == 1
    assert loss == 3


def test_processes_that_do_not_know_of_each_other_are_stopped(laboratory):
    assert laboratory.start("apart", "fast_scnn", processes=2, CUDA_VISIBLE_DEVICES="") != 0
    assert "error: 2 processes were launched, but there is no GPU for each" in laboratory.output()
    assert not laboratory.folder("apart", "fast_scnn").exists()
