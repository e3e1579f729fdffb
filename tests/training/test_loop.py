"""The loop: what it leaves behind, and that a run which was cut off ends as one that was not."""

import pytest

from seg_helpers.training import loop


class Cut(BaseException):
    """Stands for a kill: nothing in the loop may catch it."""


def cut_at(monkeypatch, call: int):
    """Lets the `call`-th training step from here raise instead; returns what undoes it."""
    step, calls = loop._Trainer.train_step, [0]

    def train_step(self, batch, stage, criterion, where="", rate=0.0):
        calls[0] += bool(where)
        if where and calls[0] == call:
            raise Cut
        return step(self, batch, stage, criterion, where, rate)

    monkeypatch.setattr(loop._Trainer, "train_step", train_step)


RUNS = {
    "plain": {},
    "workers": {"workers": 1},
    "frozen first": {"stages": [{"epochs": 1, "unfreeze": 0}, {"epochs": 1, "unfreeze": 1}, {"epochs": 1}]},
    "averaged": {"ema": 0.8},
    "range test": {"stages": [{"epochs": 1}, {"epochs": 2, "learning_rate": "range_test"}]},
    "momentum": {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "gradient_clip": 1.0},
    "every other validation": {"evaluation": {"every": 2}},
}


@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("step", [4, 6])  # in the second epoch and in the third, of two steps each
def test_a_cut_off_run_ends_as_a_whole_one(bench, experiment, monkeypatch, changes, step):
    config = experiment(**changes)
    whole = bench.train(config, "whole")
    with monkeypatch.context() as patch:
        cut_at(patch, step)
        with pytest.raises(Cut):
            bench.train(config, "cut")
    resumed = bench.train(config, "cut")
    assert bench.outcome(resumed, "cut") == bench.outcome(whole, "whole")
