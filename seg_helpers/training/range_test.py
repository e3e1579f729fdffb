"""The learning-rate range test (Smith, arXiv 1506.01186, section 3.3)."""

import copy
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from seg_helpers.training.losses import TrainingDiverged
from seg_helpers.training.optimizers import set_learning_rate

SMOOTHING = 0.8  # of the exponential mean over the steps' losses
DIVERGED = 4.0  # the test ends when the smoothed loss is so many times its lowest


@dataclass(frozen=True)
class RangeTest:
    """A range test's curve and what it suggests.

    Attributes:
        curve: a row a step: learning_rate, loss, smoothed_loss.
        suggestion: the learning rate where the smoothed loss falls fastest over the logarithm of the rate.
        reason: that choice in a sentence.
    """

    curve: pd.DataFrame
    suggestion: float
    reason: str


def run_range_test(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[dict],
    step: Callable[[dict], float],
    *,
    where: str = "range test",
    low: float = 1e-5,
    high: float = 0.1,
    steps: int = 40,
) -> RangeTest:
    """Raises the learning rate exponentially from `low` to `high`, one optimizer step each, and watches the loss.

    Weights, buffers, optimizer and random states are put back afterwards, bit for bit. Processes that share the run
    end and choose as one, as long as `step` gives all of them the loss of the whole batch.

    Args:
        model: the network under training.
        optimizer: its optimizer; groups keep the ratio of their peaks.
        batches: at least one batch; repeated when it runs out.
        step: trains on one batch with the optimizer's present learning rate and returns the loss.
        where: what is tested, for messages.
        low, high: the range.
        steps: optimizer steps at the most.

    Raises:
        TrainingDiverged: the loss grew, or was no number, within three steps; there is no rate to suggest.
    """
    before = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    mode = {name: module.training for name, module in model.named_modules()}
    random_states = random.getstate(), np.random.get_state()  # noqa: NPY002
    peak = max(group["peak"] for group in optimizer.param_groups)
    rows, smoothed, lowest = [], None, math.inf
    stream = _repeat(batches)
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            for i in range(steps):
                rate = low * (high / low) ** (i / max(steps - 1, 1))
                set_learning_rate(optimizer, rate / peak)
                loss = step(next(stream))
                if not math.isfinite(loss):
                    break
                smoothed = loss if smoothed is None else SMOOTHING * smoothed + (1 - SMOOTHING) * loss
                rows.append((rate, loss, smoothed))
                lowest = min(lowest, smoothed)
                if smoothed > DIVERGED * lowest:
                    break
    finally:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        optimizer.zero_grad(set_to_none=True)
        for name, module in model.named_modules():
            module.training = mode[name]
        random.setstate(random_states[0])
        np.random.set_state(random_states[1])  # noqa: NPY002
    if len(rows) < 3:
        raise TrainingDiverged(
            f"{where}: the range test's loss is {loss:.3g} in its step {i + 1}, at a learning rate of only {rate:.1e}; "
            f"name a lower learning_rate in place of range_test, or try precision=fp32"
        )
    return _suggest(pd.DataFrame(rows, columns=["learning_rate", "loss", "smoothed_loss"]))


def _suggest(curve: pd.DataFrame) -> RangeTest:
    lowest = int(curve.smoothed_loss.idxmin())
    until = curve.iloc[: max(lowest, 2) + 1]  # beyond the lowest loss there is nothing to learn from
    slope = np.gradient(until.smoothed_loss.to_numpy(), np.log10(until.learning_rate.to_numpy()))
    steepest = int(slope.argmin())
    rate = float(until.learning_rate.iloc[steepest])
    reason = (
        f"the smoothed loss falls fastest at {rate:.1e} ({slope[steepest]:.2f} for each factor of ten) and is lowest "
        f"at {curve.learning_rate[lowest]:.1e}"
    )
    return RangeTest(curve, rate, reason)


def _repeat(batches: Iterable[dict]):
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise ValueError("the range test was given no batch")
