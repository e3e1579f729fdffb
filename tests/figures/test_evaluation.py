import numpy as np
import pandas as pd

from seg_helpers import figures
from seg_helpers.figures.evaluation import CORRECT, NOT_SCORED, WRONG


def test_largest_confusions_are_shares_of_the_truth(classes):
    confusion = np.zeros((11, 11), int)
    np.fill_diagonal(confusion, 100)
    confusion[2, 1], confusion[3, 4] = 300, 150
    table = figures.largest_confusions(confusion, classes)
    assert table[["truth", "prediction"]].to_numpy().tolist() == [["Pole", "Building"], ["Road", "Pavement"]]
    assert table["share"].tolist() == [0.75, 0.6]


def test_confusion_finding_states_the_numbers(classes):
    confusion = np.zeros((11, 11), int)
    np.fill_diagonal(confusion, 100)
    confusion[2, 2], confusion[2, 1] = 0, 100
    text = figures.confusion_finding(confusion, classes)
    assert "100% of **Pole** is called Building" in text
    assert "Pole is never found" in text
    assert figures.confusion_finding(np.eye(11, dtype=int), classes) == "Not one scored pixel is wrong."


def test_absent_classes_are_left_out(confusions, classes):
    figure = figures.confusion_matrix(confusions.sum(0), classes)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == list(classes.names[:10])
    scores = figures.tabulate_scores(confusions, classes, samples=100)
    assert np.isnan(scores["iou"].iloc[10])
    assert "Bicyclist: in neither truth nor prediction" in figures.class_finding(scores)
    assert "Bicyclist" not in figures.class_bars(scores).seg_alt


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
    assert f"{100 * wrong:.0f}% of its pixels wrong" in figure.seg_alt
    assert len(figure.axes) == 4


def test_frame_scores_and_variants(confusions):
    figure = figures.frame_scores(confusions, {"worst": 0.3})
    assert "6 frames" in figure.seg_caption
    table = pd.DataFrame(
        {"name": ["32s", "8s"], "score": [0.5, 0.6], "low": [0.4, 0.5], "high": [0.55, 0.65]}
    )
    assert "8s is best with 0.600, 0.100 ahead of 32s" in figures.score_intervals(table, "Heads").seg_caption
