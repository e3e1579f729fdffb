"""Pixel counts: every scored pixel once, in its cell, and void nowhere."""

import numpy as np
import pytest
import torch

from seg_helpers.classes import VOID
from seg_helpers.evaluation.confusion import count_confusion


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
        ([0, 1], [0, 3], "labels hold indices 0 to 3; classes are 0 to 2, void 255"),
        ([0, 3], [0, 1], "predictions hold indices 0 to 3"),
        ([0, -1], [0, 1], "predictions hold indices -1 to 0"),
        ([0, 1, 2], [0, 1], r"predictions \(3,\) and labels \(2,\) differ in shape"),
    ],
)
def test_what_is_no_class_is_an_error(predictions, labels, said):
    with pytest.raises(ValueError, match=said):
        count_confusion(torch.tensor(predictions), torch.tensor(labels), 3)
