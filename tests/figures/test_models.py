import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures
from seg_helpers.figures.models import _depths

LAYERS = pd.DataFrame(
    [
        ("encoder 1", 2, 16, 1000),
        ("encoder 2", 4, 32, 9000),
        ("aspp a", 4, 8, 10),
        ("aspp b", 4, 8, 10),
        ("decoder", 2, 16, 500),
        ("segmentation head", 1, 11, 100),
    ],
    columns=["name", "stride", "channels", "parameters"],
)
EDGES = [
    ("input", "encoder 1"),
    ("encoder 1", "encoder 2"),
    ("encoder 2", "aspp a"),
    ("encoder 2", "aspp b"),
    ("aspp a", "decoder"),
    ("aspp b", "decoder"),
    ("encoder 1", "decoder"),
    ("decoder", "segmentation head"),
]


def test_diagram_draws_every_block_and_connection_apart():
    figure = figures.architecture_diagram(LAYERS, EDGES, "Tiny", (64, 96))
    patches = figure.axes[0].patches
    boxes = [patch for patch in patches if type(patch).__name__ == "FancyBboxPatch"]
    arrows = [patch for patch in patches if type(patch).__name__ == "FancyArrowPatch"]
    assert len(boxes) == len(LAYERS) + 1
    assert len(arrows) == len(EDGES)
    corners = [(box.get_x(), box.get_y(), box.get_width(), box.get_height()) for box in boxes]
    for i, (x, y, w, h) in enumerate(corners):
        for other_x, other_y, _, _ in corners[:i]:
            assert abs(x - other_x) >= w or abs(y - other_y) >= h
    assert "encoder 2 holds 85%" in figure.seg_caption
    assert "1 skip connection." in figure.seg_caption
    assert "encoder 1 to decoder" in figure.seg_alt


def test_diagram_refuses_edges_to_nowhere():
    with pytest.raises(ValueError, match="bottleneck"):
        figures.architecture_diagram(LAYERS, [("encoder 1", "bottleneck")], "Tiny", (64, 96))


def test_depth_is_the_longest_path():
    depth = _depths(["input", *LAYERS["name"]], EDGES)
    assert depth["aspp a"] == depth["aspp b"] == 3
    assert depth["decoder"] == 4


@pytest.mark.parametrize(
    ("number", "text"), [(12_425_028, "12.4 M"), (6640, "6.6 k"), (3.1e9, "3.10 G"), (42, "42")]
)
def test_counts_are_short(number, text):
    assert figures.write_count(number) == text


def test_atrous_taps_outside_are_counted(frame):
    figure = figures.atrous_rates(frame[0], [1, 2, 40], output_stride=4)
    assert "rate 1 spans 12 pixels (25% of the width), 9 of 9" in figure.seg_alt
    assert "rate 40 spans 324 pixels (675% of the width), 1 of 9" in figure.seg_alt


def test_branches_show_shape_and_most_varied_channel(frame, rng):
    features = rng.normal(0, 0.01, (6, 9, 12))
    features[4] *= 500
    figure = figures.branch_features(frame[0], {"deep branch": features}, channels=3)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[1] == "mean of 6\n9×12, 1/4"
    assert titles[2] == "channel 4"
    assert "83% of them almost flat" in figure.seg_caption


def test_pyramid_bins_average_the_image():
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 6:] = 200
    figure = figures.pyramid_bins(image, [1, 2])
    assert figure.axes[1].images[0].get_array()[0, 0].tolist() == [100, 100, 100]
    assert figure.axes[2].images[0].get_array()[0, :, 0].tolist() == [0, 200]


def test_cost_bars_name_least_and_most():
    table = pd.DataFrame({"name": ["a", "b"], "parameters": [2e6, 1e6], "mean_iou": [0.5, np.nan]})
    figure = figures.cost_bars(table, {"parameters": "Parameters", "mean_iou": "Mean IoU"}, highlight="b")
    assert "Parameters: from b (least) to a (most)" in figure.seg_caption
