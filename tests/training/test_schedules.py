"""Learning-rate curves against torch's own schedulers, step by step."""

import math

import pytest
import torch
from torch.optim import lr_scheduler

from seg_helpers.config import ScheduleConfig
from seg_helpers.training.schedules import learning_rate_factor

PEAK = 0.3


def curve(schedule, steps):
    return [PEAK * learning_rate_factor(ScheduleConfig(**schedule), i, steps) for i in range(steps)]


def torch_curve(build, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)
    scheduler = build(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


REFERENCES = {
    "poly": ({"name": "poly", "power": 0.9}, lambda o, n: lr_scheduler.PolynomialLR(o, n, 0.9)),
    "poly, squared": ({"name": "poly", "power": 2}, lambda o, n: lr_scheduler.PolynomialLR(o, n, 2)),
    "cosine": ({"name": "cosine"}, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n - 1)),
    "one-cycle": (
        {"name": "one_cycle", "pct_start": 0.3},
        lambda o, n: lr_scheduler.OneCycleLR(o, PEAK, total_steps=n, pct_start=0.3, cycle_momentum=False),
    ),
    "one-cycle, late": (
        {"name": "one_cycle", "pct_start": 0.71},
        lambda o, n: lr_scheduler.OneCycleLR(o, PEAK, total_steps=n, pct_start=0.71, cycle_momentum=False),
    ),
    "none": ({"name": "none"}, lambda o, n: lr_scheduler.ConstantLR(o, 1.0)),
}


@pytest.mark.parametrize(("schedule", "build"), REFERENCES.values(), ids=REFERENCES)
@pytest.mark.parametrize("steps", [7, 50, 333])
def test_curves_are_torchs(schedule, build, steps):
    assert curve(schedule, steps) == pytest.approx(torch_curve(lambda o: build(o, steps), steps), rel=1e-6, abs=1e-12)


NAMES = ["poly", "cosine", "one_cycle", "none"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize("pct_start", [0.1, 0.2, 0.25, 0.3, 0.5, 0.9])
def test_short_runs_have_a_rate_at_every_step(name, steps, pct_start):
    """However few the steps: never negative, never above the peak, never not a number."""
    rates = curve({"name": name, "pct_start": pct_start}, steps)
    assert all(math.isfinite(rate) and 0 <= rate <= PEAK * (1 + 1e-9) for rate in rates)


def test_one_cycle_reaches_its_peak_where_it_should():
    rates = curve({"name": "one_cycle", "pct_start": 0.3}, 100)
    assert rates.index(max(rates)) == 29
    assert max(rates) == pytest.approx(PEAK)
    assert rates[0] == pytest.approx(PEAK / 25)
    assert rates[-1] == pytest.approx(PEAK / 25 / 1e4)
