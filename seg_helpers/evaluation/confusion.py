"""Confusion matrices: integer pixel counts, rows the truth and columns the prediction; every score comes from them."""

import torch
from torch import Tensor

from seg_helpers.classes import VOID


def count_confusion(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Counts the pixels of each (truth, prediction) pair.

    Args:
        predictions: (...) integer class indices, each below `num_classes`.
        labels: (...) integers of the same shape; void (255) is not counted.
        num_classes: C.

    Returns:
        (C, C) int64.

    Raises:
        ValueError: the shapes differ, or an index is neither a class nor void.
    """
    if predictions.shape != labels.shape:
        raise ValueError(f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)} differ in shape")
    scored = labels != VOID
    truth, found = labels[scored].long(), predictions[scored].long()
    for name, indices in (("labels", truth), ("predictions", found)):
        if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < num_classes:
            low, high = int(indices.min()), int(indices.max())
            raise ValueError(f"{name} hold indices {low} to {high}; classes are 0 to {num_classes - 1}, void {VOID}")
    counts = torch.bincount(truth * num_classes + found, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)
