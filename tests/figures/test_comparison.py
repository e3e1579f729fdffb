import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba

from seg_helpers import figures
from seg_helpers.figures.style import BLUE


def test_front_holds_what_nothing_beats(runs):
    figure = figures.accuracy_cost(runs, "parameters")
    assert figure.caption.endswith("Fast-SCNN, FCN-8s and U-Net.")


def test_a_network_keeps_its_color_and_marker_whatever_the_cost(runs):
    drawn = []
    runs = runs.assign(latency_milliseconds=runs["parameters"].to_numpy()[::-1])
    for cost in ("parameters", "latency_milliseconds"):  # two orders of the same networks
        lines = figures.accuracy_cost(runs, cost).figure.axes[0].lines
        points = [line for line in lines if line.get_marker() != "None"]
        drawn.append({line.get_ydata()[0]: (line.get_color(), line.get_marker()) for line in points})
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0].values())) == len(runs)


def test_one_run_is_enough(runs):
    assert figures.accuracy_cost(runs.iloc[:1]).alt


def test_class_map_is_ordered_by_mean(classes, rng):
    scores = pd.DataFrame(rng.random((3, 11)), ["low", "high", "middle"], classes.names)
    scores.loc["low"] *= 0.1
    scores.loc["high"] = 0.9
    figure = figures.class_scores_map(scores, classes)
    assert [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()] == ["high", "middle", "low"]


def test_wall_scores_what_it_shows(frame, classes):
    image, label = frame
    wrong = np.full_like(label, 5)
    figure = figures.prediction_wall([image], [label], {"bad": [wrong], "good": [label]}, classes, ["f1"])
    assert "good 1.000 and bad 0.000" in figure.alt
    assert len(figure.figure.axes) == 4


def test_long_names_stay_beside_their_rows(frame, classes):
    image, label = frame
    models = ["U-Net", "Mini-HRNet 2 (fewer modules)", "Mini-HRNet 3 (lighter block)"]
    predictions = {name: [label] * 4 for name in models}
    figure = figures.prediction_wall([image] * 4, [label] * 4, predictions, classes, list("abcd"))
    figure.figure.canvas.draw()
    for axes in figure.figure.axes[::4]:
        name, row = axes.texts[0].get_window_extent(), axes.get_window_extent()
        assert name.x0 >= 0
        assert name.x1 <= row.x0
        assert row.y0 <= name.y0
        assert name.y1 <= row.y1


def test_forest_tells_each_difference_with_its_interval():
    table = pd.DataFrame({"name": ["x", "y"], "difference": [0.1, 0.01], "low": [0.05, -0.01], "high": [0.15, 0.03]})
    figure = figures.difference_forest(table, "Best minus …")
    assert "1 of 2 intervals leave zero out." in figure.caption
    assert "x +0.100 (+0.050 to +0.150) and y +0.010 (-0.010 to +0.030)" in figure.alt


def test_cost_bars_tell_every_value():
    table = pd.DataFrame({"name": ["a", "b"], "parameters": [2e6, 1e6], "mean_iou": [0.5, np.nan]})
    columns = {"parameters": "Parameters", "mean_iou": "Mean IoU"}
    figure = figures.cost_bars(table, columns, "What they cost.", highlight="b")
    assert "Parameters: a 2.00 M and b 1.00 M. Mean IoU: a 0.500 and b –." in figure.alt
    dark = [bar.get_facecolor() == to_rgba(BLUE) for bar in figure.figure.axes[0].patches]
    assert dark == [False, True]


def test_names_stand_beside_their_points_and_apart(runs):
    close = runs.assign(mean_iou=0.5, mean_iou_low=0.48, mean_iou_high=0.52, parameters=[4e6, 4.1e6, 4.2e6, 4.3e6])
    figure = figures.accuracy_cost(close, "parameters").figure
    figure.draw_without_rendering()
    names = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(names) == len(runs)
    assert not any(a.overlaps(b) for index, a in enumerate(names) for b in names[:index])
