"""Metrics from counts (`counts`): sum over the whole set first, divide once.

A class that neither the truth nor the prediction holds has no score (NaN) and is left out of means; it is not 0 or 1.
The definitions are those of FCN (Long et al., arXiv 1411.4038, section 5), with Dice = 2 IoU / (1 + IoU) a class.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

METRICS = ("mean_iou", "pixel_accuracy", "mean_class_accuracy", "mean_dice", "frequency_weighted_iou")


def compute_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """All metrics of one confusion matrix, or of a stack of them.

    Args:
        confusion: (..., C, C) pixel counts, rows the truth; sum over frames first for a set's score.

    Returns:
        Each of `METRICS` as an array of shape (...); NaN where no pixel was scored.
    """
    iou, dice, accuracy = class_scores(confusion)
    truth = confusion.sum(-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).sum(-1)
    total = truth.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "mean_iou": _mean(iou),
            "pixel_accuracy": hits / total,
            "mean_class_accuracy": _mean(accuracy),
            "mean_dice": _mean(dice),
            "frequency_weighted_iou": np.nansum(truth * iou, -1) / total,
        }


def class_scores(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IoU, Dice and accuracy (recall) of each class: three arrays (..., C), NaN where there is nothing to divide by."""
    confusion = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    truth, found = confusion.sum(-1), confusion.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / (truth + found - hits), 2 * hits / (truth + found), hits / truth


def mean_boundary_iou(boundary: np.ndarray) -> np.ndarray:
    """The mean over classes of boundary IoU (Cheng et al., arXiv 2103.16562, section 4), at the distance counted at.

    Args:
        boundary: (..., C, 3) pixels near the target's boundary, near the prediction's, of both.

    Returns:
        (...); a class without a boundary in either is left out.
    """
    target, found, both = np.moveaxis(np.asarray(boundary, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _mean(both / (target + found - both))


def calibration_error(confidence: np.ndarray) -> np.ndarray:
    """Expected calibration error (Guo et al., arXiv 1706.04599, equation 3).

    Args:
        confidence: (..., bins, 3) pixels, correct ones, summed confidence of each bin.

    Returns:
        (...) in 0..1; NaN where no pixel was scored.
    """
    pixels, correct, confident = np.moveaxis(np.asarray(confidence, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(correct - confident).sum(-1) / pixels.sum(-1)


def tabulate_classes(confusion: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row a class: iou, dice, accuracy (recall), precision, and its share of the scored pixels."""
    iou, dice, accuracy = class_scores(confusion)
    confusion = np.asarray(confusion, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.diagonal(confusion) / confusion.sum(0)
        share = confusion.sum(1) / confusion.sum()
    columns = {"iou": iou, "dice": dice, "accuracy": accuracy, "precision": precision, "pixel_share": share}
    return pd.DataFrame(columns, index=pd.Index(names, name="class"))


def _mean(scores: np.ndarray) -> np.ndarray:
    known = ~np.isnan(scores)
    with np.errstate(invalid="ignore"):
        return np.where(known, scores, 0).sum(-1) / known.sum(-1)
