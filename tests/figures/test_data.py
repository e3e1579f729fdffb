from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny import tiny_video

from seg_helpers import figures
from seg_helpers.datasets import Cache, audit_labels
from seg_helpers.figures.data import mean_heights


@pytest.fixture
def shares(classes):
    counts = np.zeros((3, 12), int)
    counts[:, 3], counts[:, 1], counts[:, 11] = 80, 20, 50
    counts[2, 10], counts[2, 3] = 10, 70
    return figures.class_shares(counts, ["train", "train", "test"], classes)


def test_shares_leave_void_out(shares):
    table = shares.set_index(["split", "class"])
    assert table.loc[("train", "Road"), "share"] == pytest.approx(0.8)
    assert table.loc[("test", "Bicyclist"), "share"] == pytest.approx(0.1)
    assert table.loc[("test", "Bicyclist"), "presence"] == 1
    assert shares.groupby("split")["share"].sum().tolist() == pytest.approx([1, 1])


def test_balance_words_come_from_the_numbers(shares):
    figure = figures.class_balance(shares)
    assert "Road 80%" in figure.alt
    finding = figures.balance_finding(shares, void_share=1 / 3)
    assert "**Road** makes up 80%" in finding
    assert "4 times the pixels of Building" in finding
    assert "33% of all pixels" in finding
    assert "Bicyclist never appears in training" in finding
    assert "1 classes" not in finding


def test_the_largest_difference_is_between_any_two_splits(classes):
    counts = np.zeros((3, 12), int)
    counts[:, 3] = 1000
    counts[:, 10] = 40, 100, 5  # train, val, test
    shares = figures.class_shares(counts, ["train", "val", "test"], classes)
    finding = figures.balance_finding(shares)
    assert (
        "Bicyclist differs most: it has 18 times the share in validation (9.1%) that it has in test (0.50%)" in finding
    )


def test_the_constant_answer_is_scored_where_scores_are_taken(classes):
    counts = np.zeros((2, 12), int)
    counts[0, [1, 3]] = 20, 80
    counts[1, [1, 3, 10]] = 70, 25, 5
    shares = figures.class_shares(counts, ["train", "test"], classes)
    text = figures.baseline_finding(shares)
    assert "every test frame Road" in text
    assert "scores 25% pixel accuracy and 0.083 mean IoU" in text  # 0.25 of three classes, not training's 0.8


def test_classes_without_a_pixel_are_left_out(shares):
    figure = figures.class_balance(shares)
    names = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert names == ["Road", "Building", "Bicyclist"]  # from the top
    assert "No frame holds Sky" in figure.caption


def test_counts_by_split(frames):
    table = figures.split_counts(frames.assign(label=["l"] * 10 + [""] * 5)).set_index("split")
    assert table.loc["test", ["frames", "with label", "clips"]].tolist() == [5, 0, 1]
    assert "gap (unused)" in table.index
    unknown = figures.split_counts(frames.assign(clip=[""] * 10 + ["b"] * 5)).set_index("split")
    assert unknown["clips"].to_dict() == {
        "training": "unknown",
        "validation": "unknown",
        "test": 1,
        "gap (unused)": "unknown",
    }


def test_heat_map_heights(classes):
    heat = np.zeros((11, 4, 4))
    heat[0, 0], heat[3, 3] = 1, 1
    heights = mean_heights(heat)
    assert heights[[0, 3]].tolist() == [0.125, 0.875]
    assert np.isnan(heights[1])
    figure = figures.class_heatmaps(heat, classes)
    assert "Sky lies highest, Road lowest" in figure.alt
    assert "9 classes without a pixel" in figure.caption


def test_problems_are_counted_by_kind():
    sound = figures.problems_finding(pd.DataFrame(columns=["file", "problem"]), 7)
    assert "Every file of the 7 frames was opened" in sound
    assert "no problem" not in sound  # a readable label may still be a wrong one
    table = pd.DataFrame({"file": ["a", "b", "c"], "problem": ["label missing", "label missing", "17 pixels of 3"]})
    text = figures.problems_finding(table, 4)
    assert "**3 problems**" in text
    assert "2 × label missing" in text


# ---------------------------------------------------------------- labels against pictures


@pytest.fixture
def wrong_label(tmp_path):
    """The audit of five frames of which the third has a label rolled by 20 columns, and their cache."""
    video = tiny_video([0, 1, 2, 3, 4])
    video[2] = video[2][0], np.roll(video[2][1], -20, 1)
    for file, arrays in zip(("images", "labels"), zip(*video, strict=True), strict=True):
        np.save(tmp_path / f"{file}.npy", np.stack(arrays))
    cache = Cache(tmp_path)
    images = [f"$a^^b$ <i>_{i}.png" for i in range(5)]
    frames = pd.DataFrame({"image": images, "label": "l", "split": "test", "clip": "a", "number": range(5)})
    return audit_labels(frames, cache, 11), cache


def test_a_wrong_label_is_shown_and_named(wrong_label, classes):
    audit, cache = wrong_label
    figure = figures.suspect_labels(audit, cache, classes)
    assert len(figure.figure.axes) == 4
    assert figure.figure.axes[0].get_title("left") == "test\n$a^^b$ <i>_2"
    assert "shifted right by 20 of 64 pixels" in figure.caption
    figure.render()
    shown = [panel.images[0].get_array() for panel in figure.figure.axes]
    rolled = figures.overlay(cache.images[2], np.roll(cache.labels[2], 20, axis=1), classes)
    assert (shown[2] == rolled).all()
    assert (shown[3] == figures.overlay(cache.images[1], cache.labels[1], classes)).all()
    text = figures.label_finding(audit, 5)
    assert text.startswith("3 of 5 labeled frames")
    assert "**One label does not fit its picture**: &#36;a&#94;&#94;b&#36; &#60;i&#62;&#95;2 (test)" in text


def test_where_nothing_is_wrong_the_finding_says_how_many_were_judged(wrong_label):
    audit, _ = wrong_label
    sound = audit[~audit["suspect"]].assign(gain=0.0)
    assert figures.label_finding(sound, 5).startswith("2 of 5 labeled frames follow and precede")
    assert "none was found to be shifted" in figures.label_finding(sound, 5)
    turning = sound.assign(gain=0.5, picture_gain=0.2)
    assert "2 labels would gain from a shift as well, but so would the pictures" in figures.label_finding(turning, 5)
    assert figures.label_finding(audit[:0], 4).startswith("None of the 4 labeled frames could be judged")


def test_names_of_classes_and_frames_are_no_formulas(frame, classes):
    figures.sample_grid([frame[0]], [frame[1]], classes, ["train · $a^^b$_0001"]).render()
    odd = replace(classes, names=("$x^^", "<b>*Road*</b>", *classes.names[2:]))
    counts = np.full((2, 12), 50)
    shares = figures.class_shares(counts, ["train", "test"], odd)
    figures.class_balance(shares).render()
    figures.class_heatmaps(np.ones((11, 4, 4)), odd).render()
    shares = figures.class_shares(counts * [9, 99, *[1] * 10], ["train", "test"], odd)
    for text in (figures.balance_finding(shares), figures.baseline_finding(shares)):
        assert "&#60;b&#62;&#42;Road&#42;&#60;/b&#62;" in text
        assert "<b>" not in text
