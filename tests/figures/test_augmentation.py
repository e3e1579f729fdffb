import numpy as np
import pandas as pd

from seg_helpers import figures


def test_objects_are_whole_connected_regions(classes):
    label = np.full((40, 40), 3, np.uint8)
    label[5:15, 5:15] = 8
    label[20:30, 20:30] = 8
    label[35:, 30:] = 8  # cut by the edge
    label[18, 18] = 8  # a crumb
    table = figures.measure_objects([label], classes)
    assert table["class"].tolist() == ["Car", "Car"]
    assert table["side"].tolist() == [10, 10]


def test_what_padding_cuts_is_not_whole(classes):
    label = np.full((40, 40), 3, np.uint8)
    label[:, :10] = 255  # padding, which holds void that no edge touches too
    label[5:15, 10:20] = 8
    label[20:30, 20:30] = 8
    label[24:26, 30:32] = 255
    assert figures.measure_objects([label], classes)["side"].tolist() == [10]


def test_scale_shift_sees_wider_sizes(classes):
    before = pd.DataFrame({"class": "Car", "side": [10.0, 20, 40] * 4})
    after = pd.DataFrame({"class": "Car", "side": [5.0, 20, 80] * 4})
    figure = figures.scale_shift(before, after, classes)
    assert float(figure.caption.split("becomes ")[1].split()[0]) > 2
