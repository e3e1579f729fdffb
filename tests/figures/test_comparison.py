import numpy as np
import pandas as pd

from seg_helpers import figures


def test_front_holds_what_nothing_beats(runs):
    figure = figures.accuracy_cost(runs, "parameters")
    assert figure.seg_caption.endswith("Fast-SCNN, FCN-8s and U-Net.")


def test_a_network_keeps_its_color_and_marker_whatever_the_cost(runs):
    drawn = []
    runs = runs.assign(latency_milliseconds=runs["parameters"].to_numpy()[::-1])
    for cost in ("parameters", "latency_milliseconds"):  # two orders of the same networks
        lines = figures.accuracy_cost(runs, cost).axes[0].lines
        points = [line for line in lines if line.get_marker() != "None"]
        drawn.append({line.get_ydata()[0]: (line.get_color(), line.get_marker()) for line in points})
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0].values())) == len(runs)


def test_one_run_is_enough(runs):
    assert figures.accuracy_cost(runs.iloc[:1]).seg_alt


def test_class_map_is_ordered_by_mean(classes, rng):
    scores = pd.DataFrame(rng.random((3, 11)), ["low", "high", "middle"], classes.names)
    scores.loc["low"] *= 0.1
    scores.loc["high"] = 0.9
    figure = figures.class_scores_map(scores, classes)
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["high", "middle", "low"]


def test_wall_scores_what_it_shows(frame, classes):
    image, label = frame
    wrong = np.full_like(label, 5)
    figure = figures.prediction_wall([image], [label], {"bad": [wrong], "good": [label]}, classes, ["f1"])
    assert "good 1.000 and bad 0.000" in figure.seg_alt
    assert len(figure.axes) == 4


def test_long_names_stay_beside_their_rows(frame, classes):
    image, label = frame
    models = ["U-Net", "Mini-HRNet 2 (fewer modules)", "Mini-HRNet 3 (lighter block)"]
    predictions = {name: [label] * 4 for name in models}
    figure = figures.prediction_wall([image] * 4, [label] * 4, predictions, classes, list("abcd"))
    figure.canvas.draw()
    for axes in figure.axes[::4]:
        name, row = axes.texts[0].get_window_extent(), axes.get_window_extent()
        assert name.x0 >= 0
        assert name.x1 <= row.x0
        assert row.y0 <= name.y0
        assert name.y1 <= row.y1


def test_forest_tells_each_difference_with_its_interval():
    table = pd.DataFrame(
        {"name": ["x", "y"], "difference": [0.1, 0.01], "low": [0.05, -0.01], "high": [0.15, 0.03]}
    )
    figure = figures.difference_forest(table, "Best minus …")
    assert "1 of 2 intervals leave zero out." in figure.seg_caption
    assert "x +0.100 (+0.050 to +0.150) and y +0.010 (-0.010 to +0.030)" in figure.seg_alt


def test_latency_by_size():
    table = pd.DataFrame(
        {"name": "a", "height": [360, 720], "width": [480, 960], "milliseconds": [20.0, 100]}
    )
    figure = figures.latency_by_size(table)
    assert "100 ms (10.0 frames a second) at 720×960" in figure.seg_caption
