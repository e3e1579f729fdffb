"""The scores of a split and how sure they are: the bootstrap over blocks of neighboring frames, paired differences.

Efron and Tibshirani, 1993, chapters 6, 8 and 13; circular blocks: Politis and Romano, 1992; correction: Holm, 1979.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from seg_helpers.evaluation.metrics import METRICS, class_scores, compute_metrics, tabulate_classes, total_scores

ENDS = ((1 - 0.95) / 2, (1 + 0.95) / 2)  # of a 95% interval


@functools.lru_cache(maxsize=16)  # the runs of a page are scored on the same frames
def resample_frames(frames: int, samples: int, seed: int = 0, block: int = 1) -> np.ndarray:
    """How often each frame is drawn in each bootstrap sample: (samples, frames) counts, rows summing to `frames`.

    Blocks of `block` frames in a row are drawn whole, the last frame followed by the first, and the last block of a
    sample is cut short: frames that are alike because they are neighbors stay together.
    """
    generator = np.random.default_rng(seed)
    starts = generator.integers(frames, size=(samples, -(-frames // block)))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(samples, -1)[:, :frames] % frames
    offsets = np.arange(samples)[:, None] * frames
    return np.bincount((drawn + offsets).ravel(), minlength=samples * frames).reshape(samples, frames)


def choose_block(values: np.ndarray) -> int:
    """How many frames in a row a block needs, for scores of single frames in the order of the video.

    Four times the last lag at which their autocorrelation can be told from none (above 1.96 / sqrt(frames)), so that
    most frames of a block have the neighbors that they are like in it; 1 where not even neighbors are alike. At most a
    quarter of the frames: samples of few long blocks are nearly the split itself, and their intervals shrink.
    """
    deviations = np.nan_to_num(values - np.nanmean(values))
    frames, power = len(values), np.square(deviations).sum()
    longest = max(1, frames // 4)
    for lag in range(1, longest):
        if deviations[lag:] @ deviations[:-lag] <= 1.96 / np.sqrt(frames) * power:
            return min(max(1, 4 * (lag - 1)), longest)
    return longest


def bootstrap_interval(
    confusions: np.ndarray, metric: str = "mean_iou", samples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """The 95% percentile interval of a metric when blocks of the frames are drawn anew, with replacement.

    `confusions` are pixel counts (frames, C, C); a block is as long as `choose_block` says for the frames' metric.
    """
    block = choose_block(compute_metrics(confusions)[metric])
    values = compute_metrics(_sum_samples(confusions, samples, seed, block))[metric]
    low, high = np.nanquantile(values, ENDS)
    return float(low), float(high)


def bootstrap_classes(confusions: np.ndarray, samples: int = 1000, seed: int = 0) -> np.ndarray:
    """95% percentile intervals of each class's IoU: (C, 2); NaN for a class that never occurs.

    Blocks are as long as for the mean IoU.
    """
    block = choose_block(compute_metrics(confusions)["mean_iou"])
    iou = class_scores(_sum_samples(confusions, samples, seed, block))[0]
    out = np.full((iou.shape[1], 2), np.nan)
    known = ~np.isnan(iou).all(0)
    out[known] = np.nanquantile(iou[:, known], ENDS, axis=0).T
    return out


def score_counts(counts: Mapping[str, np.ndarray], names: Sequence[str], samples: int, seed: int) -> dict:
    """Every metric of a split, with bootstrap intervals, and of each class.

    Args:
        counts: kind to an array, a row a frame (`seg_helpers.evaluation.counts`); at least `confusion`.
        names: of the classes.

    Returns:
        Plain numbers for JSON, None where a score does not exist: those of `total_scores`; for each of `METRICS`
        `NAME_interval`; `per_class` and the number of `frames`.
    """
    confusions = counts["confusion"]
    scores = {name: _number(value) for name, value in total_scores(counts).items()}
    for metric in METRICS:
        scores[f"{metric}_interval"] = list(bootstrap_interval(confusions, metric, samples, seed))
    intervals = bootstrap_classes(confusions, samples, seed)
    classes = tabulate_classes(confusions.sum(0), names)
    scores["per_class"] = {
        name: {k: _number(v) for k, v in row.items()} | {"iou_interval": [_number(v) for v in interval]}
        for (name, row), interval in zip(classes.to_dict("index").items(), intervals, strict=True)
    }
    scores["frames"] = len(confusions)
    return scores


class PairedDifference(NamedTuple):
    """How much better one network scores than another on the same frames.

    Attributes:
        difference: of the metric over all frames; the mean over seeds.
        low, high: the ends of its 95% interval.
        p_value: two-sided, of no difference.
        block: frames in a block.
        each: the difference of each seed.
    """

    difference: float
    low: float
    high: float
    p_value: float
    block: int
    each: tuple[float, ...]


def compare_paired(
    first: np.ndarray, second: np.ndarray, metric: str = "mean_iou", samples: int = 1000, seed: int = 0
) -> PairedDifference:
    """Bootstraps `first - second`, both scored on the same drawn blocks of frames, as long as `choose_block` says.

    Args:
        first, second: (frames, C, C) pixel counts of the same frames in the same order; of networks that were trained
            with several seeds (seeds, frames, C, C), whose differences are averaged in each sample.
    """
    pair = [counts.reshape(-1, *counts.shape[-3:]) for counts in (first, second)]
    totals, of_frames = ([compute_metrics(c)[metric] for c in counts] for counts in ([c.sum(1) for c in pair], pair))
    each = totals[0] - totals[1]
    block = choose_block((of_frames[0] - of_frames[1]).mean(0))
    sampled = [compute_metrics(_sum_samples(counts, samples, seed, block))[metric] for counts in pair]
    values = (sampled[0] - sampled[1]).mean(1)
    low, high = np.nanquantile(values, ENDS)
    beyond = 1 + min((values <= 0).sum(), (values >= 0).sum())  # one more: no finite number of samples proves 0
    p_value = min(1.0, 2 * beyond / (samples + 1))
    return PairedDifference(float(each.mean()), float(low), float(high), p_value, block, tuple(each.tolist()))


def correct_holm(p_values: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction of the p-values of comparisons that are read together, in their order."""
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    corrected = np.empty_like(stepped)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected


def _sum_samples(confusions: np.ndarray, samples: int, seed: int, block: int) -> np.ndarray:
    """Drawn frames' counts (..., frames, C, C) added up: (samples, ..., C, C)."""
    counts = resample_frames(confusions.shape[-3], samples, seed, block).astype(np.float64)
    return np.tensordot(counts, confusions.astype(np.float64), axes=(1, -3))


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
