import numpy as np

from seg_helpers import figures
from seg_helpers.figures.evaluation import CORRECT, NOT_SCORED, WRONG


def test_largest_confusions_are_shares_of_the_target(classes):
    confusion = np.zeros((11, 11), int)
    np.fill_diagonal(confusion, 100)
    confusion[2, 1], confusion[3, 4] = 300, 150
    caption = figures.confusion_matrix(confusion, classes).caption
    assert "Largest confusions: 75% of Pole as Building and 60% of Road as Pavement." in caption


def test_matrix_counts_the_pair_that_costs_most_pixels(classes):
    confusion = np.zeros((11, 11), int)
    np.fill_diagonal(confusion, 100)
    assert "wrong" not in figures.confusion_matrix(confusion, classes).caption
    confusion[3, 3], confusion[3, 4], confusion[4, 3], confusion[2, 1] = 1000, 50, 40, 60
    caption = figures.confusion_matrix(confusion, classes).caption
    assert "Largest confusions: 38% of Pole as Building" in caption
    assert "Of all wrong pixels, 60% confuse Road and Pavement." in caption


def test_class_table_calls_the_found_share_recall(confusions, classes, monkeypatch):
    shown = []
    monkeypatch.setattr("seg_helpers.figures.display.display", lambda styler: shown.append(styler.data))
    figures.show_class_table(figures.tabulate_scores(confusions, classes, samples=10), classes, "caption")
    assert {"recall", "precision"} <= set(shown[0])
    assert "accuracy" not in shown[0]


def test_absent_classes_are_left_out(confusions, classes):
    figure = figures.confusion_matrix(confusions.sum(0), classes)
    names = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert names == list(classes.names[:10])
    scores = figures.tabulate_scores(confusions, classes, samples=100)
    assert np.isnan(scores["iou"].iloc[10])
    assert "Bicyclist" not in figures.class_bars(scores).alt


def test_intervals_enclose_the_score(confusions, classes):
    scores = figures.tabulate_scores(confusions, classes, samples=200).dropna()
    assert (scores["low"] <= scores["iou"]).all()
    assert (scores["iou"] <= scores["high"]).all()


def test_error_map_tells_three_things(frame):
    label = frame[1]
    prediction = label.copy()
    prediction[label == 255] = 0
    prediction[30:, :5] = 0
    errors = figures.map_errors(label, prediction)
    assert tuple(errors[0, 0]) == NOT_SCORED
    assert tuple(errors[35, 0]) == WRONG
    assert tuple(errors[20, 40]) == CORRECT


def test_error_map_resizes_the_prediction_not_the_label(frame):
    label = frame[1]
    assert figures.map_errors(label, label[::2, ::2]).shape == (*label.shape, 3)


def test_panels_tell_the_share_of_wrong_pixels(frame, classes):
    image, label = frame
    prediction = np.where(label == 1, 3, label).astype(np.uint8)
    wrong = (label == 1).sum() / (label != 255).sum()
    shown = {
        "image": image,
        "label": label,
        "prediction": prediction,
        "name": "test/f1",
        "kind": "worst",
        "mean_iou": 0.4,
    }
    figure = figures.prediction_panels([shown], classes)
    assert f"{100 * wrong:.0f}% of its pixels wrong" in figure.alt
    assert len(figure.figure.axes) == 4


def test_every_marked_frame_has_its_triangle(confusions):
    marks = {"80th": 0.5, "lowest": 0.3, "90th": 0.51}
    figure = figures.frame_scores(confusions, marks)
    assert "6 frames" in figure.caption
    triangles = [line.get_xdata()[0] for line in figure.figure.axes[0].lines if line.get_marker() == "^"]
    assert sorted(triangles) == [0.3, 0.5, 0.51]
    heights = {text.get_text(): text.xyann[1] for text in figure.figure.axes[0].texts}
    assert heights["80th"] != heights["90th"]  # neighbors do not cover each other
