import numpy as np
import pandas as pd
import pytest

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


def test_scale_shift_sees_wider_sizes(classes):
    before = pd.DataFrame({"class": "Car", "side": [10.0, 20, 40] * 4})
    after = pd.DataFrame({"class": "Car", "side": [5.0, 20, 80] * 4})
    figure = figures.scale_shift(before, after, classes)
    assert float(figure.caption.split("becomes ")[1].split()[0]) > 2


@pytest.mark.parametrize("count", [1, 2, 7])
def test_samples_stand_beside_each_other_whatever_their_number(frame, classes, count):
    figure = figures.sample_overlays({f"t{i}": frame for i in range(count)}, "some", classes)
    assert sum(map(len, figure.rows)) == count
