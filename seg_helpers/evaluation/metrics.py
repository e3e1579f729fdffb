"""Metrics from counts (`counts`): sum over the whole set first, divide once.

A class that neither the truth nor the prediction holds has no score (NaN) and is left out of means; it is not 0 or 1.
The definitions are those of FCN (Long et al., arXiv 1411.4038, section 5), with Dice = 2 IoU / (1 + IoU) a class.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

METRICS = ("mean_iou", "pixel_accuracy", "mean_class_accuracy", "mean_dice", "frequency_weighted_iou")


def compute_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Each of `METRICS` as (...) of (..., C, C) pixel counts, rows the truth; NaN where no pixel was scored.

    For a set's score, sum over its frames first.
    """
    iou, dice, recall = class_scores(confusion)
    truth = confusion.sum(-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).sum(-1)
    total = truth.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "mean_iou": _mean(iou),
            "pixel_accuracy": hits / total,
            "mean_class_accuracy": _mean(recall),
            "mean_dice": _mean(dice),
            "frequency_weighted_iou": np.nansum(truth * iou, -1) / total,
        }


def class_scores(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IoU, Dice and recall of each class: three arrays (..., C), NaN where there is nothing to divide by."""
    confusion = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    truth, found = confusion.sum(-1), confusion.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return hits / (truth + found - hits), 2 * hits / (truth + found), hits / truth


def mean_boundary_iou(boundary: np.ndarray) -> np.ndarray:
    """Boundary IoU (Cheng et al., arXiv 2103.16562, section 4), (...): the mean over the classes that have a boundary.

    `boundary` (..., C, 3) holds `count_boundaries`' pixels near the target's boundary, near the prediction's, of both.
    """
    target, found, both = np.moveaxis(np.asarray(boundary, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _mean(both / (target + found - both))


def calibration_error(confidence: np.ndarray) -> np.ndarray:
    """Expected calibration error (Guo et al., arXiv 1706.04599, equation 3), (...) in 0..1; NaN without a scored pixel.

    `confidence` (..., bins, 3) holds `count_confidence`'s pixels, correct ones and summed confidence of each bin.
    """
    pixels, correct, confident = np.moveaxis(np.asarray(confidence, dtype=np.float64), -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(correct - confident).sum(-1) / pixels.sum(-1)


def total_scores(counts: Mapping[str, np.ndarray]) -> dict[str, float]:
    """A set's `METRICS` and, where they were counted, `mean_boundary_iou` and `calibration_error`.

    `counts` has kind (`seg_helpers.evaluation.counts`; at least `confusion`) to an array, a row a frame.
    """
    scores = compute_metrics(counts["confusion"].sum(0))
    if "boundary" in counts:
        scores["mean_boundary_iou"] = mean_boundary_iou(counts["boundary"].sum(0))
    if "confidence" in counts:
        scores["calibration_error"] = calibration_error(counts["confidence"].sum(0))
    return {name: float(value) for name, value in scores.items()}


def tabulate_classes(confusion: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row a class: iou, dice, recall, precision, and its share of the scored pixels."""
    iou, dice, recall = class_scores(confusion)
    confusion = np.asarray(confusion, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.diagonal(confusion) / confusion.sum(0)
        share = confusion.sum(1) / confusion.sum()
    columns = {"iou": iou, "dice": dice, "recall": recall, "precision": precision, "pixel_share": share}
    return pd.DataFrame(columns, index=pd.Index(names, name="class"))


def _mean(scores: np.ndarray) -> np.ndarray:
    known = ~np.isnan(scores)
    with np.errstate(invalid="ignore"):
        return np.where(known, scores, 0).sum(-1) / known.sum(-1)
