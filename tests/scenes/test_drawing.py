"""What the painters draw is data that results were measured on: it stays as it is, whatever becomes of their code."""

import numpy as np
import pytest

from seg_helpers.scenes import road, soccer

# Pixels of each label in order, and their mean brightness; of a dry and a wet street, and of a field.
ORCHARD = (
    [2543, 2034, 337, 4230, 448, 1519, 69, 405, 405, 55, 187, 56],
    [171.8, 111.2, 87.7, 87.5, 131.8, 90.4, 132.6, 124.5, 91.2, 94.1, 83.1, 71.0],
)
HARBOUR = (
    [1486, 1611, 171, 4295, 327, 2681, 114, 791, 467, 107, 218, 20],
    [121.2, 111.9, 111.0, 92.4, 112.4, 64.8, 120.4, 106.3, 95.7, 72.5, 71.2, 84.4],
)
TRAIN00 = ([4489, 48, 463, 7288], [84.1, 121.2, 132.4, 73.2])


@pytest.mark.parametrize(
    ("painter", "clip", "position", "expected"),
    [(road, "Orchard", 4, ORCHARD), (road, "Harbour", 3, HARBOUR), (soccer, "Train00", 2, TRAIN00)],
    ids=["Orchard", "Harbour", "Train00"],
)
def test_a_frame_is_drawn_as_ever(painter, clip, position, expected):
    plan = painter.plan_frames(120).query("clip == @clip and position == @position")
    ((image, labels),) = painter.draw_frames(plan, (96, 128), seed=0)
    counts, brightness = expected
    areas = [labels == index for index in range(len(counts))]
    # Another version of OpenCV may round an edge otherwise: a pixel or two change sides.
    assert [area.sum() for area in areas] == pytest.approx(counts, rel=0.01, abs=2)
    found = [image[area].mean() for area in areas]
    assert np.all(np.abs(np.subtract(found, brightness)) < 0.5 + np.divide(100, counts))
