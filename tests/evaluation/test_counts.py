"""Counts of frames: every scored pixel once, in its cell, and void nowhere; boundaries and confidences by hand."""

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_cdt
from torchmetrics.functional.classification import multiclass_calibration_error

from seg_helpers.classes import VOID
from seg_helpers.evaluation.counts import count_boundaries, count_confidence, count_confusion
from seg_helpers.evaluation.metrics import calibration_error, mean_boundary_iou


def test_rows_are_the_truth_and_columns_the_prediction():
    labels = torch.tensor([[0, 0, 1], [2, 2, VOID]])
    predictions = torch.tensor([[0, 1, 1], [0, 2, 1]])
    expected = [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert count_confusion(predictions, labels, 3).tolist() == expected


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_counts_agree_with_counting_one_by_one(dtype):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 20, (3, 13, 17))
    labels[generator.random(labels.shape) < 0.2] = VOID
    predictions = generator.integers(0, 20, labels.shape)
    expected = np.zeros((20, 20), int)
    for truth, found in zip(labels.flat, predictions.flat, strict=True):
        if truth != VOID:
            expected[truth, found] += 1
    counted = count_confusion(torch.from_numpy(predictions).to(dtype), torch.from_numpy(labels).to(dtype), 20)
    assert counted.dtype == torch.int64  # 20 * 20 does not fit into 8 bits: what is counted must not wrap round
    assert (counted.numpy() == expected).all()


def test_an_all_void_label_counts_nothing():
    assert count_confusion(torch.zeros(4, 4).long(), torch.full((4, 4), VOID), 3).sum() == 0


def test_a_prediction_on_void_may_be_anything():
    assert count_confusion(torch.tensor([77, 1]), torch.tensor([VOID, 1]), 2).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("predictions", "labels", "said"),
    [
        ([0, 1], [0, 3], r"neither a class \(0 to 2\) nor, in the target, void \(255\)"),
        ([0, 3], [0, 1], "neither a class"),
        ([0, -1], [0, 1], "neither a class"),
        ([0, 1, 2], [0, 1], r"prediction \(3,\) and target \(2,\) differ in shape"),
    ],
)
def test_what_is_no_class_is_an_error(predictions, labels, said):
    with pytest.raises(ValueError, match=said):
        count_confusion(torch.tensor(predictions), torch.tensor(labels), 3)


def near_by_distance(classes, own, distance):
    """A class's pixels whose nearest pixel of another scored class is so many rows or columns away, by scipy."""
    other = (classes != own) & (classes != VOID)
    if not other.any():
        return np.zeros(classes.shape, bool)
    return (classes == own) & (distance_transform_cdt(~other, metric="chessboard") <= distance)


@pytest.mark.parametrize("distance", [1, 3])
def test_boundary_counts_agree_with_a_distance_transform_of_each_class(distance):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, (9, 11)).repeat(5, 0).repeat(5, 1)
    labels[generator.random(labels.shape) < 0.1] = VOID
    predictions = np.roll(labels, 2, axis=1)
    predictions[predictions == VOID] = 0
    counted = count_boundaries(torch.from_numpy(predictions), torch.from_numpy(labels), 4, distance).numpy()
    found, scores = np.where(labels == VOID, VOID, predictions), []
    for own in range(4):
        target, prediction = (near_by_distance(classes, own, distance) for classes in (labels, found))
        assert counted[own].tolist() == [target.sum(), prediction.sum(), (target & prediction).sum()]
        scores.append((target & prediction).sum() / (target | prediction).sum())
    assert mean_boundary_iou(counted) == pytest.approx(np.mean(scores))


def test_a_border_one_column_off_by_hand():
    """Two halves; the border predicted one column to the right: three columns a side are near it."""
    labels, predictions = (torch.zeros(4, 20).long() for _ in range(2))
    labels[:, 10:] = 1
    predictions[:, 11:] = 1
    # near the target: columns 7-9 and 10-12, near the prediction: 8-10 and 11-13; of both, and the same class: 8-9, 11-12
    assert count_boundaries(predictions, labels, 3).tolist() == [[12, 12, 8], [12, 12, 8], [0, 0, 0]]
    assert mean_boundary_iou(count_boundaries(predictions, labels, 3).numpy()) == 8 / 16  # the third class has none


def test_neither_void_nor_the_frames_edge_is_a_boundary():
    labels = torch.zeros(10, 10).long()
    labels[:5] = VOID
    assert count_boundaries(torch.zeros(10, 10).long(), labels, 2).sum() == 0
    assert count_boundaries(torch.ones(10, 10).long(), labels, 2).sum() == 0
    labels[0, 0] = 1  # ten rows from the road: beyond the void, too far
    assert count_boundaries(labels.where(labels != VOID, 0), labels, 2)[:, 0].tolist() == [0, 0]


def test_confidences_of_a_hand_worked_case():
    """Four pixels of two classes: 0.9 right, 0.9 wrong, 0.6 right, and a void one that is as sure as can be."""
    probability = torch.tensor([0.9, 0.9, 0.6, 1 - 1e-9], dtype=torch.float64)
    logits = torch.stack([probability, 1 - probability]).log().reshape(2, 1, 4)
    labels = torch.tensor([[0, 1, 0, VOID]])
    counted = count_confidence(logits, labels, bins=10).numpy()
    assert counted[8, :2].tolist() == [2, 1]  # 0.9 lies in (0.8, 0.9]
    assert counted[5, :2].tolist() == [1, 1]
    assert counted[:, 0].sum() == 3
    assert counted[8, 2] == pytest.approx(1.8)
    # |1/2 - 0.9| of two pixels and |1 - 0.6| of one: (2 * 0.4 + 1 * 0.4) / 3
    assert calibration_error(counted) == pytest.approx(0.4)
    assert np.isnan(calibration_error(counted * 0))


def test_calibration_error_agrees_with_torchmetrics_over_frames():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 5, 16, 20, generator=generator) * 2
    labels = torch.randint(0, 5, (3, 16, 20), generator=generator)
    labels[:, :3] = VOID
    counts = np.stack([count_confidence(*frame).numpy() for frame in zip(logits, labels, strict=True)])
    expected = multiclass_calibration_error(logits.softmax(1), labels, 5, n_bins=15, ignore_index=VOID)
    assert calibration_error(counts.sum(0)) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_quicker_maximum_chooses_as_argmax_does_between_equals(layout):
    logits = torch.randint(0, 3, (2, 12, 40, 50)).float().to(memory_format=layout)
    assert torch.equal(logits.max(1).indices, logits.argmax(1))
    assert torch.equal(logits[0].max(0).indices, logits[0].argmax(0))
