import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

from seg_helpers import figures
from seg_helpers.figures import tables
from seg_helpers.figures.networks import _arrange, _read_graph, branch_features
from seg_helpers.figures.style import OKABE_ITO

PARTS = [
    ("encoder 1", "Conv2d", "16x32x48", 2, 16, 1000, 5000),
    ("encoder 2", "Conv2d", "32x16x24", 4, 32, 9000, 4000),
    ("ASPP a", "Conv2d", "8x16x24", 4, 8, 10, 300),
    ("ASPP b", "Conv2d", "8x16x24", 4, 8, 10, 300),
    ("decoder", "Conv2d", "16x32x48", 2, 16, 500, 200),
    ("head", "Conv2d", "11x64x96", 1, 11, 100, 100),
    ("logits", "output", "11x64x96", 1, 11, 0, 0),
]
EDGES = [
    ("input", "encoder 1"),
    ("encoder 1", "encoder 2"),
    ("encoder 2", "ASPP a"),
    ("encoder 2", "ASPP b"),
    ("ASPP a", "decoder"),
    ("ASPP b", "decoder"),
    ("encoder 1", "decoder"),
    ("decoder", "head"),
    ("head", "logits"),
]


def summarize(parts=PARTS, edges=EDGES):
    columns = ["name", "type", "output", "stride", "channels", "parameters", "multiply_adds"]
    table = pd.DataFrame(parts, columns=columns)
    total = int(table["parameters"].sum())
    return SimpleNamespace(size=(64, 96), parts=table, layers=table, edges=edges, parameters=total, multiply_adds=9900)


def patches_of(figure, kind):
    return [patch for patch in figure.figure.axes[0].patches if type(patch).__name__ == kind]


def test_every_block_and_connection_is_drawn_apart():
    figure = figures.architecture_diagram(summarize(), "Tiny")
    boxes = [
        (box.get_x(), box.get_y(), box.get_width(), box.get_height()) for box in patches_of(figure, "FancyBboxPatch")
    ]
    assert len(boxes) == len(PARTS)  # the input is drawn, logits equal to the head's output are not
    assert len(patches_of(figure, "FancyArrowPatch")) == len(EDGES) - 1
    for i, (x, y, width, height) in enumerate(boxes):
        assert all(abs(x - other[0]) >= width or abs(y - other[1]) >= height for other in boxes[:i])


def test_words_come_from_the_network():
    figure = figures.architecture_diagram(summarize(), "Tiny")
    assert "Connections that skip blocks: encoder 1 to decoder." in figure.caption
    assert "decoder 16 ch 500" in figure.alt


def test_sums_and_upsampling_get_a_box_of_logits():
    parts = [*PARTS[:5], ("logits", "output", "16x64x96", 1, 16, 0, 0)]
    blocks, edges = _read_graph(summarize(parts, [*EDGES[:7], ("decoder", "logits")]))
    assert "logits" in blocks
    assert ("decoder", "logits") in edges


def test_branches_of_several_resolutions_are_connected_one_by_one():
    parts = [
        ("stage 1", "Conv2d", "64x16x24", 4, 64, 10, 0),
        ("transition 1", "Conv2d", "36x8x12", 8, 36, 10, 0),
        ("stage 2", "Exchange", "18x16x24, 36x8x12", 4, 18, 10, 0),
        ("stage 3", "Exchange", "18x16x24, 36x8x12", 4, 18, 10, 0),
        ("head", "Conv2d", "11x16x24", 4, 11, 10, 0),
        ("logits", "output", "11x16x24", 4, 11, 0, 0),
    ]
    names = ["input", "stage 1", "transition 1", "stage 2", "stage 3", "head", "logits"]
    figure = figures.architecture_diagram(summarize(parts, list(itertools.pairwise(names))), "Branches")
    assert len(patches_of(figure, "FancyArrowPatch")) == 1 + 2 + 2 + 2
    assert "transition" not in figure.alt
    assert "stage 2 18 ch 10, stage 2 36 ch" in figure.alt


def test_column_is_the_longest_way():
    blocks, edges = _read_graph(summarize())
    bands = _arrange(blocks, edges)
    assert blocks["ASPP a"].column == blocks["ASPP b"].column == 3
    assert blocks["decoder"].column == 4
    assert bands[4][1] - bands[4][0] == 2


def test_layer_table_tells_the_totals(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", shown.append)
    figures.show_layer_table(summarize(), "Tiny")
    html = shown[0].to_html()
    assert "10,620 parameters, 9.9 k MACs" in html
    assert "16×32×48" in html
    assert "1/4" in html


def test_atrous_taps_outside_are_counted(frame):
    figure = figures.atrous_rates(frame[0], [1, 2, 40], output_stride=4)
    assert figure.rows[0][0][0] == "rate 1 · spans 12 px · 9 of 9 taps inside"
    assert figure.rows[1][0][0] == "rate 40 · spans 324 px · 1 of 9 taps inside"
    picture = figure.rows[0][1][1]
    squares = (picture == np.round(255 * np.array(to_rgb(OKABE_ITO[1]))).astype(np.uint8)).all(axis=2)
    assert squares.sum() == 9 * 4 * 4
    assert squares[8:12, 16:20].all()  # up and left of the middle by two cells


def test_branches_show_shape_and_most_varied_channel(frame, rng):
    features = rng.normal(0, 0.01, (6, 9, 12))
    features[4] *= 500
    figure = branch_features(frame[0], {"deep branch": features}, channels=3)
    titles = [title for title, _ in figure.rows[0]]
    assert titles[1] == "mean of 6\n9×12"
    assert titles[2] == "channel 4"
