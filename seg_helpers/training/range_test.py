"""The learning-rate range test (Smith, arXiv 1506.01186, section 3.3)."""

import math
from collections.abc import Callable, Iterable
from itertools import count

import numpy as np
import pandas as pd

from seg_helpers.training.losses import TrainingDiverged

LOW, HIGH, STEPS = 1e-5, 0.1, 40  # the first and the last learning rate, and how many there are
SMOOTHING = 0.8  # of the exponential mean over the steps' losses
DIVERGED = 4.0  # the test ends when the smoothed loss is so many times its lowest


def run_range_test(step: Callable[[dict, float], float], batches: Iterable[dict], where: str) -> dict:
    """Raises the learning rate exponentially from `LOW` to `HIGH`, one optimizer step each, and watches the loss.

    Processes that share the run end and choose as one, as long as `step` gives all of them the loss of the whole batch.

    Args:
        step: trains on one batch at one learning rate and returns the loss; what it trains is spoiled afterwards.
        batches: at least one; repeated when they run out.
        where: what is tested, for messages.

    Returns:
        What a run's record keeps: `rate`, the learning rate to use; `reason`, that choice in a sentence; `curve`, an
        entry a step: `learning_rate`, `loss`, `smoothed_loss`.

    Raises:
        TrainingDiverged: the loss grew, or was no number, within three steps; there is no learning rate to suggest.
    """
    rows, smoothed, lowest = [], None, math.inf
    endless = (batch for _ in count() for batch in batches)
    for number, batch in zip(range(STEPS), endless, strict=False):
        learning_rate = LOW * (HIGH / LOW) ** (number / (STEPS - 1))
        loss = step(batch, learning_rate)
        if not math.isfinite(loss):
            break
        smoothed = loss if smoothed is None else SMOOTHING * smoothed + (1 - SMOOTHING) * loss
        rows.append((learning_rate, loss, smoothed))
        lowest = min(lowest, smoothed)
        if smoothed > DIVERGED * lowest:
            break
    if len(rows) < 3:
        raise TrainingDiverged(
            f"{where}: the range test's loss is {loss:.3g} in its step {number + 1}, at a learning rate of only "
            f"{learning_rate:.1e}; name a lower learning_rate in place of range_test, or try precision=fp32"
        )
    curve = pd.DataFrame(rows, columns=["learning_rate", "loss", "smoothed_loss"])
    rate, reason = suggest_rate(curve)
    return {"rate": rate, "reason": reason, "curve": curve.to_dict("list")}


def suggest_rate(curve: pd.DataFrame) -> tuple[float, str]:
    """The learning rate at which a curve's smoothed loss falls fastest over its logarithm, and that in a sentence."""
    lowest = int(curve.smoothed_loss.idxmin())
    until = curve.iloc[: max(lowest, 2) + 1]  # beyond the lowest loss there is nothing to learn from
    slope = np.gradient(until.smoothed_loss.to_numpy(), np.log10(until.learning_rate.to_numpy()))
    steepest = int(slope.argmin())
    learning_rate = float(until.learning_rate.iloc[steepest])
    reason = (
        f"the smoothed loss falls fastest at {learning_rate:.1e} ({slope[steepest]:.2f} for each factor of ten) and is "
        f"lowest at {curve.learning_rate[lowest]:.1e}"
    )
    return learning_rate, reason
