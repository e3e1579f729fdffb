"""What pages say of runs: each finding follows from the numbers, and from them alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures as fig
from seg_helpers.config import ExperimentConfig, StageConfig
from seg_helpers.experiments import list_notes
from seg_helpers.experiments.tables import SCORES


def make_run(title="Net", dataset="camvid", stages=(), weights="none", **scores):
    """As much of a run as its findings read."""
    config = ExperimentConfig(
        name=title.lower(),
        epochs=4,
        data={"dataset": dataset},
        model={"name": "unet", "encoder_weights": weights},
        stages=[StageConfig(**stage) for stage in stages],
    )
    return SimpleNamespace(
        name=config.name,
        title=title,
        config=config,
        metrics={"epochs": 4, "parameters": 1000, "size": [120, 160]},
        scores={"test": scores} if scores else {},
        class_set="camvid11",
    )


def make_scored_run(title, mean_iou):
    """A run on two test frames of 60 pixels of road and 40 of sky in all."""
    run = make_run(title, mean_iou=mean_iou)
    run.final_split, run.suspect_frames = "test", []
    run.classes = SimpleNamespace(names=("Sky", "Road"))
    run.confusions = {"test": np.array([[[10, 10], [0, 30]], [[5, 15], [10, 20]]])}
    return run


def test_a_frozen_encoder_without_pretraining_is_said_loudly():
    frozen = make_run("Frozen", stages=[{"epochs": 1, "unfreeze": 0}])
    free = make_run("Free")
    note = fig.weights_note([free, frozen])
    assert "No pretrained weights are used" in note
    assert "Random features are frozen in Frozen" in note
    assert fig.weights_note([free]) == "**No pretrained weights are used in this profile.**"
    assert fig.weights_note([make_run(weights="imagenet"), free]) == ""


def test_runs_no_better_than_one_class_everywhere_are_said():
    runs = [make_scored_run("Base", 0.31), make_scored_run("Blind", 0.3)]  # road everywhere: (0.6 + 0) / 2
    text = fig.unlearned_finding(runs)
    assert text == "**Too little was learned** by Blind: to say Road everywhere would score as much (0.300)."
    assert fig.unlearned_finding(runs[:1]) == ""


def test_a_note_is_told_once_for_all_that_share_it():
    profile = SimpleNamespace(notes={"a": "it was second", "b": "it was third", "c": "it was second", "d": "unused"})
    runs = [make_run(title) for title in ("A", "B", "C", "E")]
    assert list_notes(profile, runs) == [
        "Of A and C, note that it was second.",
        "Of B, note that it was third.",
    ]


def test_what_the_runs_of_a_group_differ_in_is_read_from_their_configurations():
    settings = {
        "A": {"group": "encoder"},
        "B": {"group": "encoder", "model": {"name": "fcn"}, "optimizer": {"learning_rate": 0.01}},
        "C": {"group": "scratch", "epochs": 5},
        "D": {"group": "scratch", "epochs": 5, "ema": 0.9},
    }
    runs = {title: make_run(title) for title in settings}
    for title, run in runs.items():
        run.config = ExperimentConfig.model_validate(run.config.model_dump() | settings[title])
        run.trained_on = "one CPU"
    second = make_run("A")
    second.config = runs["A"].config.model_copy(update={"seed": 1, "name": "a"})
    second.trained_on = "one CPU"
    text = fig.recipes_finding([*runs.values(), second])
    assert "**A and B** differ in the network and its learning rate, in nothing else." in text
    assert "**C and D** differ in the network and ema, in nothing else." in text
    assert text.endswith("From group to group differ epochs as well: scores of two groups are not ranked.")
    runs["D"].trained_on = "2 processes, each on one CPU"
    text = fig.recipes_finding(list(runs.values()))
    assert text.endswith("compare only within a machine; there are one CPU; 2 processes, each on one CPU.")


@pytest.fixture
def shown(monkeypatch):
    """What a page displays."""
    displayed = []
    monkeypatch.setattr("seg_helpers.figures.tables.display", displayed.append)
    monkeypatch.setattr("seg_helpers.figures.runs.display", displayed.append)
    monkeypatch.setattr("seg_helpers.figures.tables.display", displayed.append)
    return displayed


def test_a_run_is_shown_with_its_configuration_and_its_curves(shown, history):
    run = make_run()
    run.history, run.range_tests, run.trained_on, run.session = history, {}, "one CPU", {"precision": "fp32"}
    run.record = {"frames": {"train": 8, "val": 2}, "training_seconds": 75}
    fig.show_training(run)
    settings, everything, training, curves = shown
    values = settings.data.set_index("setting")["value"]
    assert values["network"] == "unet; 1,000 parameters, from random weights"
    assert values["optimizer"].startswith("adamw, learning rate 0.001, weight decay 0.01")
    assert values["epochs"] == "4"
    assert "encoder_weights: none" in everything.data
    assert "on 8 frames in **1 min 15 s**" in training.data
    assert len(curves.figure.axes) == 3


def test_a_comparison_shows_differences_where_there_are_some(monkeypatch, shown):
    runs = [make_scored_run("Base", 0.5), make_scored_run("Other", 0.4)]
    columns = {
        "run": ["base", "other"],
        "seed": [0, 0],
        "title": ["Base", "Other"],
        "mean_iou": [0.5, 0.4],
        "mean_iou_low": [0.4, 0.3],
        "mean_iou_high": [0.6, 0.5],
    }
    scores = [*SCORES[1:], "val_mean_iou", "multiscale_mean_iou", "training_seconds"]
    table = pd.DataFrame(columns | {key: [0.5, 0.4] for key in scores}).set_index("run")
    monkeypatch.setattr("seg_helpers.figures.runs.tabulate_runs", lambda runs: table[: len(runs)])
    for run in runs:
        run.scored_frames = {"test": ["a", "b"]}
        run.seed = 0
    fig.show_comparison(runs, "two", baseline="the base")
    board, forest = shown
    assert board.data["95% interval"].tolist() == ["0.400 to 0.600", "0.300 to 0.500"]
    assert forest.figure.axes[0].get_title("left") == "Mean IoU beyond the base, on the same frames"
    shown.clear()
    fig.show_comparison(runs[:1], "one")
    assert len(shown) == 1  # the table alone
