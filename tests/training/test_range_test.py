"""The learning-rate range test: it reads a curve and leaves no trace."""

import copy
import random

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from tiny_network import TinyNetwork

from seg_helpers.config import OptimizerConfig
from seg_helpers.training.losses import TrainingDiverged
from seg_helpers.training.optimizers import build_optimizer
from seg_helpers.training.range_test import _suggest, run_range_test
from seg_helpers.training.stages import freeze_encoder, train_mode


class Trial:
    """A network under training, the step that trains it, and all that must be as it was."""

    def __init__(self, name="adamw", steps_before=2):
        torch.manual_seed(0)
        self.network = TinyNetwork()
        self.optimizer = build_optimizer(self.network, OptimizerConfig(name=name, encoder_lr_mult=0.5))
        self.frozen = freeze_encoder(self.network, 1)
        self.batches = [{"image": torch.randn(2, 3, 8, 8), "label": torch.randint(0, 3, (2, 8, 8))} for _ in range(2)]
        self.rates, self.images = [], []
        for _ in range(steps_before):
            self.step(self.batches[0])
        train_mode(self.network, self.frozen)
        self.rates.clear()
        self.images.clear()

    def step(self, batch):
        self.rates.append([group["lr"] for group in self.optimizer.param_groups])
        self.images.append(batch["image"])
        train_mode(self.network, self.frozen)
        loss = F.cross_entropy(self.network(batch["image"]), batch["label"])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.network.eval()
        random.random(), np.random.random()  # noqa: NPY002
        return loss.item()

    def trace(self):
        return copy.deepcopy(
            {
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "modes": [module.training for module in self.network.modules()],
                "trained": [p.requires_grad for p in self.network.parameters()],
                "torch": torch.get_rng_state(),
                "numpy": np.random.get_state(),  # noqa: NPY002
                "python": random.getstate(),
            }
        )


def assert_same(first, second):
    """Equal in every bit, tensors and arrays within mappings and sequences included."""
    assert type(first) is type(second)
    if isinstance(first, torch.Tensor | np.ndarray):
        assert first.dtype == second.dtype
        assert np.asarray(first).tobytes() == np.asarray(second).tobytes()
    elif isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            assert_same(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    else:
        assert first == second


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("steps_before", [0, 2])
def test_it_leaves_everything_bit_for_bit(name, steps_before):
    trial = Trial(name, steps_before)
    before = trial.trace()
    run_range_test(trial.network, trial.optimizer, trial.batches, trial.step, steps=12)
    assert len(trial.rates) > 3
    assert_same(trial.trace(), before)
    assert all(p.grad is None for p in trial.network.parameters())


def test_it_leaves_everything_when_a_step_fails():
    trial = Trial()
    before = trial.trace()

    def fail(batch):
        if len(trial.rates) == 3:
            raise RuntimeError("out of memory")
        return trial.step(batch)

    with pytest.raises(RuntimeError, match="out of memory"):
        run_range_test(trial.network, trial.optimizer, trial.batches, fail)
    assert_same(trial.trace(), before)


def test_the_next_step_is_what_it_would_have_been():
    traces = []
    for tested in (True, False):
        trial = Trial()
        if tested:
            run_range_test(trial.network, trial.optimizer, trial.batches, trial.step, steps=10)
        trial.step(trial.batches[1])
        traces.append(trial.trace() | {"numpy": None, "python": None})  # those two are not seeded by Trial
    assert_same(*traces)


def test_rates_rise_exponentially_and_batches_repeat():
    trial = Trial("sgd")
    result = run_range_test(trial.network, trial.optimizer, trial.batches, trial.step, low=1e-5, high=1e-2, steps=7)
    assert result.curve.learning_rate.tolist() == pytest.approx(np.geomspace(1e-5, 1e-2, 7))
    assert [max(rates) for rates in trial.rates] == pytest.approx(np.geomspace(1e-5, 1e-2, 7))
    assert [min(rates) for rates in trial.rates] == pytest.approx(np.geomspace(0.5e-5, 0.5e-2, 7))
    assert all(images is trial.batches[i % 2]["image"] for i, images in enumerate(trial.images))


def scripted(losses, **options):
    trial = Trial("sgd")
    left = iter(losses)
    return run_range_test(trial.network, trial.optimizer, trial.batches, lambda _: next(left), **options)


def test_the_loss_is_smoothed_and_the_test_ends_when_it_diverges():
    result = scripted([1.0, 0.5, 0.5, 30.0, 99.0], steps=5)
    smoothed = [1.0, 0.9, 0.82, 0.82 * 0.8 + 6.0]
    assert result.curve.smoothed_loss.tolist() == pytest.approx(smoothed)
    assert result.curve.loss.tolist() == [1.0, 0.5, 0.5, 30.0]


@pytest.mark.parametrize("last", [float("nan"), float("inf")])
def test_the_test_ends_when_the_loss_is_no_number(last):
    assert len(scripted([3.0, 2.0, 1.0, 1.0, last, 1.0], steps=6).curve) == 4


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-5, 0.1, 41)
    position = np.log10(rates)
    falling = 2 - 1 / (1 + np.exp(-6 * (position + 3)))  # steepest at 1e-3
    rising = np.maximum(position + 1.8, 0) * 5
    curve = pd.DataFrame({"learning_rate": rates, "loss": falling, "smoothed_loss": falling + rising})
    result = _suggest(curve)
    assert result.suggestion == pytest.approx(1e-3)
    assert "falls fastest at 1.0e-03" in result.reason
    assert f"is lowest at {rates[(falling + rising).argmin()]:.1e}" in result.reason


@pytest.mark.parametrize(
    ("losses", "last"), [([float("nan")], "nan"), ([1.0, 1.0, float("inf")], "inf"), ([1.0, 99.0], "99")]
)
def test_a_test_that_diverges_at_once_is_explained(losses, last):
    with pytest.raises(TrainingDiverged) as error:
        scripted(losses, where="run unet, stage 2")
    rate = 1e-5 * 1e4 ** ((len(losses) - 1) / 39)
    said = f"run unet, stage 2: the range test's loss is {last} in its step {len(losses)}, at a learning rate of only {rate:.1e}"
    assert str(error.value).startswith(said)
    assert "name a lower learning_rate in place of range_test" in str(error.value)


def test_a_test_needs_a_batch():
    trial = Trial()
    with pytest.raises(ValueError, match="given no batch"):
        run_range_test(trial.network, trial.optimizer, [], trial.step)
