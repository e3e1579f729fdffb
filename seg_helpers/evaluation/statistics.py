"""How sure a score is: the bootstrap over frames (Efron and Tibshirani, 1993, chapters 6 and 13)."""

from dataclasses import dataclass

import numpy as np

from seg_helpers.evaluation.metrics import class_scores, compute_metrics


def resample_frames(frames: int, samples: int, seed: int = 0) -> np.ndarray:
    """How often each frame is drawn in each bootstrap sample: (samples, frames) counts, rows summing to `frames`."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(frames, np.full(frames, 1 / frames), size=samples)


def bootstrap_interval(
    confusions: np.ndarray, metric: str = "mean_iou", samples: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of a metric when the test frames are drawn anew, with replacement.

    Neighboring video frames are alike, so the true uncertainty is larger; the interval is about these frames only.

    Args:
        confusions: (frames, C, C) pixel counts.
        metric: one of `METRICS`.
        samples: bootstrap samples.
        seed: of the draws.
        level: the interval's probability.
    """
    values = _metric_of_samples(confusions, metric, samples, seed)
    return tuple(float(v) for v in np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2]))


def bootstrap_classes(confusions: np.ndarray, samples: int = 1000, seed: int = 0, level: float = 0.95) -> np.ndarray:
    """Percentile intervals of each class's IoU: (C, 2); NaN for a class that never occurs."""
    iou = class_scores(_sum_samples(confusions, samples, seed))[0]
    out = np.full((iou.shape[1], 2), np.nan)
    known = ~np.isnan(iou).all(0)
    out[known] = np.nanquantile(iou[:, known], [(1 - level) / 2, (1 + level) / 2], axis=0).T
    return out


@dataclass(frozen=True)
class PairedDifference:
    """The difference of two models on the same frames: estimate, interval, and the share of samples above zero."""

    difference: float
    low: float
    high: float
    share_above_zero: float


def compare_paired(
    first: np.ndarray, second: np.ndarray, metric: str = "mean_iou", samples: int = 1000, seed: int = 0
) -> PairedDifference:
    """Bootstraps `first - second`, both scored on the same drawn frames.

    Args:
        first, second: (frames, C, C) pixel counts of the same frames in the same order.

    Raises:
        ValueError: the two were not scored on as many frames.
    """
    if first.shape != second.shape:
        raise ValueError(f"paired comparison needs the same frames and classes: {first.shape} and {second.shape}")
    estimate = float(compute_metrics(first.sum(0))[metric] - compute_metrics(second.sum(0))[metric])
    values = _metric_of_samples(first, metric, samples, seed) - _metric_of_samples(second, metric, samples, seed)
    low, high = np.nanquantile(values, [0.025, 0.975])
    return PairedDifference(estimate, float(low), float(high), float((values > 0).mean()))


def _metric_of_samples(confusions: np.ndarray, metric: str, samples: int, seed: int) -> np.ndarray:
    return compute_metrics(_sum_samples(confusions, samples, seed))[metric]


def _sum_samples(confusions: np.ndarray, samples: int, seed: int) -> np.ndarray:
    counts = resample_frames(len(confusions), samples, seed).astype(np.float64)
    return np.tensordot(counts, confusions.astype(np.float64), axes=1)
