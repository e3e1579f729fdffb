"""Metrics against torchmetrics and against sets of pixels counted one class at a time."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
)

from seg_helpers.classes import VOID
from seg_helpers.evaluation.counts import count_confusion
from seg_helpers.evaluation.metrics import METRICS, class_scores, compute_metrics, tabulate_classes

NUM_CLASSES = 7
ABSENT = {
    "all present": ((), ()),
    "absent from the truth": ((2,), ()),
    "absent from the prediction": ((), (4,)),
    "absent from both": ((0, 5), (0, 5)),
    "absent in every way": ((0, 2, 6), (0, 4, 6)),
    "one class in the truth": ((1, 2, 3, 4, 5, 6), ()),
}


@pytest.fixture(params=ABSENT.values(), ids=ABSENT)
def pixels(request) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions and labels (4, 24, 32), a fifth of them void, some classes absent."""
    generator = np.random.default_rng(11)
    from_truth, from_prediction = request.param
    truth = generator.choice([c for c in range(NUM_CLASSES) if c not in from_truth], (4, 24, 32))
    found = generator.choice([c for c in range(NUM_CLASSES) if c not in from_prediction], truth.shape)
    right = generator.random(truth.shape) < 0.5
    found[right & ~np.isin(truth, from_prediction)] = truth[right & ~np.isin(truth, from_prediction)]
    truth[generator.random(truth.shape) < 0.2] = VOID
    return torch.from_numpy(found), torch.from_numpy(truth)


def reference(metric, pixels, average):
    return metric(*pixels, num_classes=NUM_CLASSES, average=average, ignore_index=VOID).double().numpy()


def test_metrics_agree_with_torchmetrics(pixels):
    confusion = count_confusion(*pixels, NUM_CLASSES).numpy()
    metrics = compute_metrics(confusion)
    in_truth, in_either = confusion.sum(1) > 0, (confusion.sum(0) + confusion.sum(1)) > 0
    # torchmetrics gives 0 to a class that does not occur; means over those that do occur are the same thing
    iou = reference(multiclass_jaccard_index, pixels, "none")
    expected = {
        "mean_iou": iou[in_either].mean(),
        "pixel_accuracy": reference(multiclass_accuracy, pixels, "micro"),
        "mean_class_accuracy": reference(multiclass_accuracy, pixels, "none")[in_truth].mean(),
        "mean_dice": reference(multiclass_f1_score, pixels, "none")[in_either].mean(),
        "frequency_weighted_iou": reference(multiclass_jaccard_index, pixels, "weighted"),
    }
    assert set(expected) == set(METRICS) == set(metrics)
    for name, value in expected.items():
        assert metrics[name] == pytest.approx(value, abs=1e-6), name
    assert metrics["mean_iou"] == pytest.approx(reference(multiclass_jaccard_index, pixels, "macro"), abs=1e-6)


def test_metrics_agree_with_sets_of_pixels(pixels):
    found, truth = (array.numpy().ravel() for array in pixels)
    scored = truth != VOID
    found, truth = found[scored], truth[scored]
    ious, dices, recalls, weighted = [], [], [], 0.0
    for index in range(NUM_CLASSES):
        here, there = set(np.flatnonzero(truth == index)), set(np.flatnonzero(found == index))
        if not here | there:
            continue
        ious.append(len(here & there) / len(here | there))
        dices.append(2 * len(here & there) / (len(here) + len(there)))
        weighted += len(here) / len(truth) * ious[-1]
        if here:
            recalls.append(len(here & there) / len(here))
    metrics = compute_metrics(count_confusion(*pixels, NUM_CLASSES).numpy())
    assert metrics["mean_iou"] == pytest.approx(np.mean(ious), abs=1e-12)
    assert metrics["mean_dice"] == pytest.approx(np.mean(dices), abs=1e-12)
    assert metrics["mean_class_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-12)
    assert metrics["pixel_accuracy"] == pytest.approx((found == truth).mean(), abs=1e-12)
    assert metrics["frequency_weighted_iou"] == pytest.approx(weighted, abs=1e-12)


def test_class_scores_agree_with_torchmetrics_where_they_exist(pixels):
    confusion = count_confusion(*pixels, NUM_CLASSES).numpy()
    table = tabulate_classes(confusion, [f"class {i}" for i in range(NUM_CLASSES)])
    columns = {
        "iou": (multiclass_jaccard_index, confusion.sum(0) + confusion.sum(1)),
        "dice": (multiclass_f1_score, confusion.sum(0) + confusion.sum(1)),
        "recall": (multiclass_accuracy, confusion.sum(1)),
        "precision": (multiclass_precision, confusion.sum(0)),
    }
    for column, (metric, denominator) in columns.items():
        exists = denominator > 0
        assert np.isnan(table[column][~exists]).all()
        np.testing.assert_allclose(table[column][exists], reference(metric, pixels, "none")[exists], atol=1e-6)
    assert table["pixel_share"].sum() == pytest.approx(1)
    assert table.index.name == "class"
    iou, dice, _ = class_scores(confusion)
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou))


def test_a_stack_is_scored_matrix_by_matrix():
    confusions = np.random.default_rng(3).integers(0, 9, (5, 2, 4, 4))
    confusions[1, 0, 2], confusions[1, 0, :, 2] = 0, 0
    stacked = compute_metrics(confusions)
    for place in np.ndindex(5, 2):
        single = compute_metrics(confusions[place])
        for name in METRICS:
            assert stacked[name][place] == single[name]


def test_counts_come_before_ratios():
    """Two frames of unequal size: the set's score is not the mean of the frames'."""
    confusions = np.array([[[90, 0], [0, 10]], [[0, 1], [1, 0]]])
    assert compute_metrics(confusions.sum(0))["pixel_accuracy"] == pytest.approx(100 / 102)
    assert compute_metrics(confusions)["pixel_accuracy"].mean() == 0.5


def test_nothing_scored_is_not_a_number_and_no_warning(recwarn):
    metrics = compute_metrics(np.zeros((3, 3), int))
    assert all(np.isnan(value) for value in metrics.values())
    assert not recwarn.list


def test_a_perfect_prediction_scores_one_whatever_is_absent():
    metrics = compute_metrics(np.diag([5, 0, 3]))
    assert all(value == 1 for value in metrics.values())
