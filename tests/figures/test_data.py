import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures
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
    assert "Road 80%" in figure.seg_alt
    finding = figures.balance_finding(shares, void_share=1 / 3)
    assert "**Road** make up 80%" in finding
    assert "4 times the pixels of Building" in finding
    assert "33% of all pixels" in finding
    assert "Bicyclist never appears in training" in finding
    assert "1 classes" not in finding


def test_classes_without_a_pixel_are_left_out(shares):
    figure = figures.class_balance(shares)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == ["Bicyclist", "Building", "Road"]
    assert "No frame holds Sky" in figure.seg_caption


def test_counts_by_split(frames):
    table = figures.split_counts(frames.assign(label=["l"] * 10 + [""] * 5)).set_index("split")
    assert table.loc["test", ["frames", "with label", "clips"]].tolist() == [5, 0, 1]
    assert "guard (unused)" in table.index


def test_heat_map_heights(classes):
    heat = np.zeros((11, 4, 4))
    heat[0, 0], heat[3, 3] = 1, 1
    heights = mean_heights(heat)
    assert heights[[0, 3]].tolist() == [0.125, 0.875]
    assert np.isnan(heights[1])
    figure = figures.class_heatmaps(heat, classes)
    assert "Sky lies highest, Road lowest" in figure.seg_alt
    assert "9 classes without a pixel" in figure.seg_caption


def test_problems_are_counted_by_kind():
    assert "no problem found" in figures.problems_finding(pd.DataFrame(columns=["file", "problem"]), 7)
    table = pd.DataFrame(
        {"file": ["a", "b", "c"], "problem": ["label missing", "label missing", "17 pixels of 3"]}
    )
    text = figures.problems_finding(table, 4)
    assert "**3 problems**" in text
    assert "2 × label missing" in text
