import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures
from seg_helpers.figures.splits import _bands


@pytest.fixture
def audit():
    nan = np.nan
    rows = [("val", True, 4.0, 0.5, 0.99), ("val", True, 8.0, 1.0, 0.97), ("test", False, nan, nan, 0.6)]
    return pd.DataFrame(rows, columns=["split", "clip_in_train", "distance", "seconds", "similarity"])


def test_every_clip_and_split_is_on_the_time_line(frames):
    figure = figures.split_timeline(frames)
    assert "a: 6 training, 3 validation and 1 guard (unused)" in figure.seg_alt
    assert "15 frames of 2 clips" in figure.seg_caption
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["training", "validation", "test", "guard (unused)"]


def test_bands_break_at_gaps_and_splits(frames):
    bands = _bands(frames[frames["clip"] == "a"])
    assert [band[0] for band in bands] == ["train", "train", "guard", "val"]
    assert bands[0][1:] == (-15.0, 90.0)


def test_audit_tells_familiar_from_new(audit):
    text = figures.audit_finding(audit)
    assert "100% of 2 frames" in text
    assert "median of 0.75 seconds" in text
    assert "read optimistic" in text
    assert "never saw; the most similar training picture correlates at 0.60" in text


def test_distances_fall_back_to_frames(audit):
    figure = figures.split_distances({"": audit.assign(seconds=np.nan)})
    assert "median 6 frames apart, nearest 4" in figure.seg_alt
    assert "test (1 frame): median similarity 0.60, 100% in new clips" in figure.seg_alt


def test_distances_of_several_splits(audit):
    figure = figures.split_distances({"given": audit, "grouped": audit[audit["split"] == "val"]})
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert labels == ["given · validation", "given · test", "grouped · validation"]


def test_nearest_split_is_named(audit):
    near = audit.assign(seconds=audit["seconds"] / 10)
    text = figures.nearness_finding({"grouped": audit, "random": near})
    assert "random 0.075 s" in text
    assert "**random** puts them 10 times nearer than grouped" in text


def test_leak_counts_copies_on_both_sides():
    table = pd.DataFrame({"clip": "a", "number": [1, 1, 2, 3], "split": ["train", "val", "val", "train"]})
    assert "1 of 2 validation samples (50%)" in figures.leak_finding(table)
    assert figures.leak_finding(table[table["number"] > 1]).startswith("None of the 1 validation sample")


def test_pairs_report_their_correlation(frame):
    figure = figures.neighbour_pairs([(frame[0], frame[0], "val · a")])
    assert "correlate at 1.00" in figure.seg_caption
