"""What pages say of runs: each finding follows from the numbers, and from them alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures as fig
from seg_helpers.config import ExperimentConfig, StageConfig
from seg_helpers.figures.runs import PUBLISHED_FAST_SCNN, list_notes


def make_run(title="Net", dataset="camvid", stages=(), weights="none", evaluation=None, **scores):
    """As much of a run as its findings read."""
    config = ExperimentConfig(
        name=title.lower(),
        epochs=4,
        data={"dataset": dataset},
        model={"name": "unet", "encoder_weights": weights},
        stages=[StageConfig(**stage) for stage in stages],
        evaluation=evaluation or {},
    )
    return SimpleNamespace(name=config.name, title=title, config=config, metrics={"epochs": 4, "test": scores or None})


def make_scored_run(title, mean_iou):
    """A run on two test frames of 60 pixels of road and 40 of sky in all."""
    run = make_run(title, mean_iou=mean_iou)
    run.final_split, run.classes, run.suspect_frames = "test", ["Sky", "Road"], []
    run.confusions = {"test": np.array([[[10, 10], [0, 30]], [[5, 15], [10, 20]]])}
    return run


def test_a_frozen_encoder_without_pretraining_is_said_loudly():
    frozen = make_run("Frozen", stages=[{"epochs": 1, "unfreeze": 0}])
    free = make_run("Free")
    note = fig.weights_note([free, frozen])
    assert "No pretrained weights are used" in note
    assert "Frozen freezes random features" in note
    assert fig.weights_note([free]) == "**No pretrained weights are used in this profile.**"
    assert "imagenet" in fig.weights_note([make_run(weights="imagenet"), free])


def test_only_camvids_test_split_is_set_beside_the_published_result():
    scores = {name: value + 0.1 for name, value in PUBLISHED_FAST_SCNN.items()}
    text = fig.published_finding(make_run(**scores))
    assert "mean IoU 0.4975 against 0.3975 (+0.1000)" in text
    assert "took 4 epochs" in text
    assert "cannot be compared" in fig.published_finding(make_run(dataset="sample", **scores))
    assert "cannot be compared" in fig.published_finding(make_run())  # no test labels


def test_several_views_gains_and_costs_are_told():
    runs = [make_run(evaluation={"scales": [1.0, 0.75, 1.25], "flip": True})]
    rows = [("A", 0.02, 0.01, 0.03), ("B", 0.005, -0.01, 0.02)]
    table = pd.DataFrame(rows, columns=["name", "difference", "low", "high"])
    text = fig.multiscale_finding(runs, table)
    assert "6 views a frame change mean IoU by +0.005 to +0.020" in text
    assert "more than chance for A." in text
    assert "about 6 times as long" in text
    assert "No gain is told apart from chance" in fig.multiscale_finding(runs, table[1:])
    assert "nothing to compare" in fig.multiscale_finding(runs, table[:0])


def test_variants_are_judged_by_their_intervals():
    runs = [make_scored_run(title, 0.5) for title in ("Base", "Up", "Down", "Same")]
    rows = [("Up", 0.1, 0.05, 0.15), ("Down", -0.1, -0.15, -0.05), ("Same", 0.01, -0.02, 0.04)]
    differences = pd.DataFrame(rows, columns=["name", "difference", "low", "high"])
    text = fig.variants_finding(runs, differences, runs[0])
    assert "**Up** is better than Base" in text
    assert "**Down** is worse than Base" in text
    assert "**Same** is not told apart from Base" in text
    assert "Too little" not in text


def test_runs_no_better_than_one_class_everywhere_are_said():
    runs = [make_scored_run("Base", 0.31), make_scored_run("Blind", 0.3)]  # road everywhere: (0.6 + 0) / 2
    differences = pd.DataFrame([("Blind", -0.01, -0.02, -0.005)], columns=["name", "difference", "low", "high"])
    text = fig.variants_finding(runs, differences, runs[0])
    assert "**Too little was learnt**: Blind scores no more than Road everywhere would (0.300)" in text


@pytest.mark.parametrize(("val", "ranked"), [([0.7, 0.6, 0.5], "alike"), ([0.5, 0.6, 0.7], "differently")])
def test_the_gap_between_val_and_test_is_told(val, ranked):
    table = pd.DataFrame({"split": "test", "mean_iou": [0.6, 0.5, 0.4], "val_mean_iou": val})
    text = fig.split_gap_finding(table)
    assert f"ranks the networks {ranked}" in text or f"ranks them {ranked}" in text
    assert f"{(table.val_mean_iou - table.mean_iou).mean():+.3f} from test on average" in text
    assert "withholds its test labels" in fig.split_gap_finding(table.assign(split="val"))


def test_stages_are_named_by_size_and_by_what_learns():
    run = make_run(stages=[{"epochs": 1, "scale": 0.5, "unfreeze": 0}, {"epochs": 2, "unfreeze": 2}, {"epochs": 1}])
    assert fig.stage_titles(run) == ["half size, encoder frozen", "full size, top 2 stages", "full size"]
    assert fig.stage_titles(make_run()) == []


def test_each_kind_of_frame_shown_is_marked_by_its_first():
    rows = [("good", 0.8), ("good", 0.7), ("typical", 0.5), ("worst", 0.1), ("shared", 0.6)]
    run = SimpleNamespace(showcase=pd.DataFrame(rows, columns=["kind", "mean_iou"]))
    assert fig.showcase_marks(run) == {"good": 0.8, "typical": 0.5, "worst": 0.1}


def test_a_note_is_told_once_for_all_that_share_it():
    profile = SimpleNamespace(notes={"a": "it was second", "b": "it was third", "c": "it was second", "d": "unused"})
    runs = [make_run(title) for title in ("A", "B", "C", "E")]
    assert list_notes(profile, runs) == ["Of A and C, note that it was second.", "Of B, note that it was third."]


def test_a_comparison_says_what_differs_beside_the_networks():
    runs = [make_run(title) for title in ("A", "B", "C")]
    for run, device in zip(runs, ("one CPU", "one CPU", "2 processes, each on one CPU"), strict=True):
        run.trained_on = device
    assert fig.recipes_finding(runs[:2]) == "The runs differ in their network alone."
    pretrained = make_run(weights="imagenet")
    pretrained.trained_on = "one CPU"
    assert "in their network and in initial weights:" in fig.recipes_finding([runs[0], pretrained])
    loss = {"terms": [{"name": "cross_entropy"}, {"name": "dice", "weight": 0.5}], "class_weights": "log_inverse"}
    runs[2].config = ExperimentConfig.model_validate({**runs[0].config.model_dump(), "loss": loss, "epochs": 5})
    text = fig.recipes_finding(runs)
    assert "differ in their network and in loss and epochs:" in text
    assert "cross-entropy (A and B); cross-entropy + 0.5 dice with log-inverse class weights (C)" in text
    assert "compare only within a machine: one CPU (A and B); 2 processes, each on one CPU (C)." in text
