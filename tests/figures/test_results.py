from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures
from seg_helpers.evaluation.statistics import score_counts
from seg_helpers.experiments.runner import choose_examples
from seg_helpers.figures.results import (
    CORRECT,
    NOT_SCORED,
    RANKS,
    WRONG,
    confusion_matrix,
    map_errors,
    show_class_table,
)


@pytest.fixture
def scores(confusions, classes):
    return score_counts({"confusion": confusions}, classes.names, 100, 0)


def examples_of(*rows):
    return pd.DataFrame(rows, columns=["kind", "frame", "mean_iou"])


def test_largest_confusions_are_shares_of_the_target(classes):
    confusion = np.zeros((11, 11), int)
    np.fill_diagonal(confusion, 100)
    confusion[2, 1], confusion[3, 4] = 300, 150
    caption = confusion_matrix(confusion, classes).caption
    assert "Largest confusions: 75% of Pole as Building and 60% of Road as Pavement." in caption


def test_error_map_tells_three_things(frame):
    label = frame[1]
    prediction = label.copy()
    prediction[label == 255] = 0
    prediction[30:, :5] = 0
    errors = map_errors(label, prediction)
    assert tuple(errors[0, 0]) == NOT_SCORED
    assert tuple(errors[35, 0]) == WRONG
    assert tuple(errors[20, 40]) == CORRECT


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


def test_the_legend_names_the_best_network_first(runs):
    figure = figures.accuracy_cost(runs.sort_values("parameters"), "parameters").figure
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["U-Net", "FCN-8s", "Fast-SCNN", "SegNet"]


def test_a_budget_buys_the_best_that_it_can_pay(runs, monkeypatch):
    shown = []
    monkeypatch.setattr("seg_helpers.figures.tables.display", lambda styler: shown.append(styler.data))
    runs = runs.assign(device=["here", "here", "there", "here"])
    figures.show_budgets(runs)
    table = shown[0].groupby("what is scarce")[["as much as you have", "take"]].agg(list)
    assert table.loc["Parameters"].tolist() == [
        [
            amount.replace(" ", "\N{NO-BREAK SPACE}")
            for amount in ("1.00 M to 2.00 M", "2.00 M to 6.00 M", "6.00 M or more")
        ],
        ["Fast-SCNN", "FCN-8s", "U-Net"],
    ]
    assert table.loc["Training time", "take"] == ["FCN-8s", "U-Net"]  # the third was trained on another machine
    assert shown[0]["against the best"].max() == 0


def test_reliability_is_what_is_right_less_what_was_believed(make_run):
    bins = np.array([[[100, 30, 40.0], [0, 0, 0]], [[100, 50, 40.0], [800, 800, 720]]])  # two frames, two bins
    run = make_run(counts={"test": {"confidence": bins}}, final_split="test")
    line = figures.reliability_diagram([run]).figure.axes[0].lines[1]
    assert line.get_xdata() == pytest.approx([0.4, 0.9])
    assert line.get_ydata() == pytest.approx([0.0, 0.1])


def test_published_results_are_named_with_their_source(monkeypatch):
    shown = []
    monkeypatch.setattr("seg_helpers.figures.tables.display", shown.append)
    figures.show_published("camvid")
    figures.show_published("sample")
    table, words = shown
    assert table.data["source"].str.startswith("https://").all()
    assert table.data["mean IoU"].between(0.3, 0.9).all()
    assert "Nobody has published" in words.data


def test_a_leaderboard_links_its_networks_and_draws_their_intervals(runs):
    board = figures.tables.style_leaderboard(runs, "All", {"U-Net": "04_unet.html"}, scale=(0.2, 0.7)).to_html()
    assert '<a href="04_unet.html">U-Net</a>' in board
    assert "#0000 76.0%, var(--accent, #0072b2) 0 84.0%" in board  # from 0.58 to 0.62
    assert "calc(80.0% - 1.5px)" in board


def test_class_table_holds_the_recorded_scores_under_their_names(scores, confusions, classes, monkeypatch):
    shown = []
    monkeypatch.setattr("seg_helpers.figures.tables.display", lambda styler: shown.append(styler.data))
    show_class_table(SimpleNamespace(title="Net", final_split="test", scores={"test": scores}), classes)
    names = ["class", "IoU", "95% interval", "Dice", "recall", "precision", "share of pixels"]
    table = shown[0]
    assert list(table) == names
    assert table["IoU"].dropna().is_monotonic_decreasing
    total = confusions.sum(0)
    sky = table[table["class"] == "Sky"].iloc[0]
    assert sky["recall"] == total[0, 0] / total[0].sum()
    assert sky["95% interval"] == "{:.3f} to {:.3f}".format(*scores["per_class"]["Sky"]["iou_interval"])
    absent = table.iloc[-1]  # in neither target nor prediction
    assert (absent["class"], absent["95% interval"]) == ("Bicyclist", "–")
    assert np.isnan(absent["IoU"])


def test_absent_classes_are_left_out(confusions, classes):
    figure = confusion_matrix(confusions.sum(0), classes)
    names = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert names == list(classes.names[:10])


def test_panels_tell_the_share_of_wrong_pixels_and_resize_predictions(frame, confusions, make_run, prepare):
    label = frame[1]
    prediction = np.where(label == 1, 3, label).astype(np.uint8)
    wrong = (label == 1).sum() / (label != 255).sum()
    for shown in (prediction, np.kron(prediction, np.ones((2, 2), np.uint8))):
        parts = {
            "suspect_frames": [],
            "sound_confusions": confusions,
            "read_prediction": lambda name, shown=shown: shown,
        }
        run = make_run(examples=examples_of(("worst", "test/f1", 0.4)), **parts)
        figure = figures.example_panels(run, prepare({"test/f1": frame}))
        titles = [title for title, _ in figure.rows[0]]
        assert titles == ["lowest · IoU 0.40", "target", "prediction", f"errors · {100 * wrong:.0f}% wrong"]
        assert "lowest test/f1." in figure.caption


def test_every_frame_is_shown_once_by_its_rank(frame, confusions, make_run, prepare):
    rows = [("good", "a", 0.51), ("good", "b", 0.5), ("typical", "c", 0.4), ("typical", "c", 0.4)]
    rows += [("worst", "d", 0.1), ("worst", "e", 0.2), ("shared", "f", 0.6)]
    parts = {"suspect_frames": ["d"], "sound_confusions": confusions, "read_prediction": lambda name: frame[1]}
    run = make_run(examples=examples_of(*rows), **parts)
    figure = figures.example_panels(run, prepare(dict.fromkeys("abce", frame)))
    # d's label seems wrong: it is not shown as what the network does worst
    assert "90th percentile a; 80th percentile b; median c; 5th percentile e." in figure.caption
    assert "Of 6 frames, the median has" in figure.caption


def test_ranks_are_those_that_runs_keep():
    hits = np.arange(101)  # of 101 frames, whose place among all is their percentile
    confusions = np.array([[[hit, 100 - hit], [100 - hit, hit]] for hit in hits])
    places = {"median": 50, "lowest": 0}
    for kind, ranks in RANKS.items():
        wanted = [places.get(rank) if rank in places else int(rank.split("th")[0]) for rank in ranks]
        assert choose_examples(confusions)[kind] == wanted


def test_class_iou_is_the_mean_over_seeds():
    values = [("A", 0.2), ("B", 0.5), ("A", 0.4)]
    runs = [
        SimpleNamespace(
            name=title.lower(),
            title=title,
            final_split="test",
            scores={"test": {"per_class": {"Sky": {"iou": iou}, "Car": {"iou": None}}}},
        )
        for title, iou in values
    ]
    table = figures.class_iou(runs)
    assert table["Sky"].round(6).to_dict() == {"A": 0.3, "B": 0.5}
    assert table["Car"].isna().all()


def test_class_map_is_ordered_by_mean(classes, rng):
    scores = pd.DataFrame(rng.random((3, 11)), ["low", "high", "middle"], classes.names)
    scores.loc["low"] *= 0.1
    scores.loc["high"] = 0.9
    figure = figures.class_scores_map(scores.assign(Sky=np.nan)).figure
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["high", "middle", "low"]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == list(classes.names[1:])


def test_wall_shows_the_frames_that_all_runs_kept(frame, make_run, prepare, classes):
    label = frame[1]
    wrong = np.full_like(label, 5)
    kept = examples_of(("shared", "a", 0.1), ("shared", "b", 0.1), ("worst", "c", 0.1))
    runs = [
        make_run("good", examples=kept, read_prediction=lambda name: label),
        make_run("bad", examples=kept[1:], read_prediction=lambda name: wrong),
    ]
    panels = [row[0] for row in figures.prediction_wall(runs, prepare({"b": frame})).rows]
    assert [title for title, _ in panels] == ["b", "target", "good", "bad"]
    for (_, picture), mask in zip(panels[1:], (label, label, wrong), strict=True):
        assert (picture == classes.colorize(mask)).all()


def test_forest_counts_what_is_clear_and_says_how():
    table = pd.DataFrame({"name": ["x", "y"], "difference": [0.1, 0.01], "low": [0.05, -0.01], "high": [0.15, 0.03]})
    table = table.assign(each=[(0.12, 0.08), (0.01,)], block=[20, 8], clear=[True, False])
    figure = figures.difference_forest(table, "Best minus …")
    assert "over blocks of 8 and 20 frames. Dark (1 of 2)" in figure.caption
    assert "the mean over seeds" in figure.caption
    assert "x +0.100, y +0.010" in figure.alt


def test_cost_bars_tell_every_value():
    table = pd.DataFrame({"name": ["a", "b"], "parameters": [2e6, 1e6], "mean_iou": [0.5, 0.25]})
    columns = {"parameters": "Parameters", "mean_iou": "Mean IoU"}
    figure = figures.cost_bars(table, columns, "What they cost.")
    assert figure.alt == "Parameters: a 2.00 M, b 1.00 M. Mean IoU: a 0.5, b 0.25"
    assert [bar.get_width() for bar in figure.figure.axes[0].patches] == [2e6, 1e6]
