"""The scores of a split, made of what was counted of its frames."""

from collections.abc import Mapping, Sequence

import numpy as np

from seg_helpers.evaluation.metrics import (
    METRICS,
    calibration_error,
    compute_metrics,
    mean_boundary_iou,
    tabulate_classes,
)
from seg_helpers.evaluation.statistics import bootstrap_classes, bootstrap_interval


def score_counts(counts: Mapping[str, np.ndarray], names: Sequence[str], samples: int, seed: int) -> dict:
    """Every metric of a split, with bootstrap intervals, and of each class.

    Args:
        counts: kind to an array, a row a frame (`seg_helpers.evaluation.counts`); at least `confusion`.
        names: of the classes.

    Returns:
        Plain numbers for JSON, None where a score does not exist: each of `METRICS`, `NAME_interval`; where they were
        counted `mean_boundary_iou` and `calibration_error`; `per_class` and the number of `frames`.
    """
    confusions = counts["confusion"]
    total = confusions.sum(0)
    scores = {name: _number(value) for name, value in compute_metrics(total).items()}
    for metric in METRICS:
        scores[f"{metric}_interval"] = list(bootstrap_interval(confusions, metric, samples, seed))
    if "boundary" in counts:
        scores["mean_boundary_iou"] = _number(mean_boundary_iou(counts["boundary"].sum(0)))
    if "confidence" in counts:
        scores["calibration_error"] = _number(calibration_error(counts["confidence"].sum(0)))
    intervals = bootstrap_classes(confusions, samples, seed)
    classes = tabulate_classes(total, names)
    scores["per_class"] = {
        name: {k: _number(v) for k, v in row.items()} | {"iou_interval": [_number(v) for v in interval]}
        for (name, row), interval in zip(classes.to_dict("index").items(), intervals, strict=True)
    }
    scores["frames"] = len(confusions)
    return scores


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
