import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures


def test_gallery_tells_geometry_from_color(frame, classes):
    image, label = frame
    figure = figures.transform_gallery(
        frame, {"flip": (image[:, ::-1], label[:, ::-1]), "blur": (image // 2, label)}, classes
    )
    assert "The label is moved too by: flip." in figure.caption


def test_grid_reports_the_void_of_padding(frame, classes):
    image, label = frame
    padded = label.copy()
    padded[:, 24:] = 255
    figure = figures.pipeline_grid(frame, [frame, (image, padded)], classes)
    assert "to 50% of a draw" in figure.caption


def test_objects_are_whole_connected_regions(classes):
    label = np.full((40, 40), 3, np.uint8)
    label[5:15, 5:15] = 8
    label[20:30, 20:30] = 8
    label[35:, 30:] = 8  # cut by the edge
    label[18, 18] = 8  # a crumb
    table = figures.measure_objects([label], classes)
    assert table["class"].tolist() == ["Car", "Car"]
    assert table["side"].tolist() == [10, 10]


def test_balance_shift_names_winner_and_loser():
    before = pd.Series({"Road": 0.9, "Car": 0.1})
    after = pd.Series({"Road": 0.88, "Car": 0.12})
    figure = figures.balance_shift(before, after)
    assert "Car gains most (×1.20), Road least (×0.98)." in figure.caption


def test_scale_shift_sees_wider_sizes(classes):
    before = pd.DataFrame({"class": "Car", "side": [10.0, 20, 40] * 4})
    after = pd.DataFrame({"class": "Car", "side": [5.0, 20, 80] * 4})
    figure = figures.scale_shift(before, after, classes)
    assert float(figure.caption.split("becomes ")[1].split()[0]) > 2


@pytest.mark.parametrize("count", [1, 2, 7])
def test_gallery_takes_any_number(frame, classes, count):
    figure = figures.transform_gallery(frame, {f"t{i}": frame for i in range(count)}, classes)
    assert sum(bool(axes.images) for axes in figure.figure.axes) == count + 1
