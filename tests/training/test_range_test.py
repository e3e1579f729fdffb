"""The learning-rate range test: it reads a curve."""

import itertools

import numpy as np
import pandas as pd
import pytest

from seg_helpers.training.losses import TrainingDiverged
from seg_helpers.training.range_test import run_range_test, suggest_rate


def test_learning_rates_rise_exponentially_and_batches_repeat():
    batches, seen = [{"image": 0}, {"image": 1}], []

    def step(batch, learning_rate):
        seen.append((batch["image"], learning_rate))
        return 1.0

    result = run_range_test(step, batches, "run unet")
    rates = result["curve"]["learning_rate"]
    assert rates == pytest.approx(np.geomspace(1e-5, 0.1, 40))
    assert seen == list(zip(itertools.islice(itertools.cycle([0, 1]), 40), rates, strict=True))


def scripted(losses):
    left = iter(losses)
    return run_range_test(lambda batch, learning_rate: next(left), [{}], "run unet, stage 2")


def test_the_loss_is_smoothed_and_the_test_ends_when_it_diverges():
    result = scripted([1.0, 0.5, 0.5, 30.0, 99.0])
    smoothed = [1.0, 0.9, 0.82, 0.82 * 0.8 + 6.0]
    assert result["curve"]["smoothed_loss"] == pytest.approx(smoothed)
    assert result["curve"]["loss"] == [1.0, 0.5, 0.5, 30.0]


@pytest.mark.parametrize("last", [float("nan"), float("inf")])
def test_the_test_ends_when_the_loss_is_no_number(last):
    assert len(scripted([3.0, 2.0, 1.0, 1.0, last, 1.0])["curve"]["loss"]) == 4


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-5, 0.1, 41)
    position = np.log10(rates)
    falling = 2 - 1 / (1 + np.exp(-6 * (position + 3)))  # steepest at 1e-3
    rising = np.maximum(position + 1.8, 0) * 5
    curve = pd.DataFrame({"learning_rate": rates, "loss": falling, "smoothed_loss": falling + rising})
    rate, reason = suggest_rate(curve)
    assert rate == pytest.approx(1e-3)
    assert "falls fastest at 1.0e-03" in reason
    assert f"is lowest at {rates[(falling + rising).argmin()]:.1e}" in reason


@pytest.mark.parametrize(
    ("losses", "last"), [([float("nan")], "nan"), ([1.0, 1.0, float("inf")], "inf"), ([1.0, 99.0], "99")]
)
def test_a_test_that_diverges_at_once_is_explained(losses, last):
    with pytest.raises(TrainingDiverged) as error:
        scripted(losses)
    rate = 1e-5 * 1e4 ** ((len(losses) - 1) / 39)
    said = f"run unet, stage 2: the range test's loss is {last} in its step {len(losses)}, at a learning rate of only {rate:.1e}"
    assert str(error.value).startswith(said)
    assert "name a lower learning_rate in place of range_test" in str(error.value)
