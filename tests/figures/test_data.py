from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from matplotlib.cm import viridis
from tiny import tiny_video

from seg_helpers import figures
from seg_helpers.datasets import Cache, audit_labels
from seg_helpers.figures.plots import overlay


@pytest.fixture
def shares(classes):
    counts = np.zeros((3, 12), int)
    counts[:, 3], counts[:, 1], counts[:, 11] = 80, 20, 50
    counts[2, 10], counts[2, 3] = 10, 70
    return figures.class_shares({"train": counts[:2], "test": counts[2:]}, classes)


def test_shares_leave_void_out(shares):
    table = shares.set_index(["split", "class"])
    assert table.loc[("train", "Road"), "share"] == pytest.approx(0.8)
    assert table.loc[("test", "Bicyclist"), "share"] == pytest.approx(0.1)
    assert table.loc[("test", "Bicyclist"), "presence"] == 1
    assert shares.groupby("split")["share"].sum().tolist() == pytest.approx([1, 1])


def test_classes_without_a_pixel_are_left_out(shares):
    figure = figures.class_balance(shares)
    names = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert names == ["Road", "Building", "Bicyclist"]  # from the top
    assert "No frame holds Sky" in figure.caption


# ---------------------------------------------------------------- labels against pictures


@pytest.fixture
def wrong_label(tmp_path, classes):
    """The audit of five frames of which the third has a label rolled by 20 columns, and their cache."""
    video = tiny_video([0, 1, 2, 3, 4])
    video[2] = video[2][0], np.roll(video[2][1], -20, 1)
    for file, arrays in zip(("images", "labels"), zip(*video, strict=True), strict=True):
        np.save(tmp_path / f"{file}.npy", np.stack(arrays))
    cache = Cache(tmp_path)
    images = [f"$a^^b$ <i>_{i}.png" for i in range(5)]
    frames = pd.DataFrame({"image": images, "label": "l", "split": "test", "clip": "a", "number": range(5)})
    return audit_labels(frames, cache, 11), SimpleNamespace(cache=cache, classes=classes, frames=frames)


def test_balance_shows_every_split(shares):
    assert "training Road 0.8, Building 0.2, Bicyclist nan, test Road 0.7" in figures.class_balance(shares).alt


def test_heat_maps_are_of_the_classes_that_appear(classes):
    heat = np.zeros((11, 4, 4))
    heat[0, 0], heat[3, 3] = 0.5, 1
    figure = figures.class_heatmaps(heat, classes)
    (titles, pictures) = zip(*figure.rows[0], strict=True)
    assert titles == ("Sky · peak 50%", "Road · peak 100%")
    assert (pictures[0][0] == viridis(1.0, bytes=True)[:3]).all()  # scaled to its own peak


def test_a_wrong_label_is_shown_and_named(wrong_label):
    audit, data = wrong_label
    figure = figures.suspect_labels(audit, data)
    (titles, shown) = zip(*figure.rows[0], strict=True)
    assert titles[0] == "test\n$a^^b$ <i>_2"
    assert "shifted right by 20 px" in titles[2]
    images, labels = data.cache.images, data.cache.labels
    rolled = overlay(images[2], np.roll(labels[2], 20, axis=1), data.classes)
    assert (shown[2] == rolled).all()
    assert (shown[3] == overlay(images[1], labels[1], data.classes)).all()


def test_names_of_classes_are_no_formulas(classes):
    odd = replace(classes, names=("$x^^", "<b>*Road*</b>", *classes.names[2:]))
    counts = np.full((2, 12), 50)
    balance = figures.class_balance(figures.class_shares({"train": counts, "$^": counts}, odd))
    balance.render()  # which a formula that is none would stop
    assert "$x^^" in balance.alt
    assert "<b>*Road*</b>" in balance.alt
    heatmaps = BeautifulSoup(figures.class_heatmaps(np.ones((11, 4, 4)), odd)._repr_html_(), "html.parser")
    assert "<b>*Road*</b> · peak 100%" in [title.get_text() for title in heatmaps.find_all("p")]
