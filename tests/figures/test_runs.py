"""What pages say of runs: each finding follows from the numbers, and from them alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures as fig
from seg_helpers.config import ExperimentConfig, StageConfig
from seg_helpers.experiments.runner import choose_examples
from seg_helpers.figures.runs import PUBLISHED_FAST_SCNN, RANKS, list_notes


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
        metrics={"epochs": 4},
        scores={"test": scores} if scores else {},
        class_set="camvid11",
    )


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
    merged = make_run(**scores)
    merged.class_set = "camvid11_merged"
    assert "in camvid11_merged, so the two cannot be compared" in fig.published_finding(merged)
    assert "cannot be compared" in fig.published_finding(make_run())  # no test labels


def test_runs_no_better_than_one_class_everywhere_are_said():
    runs = [make_scored_run("Base", 0.31), make_scored_run("Blind", 0.3)]  # road everywhere: (0.6 + 0) / 2
    text = fig.unlearned_finding(runs)
    assert text == "**Too little was learned**: Blind scores no more than Road everywhere would (0.300)."
    assert fig.unlearned_finding(runs[:1]) == ""


@pytest.mark.parametrize(("val", "order"), [([0.7, 0.6, 0.5], 1), ([0.5, 0.6, 0.7], -1)])
def test_the_gap_between_val_and_test_is_told(val, order):
    table = pd.DataFrame({"split": "test", "mean_iou": [0.6, 0.5, 0.4], "val_mean_iou": val})
    text = fig.split_gap_finding(table)
    assert f"the rank correlation of the two is {order:.2f}" in text
    assert "correlation" not in fig.split_gap_finding(table[:2])
    assert f"{(table.val_mean_iou - table.mean_iou).mean():+.3f} from test on average" in text
    assert "withholds its test labels" in fig.split_gap_finding(table.assign(split="val"))


def test_stages_are_named_by_size_and_by_what_learns():
    run = make_run(stages=[{"epochs": 1, "scale": 0.5, "unfreeze": 0}, {"epochs": 2, "unfreeze": 2}, {"epochs": 1}])
    assert fig.stage_titles(run) == ["half size, encoder frozen", "full size, top 2 stages", "full size"]
    assert fig.stage_titles(make_run()) == []


def test_every_frame_shown_is_marked_by_its_rank():
    rows = [("good", "a", 0.8), ("good", "b", 0.7), ("typical", "c", 0.5), ("typical", "c", 0.5)]
    rows += [("worst", "d", 0.1), ("worst", "e", 0.2), ("shared", "f", 0.6)]
    run = SimpleNamespace(examples=pd.DataFrame(rows, columns=["kind", "frame", "mean_iou"]), suspect_frames=[])
    assert fig.example_marks(run) == {"90th": 0.8, "80th": 0.7, "median": 0.5, "lowest": 0.1, "5th": 0.2}
    run.suspect_frames = ["d"]  # its label seems wrong: it is not shown as what the network does worst
    assert "lowest" not in fig.example_marks(run)


def test_ranks_are_those_that_runs_keep():
    hits = np.arange(101)  # of 101 frames, whose place among all is their percentile
    confusions = np.array([[[hit, 100 - hit], [100 - hit, hit]] for hit in hits])
    places = {"median": 50, "lowest": 0}
    for kind, ranks in RANKS.items():
        wanted = [places.get(rank) if rank in places else int(rank.split("th")[0]) for rank in ranks]
        assert choose_examples(confusions)[kind] == wanted


def test_a_note_is_told_once_for_all_that_share_it():
    profile = SimpleNamespace(notes={"a": "it was second", "b": "it was third", "c": "it was second", "d": "unused"})
    runs = [make_run(title) for title in ("A", "B", "C", "E")]
    assert list_notes(profile, runs) == [
        "Of A and C, note that it was second.",
        "Of B, note that it was third.",
    ]


def test_a_comparison_says_what_differs_beside_the_networks():
    runs = [make_run(title) for title in ("A", "B", "C")]
    for run, device in zip(runs, ("one CPU", "one CPU", "2 processes, each on one CPU"), strict=True):
        run.trained_on = device
    assert fig.recipes_finding(runs[:2]) == "The runs differ in their network alone."
    pretrained = make_run(weights="imagenet")
    pretrained.trained_on = "one CPU"
    assert "in their network and in initial weights:" in fig.recipes_finding([runs[0], pretrained])
    loss = {
        "terms": [{"name": "cross_entropy"}, {"name": "dice", "weight": 0.5}],
        "class_weights": "log_inverse",
    }
    runs[2].config = ExperimentConfig.model_validate({**runs[0].config.model_dump(), "loss": loss, "epochs": 5})
    text = fig.recipes_finding(runs)
    assert "differ in their network and in loss and epochs:" in text
    assert "cross-entropy (A and B); cross-entropy + 0.5 dice with log-inverse class weights (C)" in text
    assert "compare only within a machine: one CPU (A and B); 2 processes, each on one CPU (C)." in text
