"""The loop: what it leaves behind, and that a run which was cut off ends as one that was not."""

import copy
import json

import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from tiny_network import NUM_CLASSES, SIZE, TinyNetwork
from torch.utils._python_dispatch import TorchDispatchMode

from seg_helpers.classes import VOID
from seg_helpers.config import LossConfig
from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.counts import count_confusion, count_pairs
from seg_helpers.evaluation.metrics import METRICS, compute_metrics
from seg_helpers.training import loop
from seg_helpers.training.checkpoints import find_state, load_weights
from seg_helpers.training.loop import TrainingDiverged, describe_epoch, scale_batch
from seg_helpers.training.losses import SegmentationLoss
from seg_helpers.training.schedules import learning_rate_factor

aten = torch.ops.aten


class Cut(BaseException):
    """Stands for a kill: nothing in the loop may catch it."""


def wrap_steps(monkeypatch, before=None, after=None):
    """Calls `before(trainer, number)` and `after(trainer, number)` around each training step, counted from 1."""
    step, number = loop.Trainer.train_step, [0]

    def train_step(self, model, *rest):
        in_epoch = model is self.model  # a range test trains a copy
        number[0] += in_epoch
        if in_epoch and before:
            before(self, number[0])
        result = step(self, model, *rest)
        if in_epoch and after:
            after(self, number[0])
        return result

    monkeypatch.setattr(loop.Trainer, "train_step", train_step)


def cut_at(monkeypatch, step):
    def cut(trainer, number):
        if number == step:
            raise Cut

    wrap_steps(monkeypatch, before=cut)


RUNS = {
    "plain": {},
    "worker process": {"workers": 1},
    "frozen first": {"stages": [{"epochs": 1, "unfreeze": 0}, {"epochs": 1, "unfreeze": 1}, {"epochs": 1}]},
    "averaged": {"ema": 0.8},
    "range test": {"stages": [{"epochs": 1}, {"epochs": 2, "learning_rate": "range_test"}], "workers": 1},
    "momentum": {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "gradient_clip": 1.0},
    "every other validation": {"evaluation": {"every": 2}},
    "bfloat16": {"precision": "bf16"},
}


@pytest.mark.parametrize("changes", RUNS.values(), ids=RUNS)
def test_a_run_cut_off_twice_ends_as_a_whole_one(bench, experiment, monkeypatch, changes):
    config = experiment(**changes)
    whole = bench.train(config, "whole")
    for epochs_done in (1, 2):  # of two steps each, and each time the fourth step is cut off
        with monkeypatch.context() as patch:
            cut_at(patch, 4)
            with pytest.raises(Cut):
                bench.train(config, "cut")
        assert find_state(bench.folder / "cut" / "last").name == f"epoch_000{epochs_done}"
    resumed = bench.train(config, "cut")
    assert bench.outcome(resumed, "cut") == bench.outcome(whole, "whole")


def test_a_run_cut_off_in_its_first_epoch_starts_anew(bench, experiment, monkeypatch):
    whole = bench.train(experiment(), "whole")
    with monkeypatch.context() as patch:
        cut_at(patch, 2)
        with pytest.raises(Cut):
            bench.train(experiment(), "cut")
    assert find_state(bench.folder / "cut" / "last") is None
    assert bench.outcome(bench.train(experiment(), "cut"), "cut") == bench.outcome(whole, "whole")


def test_a_state_that_was_never_finished_is_not_resumed(bench, experiment, monkeypatch):
    """A kill while the second epoch's state is written: the first epoch's stands, the part is ignored."""
    whole = bench.train(experiment(), "whole")

    def cut(accelerator, folder, epoch):
        if epoch == 2:
            (folder / ".partial_0002").mkdir()
            (folder / ".partial_0002" / "model.safetensors").write_bytes(b"half")
            raise Cut
        save_state(accelerator, folder, epoch)

    save_state = loop.save_state
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_state", cut)
        with pytest.raises(Cut):
            bench.train(experiment(), "cut")
    assert len(pd.read_csv(bench.folder / "cut" / "history.csv")) == 2  # ahead of the state by an epoch
    resumed = bench.train(experiment(), "cut")
    assert bench.outcome(resumed, "cut") == bench.outcome(whole, "whole")
    assert len(pd.read_csv(bench.folder / "cut" / "history.csv")) == 3


def test_the_same_run_twice_is_the_same_and_another_seed_is_not(bench, experiment):
    first, second = (bench.outcome(bench.train(experiment(), name), name) for name in ("first", "second"))
    assert first == second
    other = bench.outcome(bench.train(experiment(seed=1), "other"), "other")
    assert other[0] != first[0]


def test_workers_do_not_change_a_run(bench, experiment):
    """Without dropout, that is: starting workers draws from the random state."""
    losses = []
    for workers in (0, 1, 2):
        torch.manual_seed(0)
        state = bench.train(experiment(workers=workers), f"{workers}", model=TinyNetwork(dropout=0.0))
        losses.append([row["train_loss"] for row in state.history])
    assert losses[0] == losses[1] == losses[2]


def test_the_history_has_a_row_an_epoch(bench, experiment):
    config = experiment(epochs=4, evaluation={"every": 2}, stages=[{"epochs": 1}, {"epochs": 1}])
    state = bench.train(config)
    history = pd.read_csv(bench.folder / "run" / "history.csv")
    assert history.epoch.tolist() == [1, 2, 3, 4]
    assert history.stage.tolist() == [1, 1, 2, 2]
    assert history.val_mean_iou.notna().tolist() == [False, True, False, True]
    for name in ("loss", *METRICS):
        assert history[f"train_{name}"].notna().all()
        assert f"val_{name}" in history
    assert (history.seconds > 0).all()
    assert state.seconds == pytest.approx(history.seconds.sum())
    rates = [0.02 * learning_rate_factor(config.schedule, 2 * epoch - 1, 8) for epoch in (1, 2, 3, 4)]
    assert history.learning_rate.tolist() == pytest.approx(rates)  # an epoch's row has its last step's rate


def test_the_last_epoch_is_always_validated(bench, experiment):
    state = bench.train(experiment(epochs=3, evaluation={"every": 2}))
    assert ["val_mean_iou" in row for row in state.history] == [False, True, True]


def test_training_scores_are_counted_over_the_epoch(bench, experiment):
    """A rate too small to move a weight: loss and metrics are those of one pass, by pixels and not by batches."""
    config = experiment(epochs=1, schedule={"name": "none"}, optimizer={"name": "sgd", "learning_rate": 1e-30})
    model = TinyNetwork(dropout=0.0)
    twin, loader = copy.deepcopy(model).train(), bench.loader(config)
    state = bench.train(config, model=model)
    loader.dataset.set_epoch(0)
    losses, pixels, confusion = 0.0, 0, 0
    criterion = SegmentationLoss(LossConfig(), bench.pixel_counts)
    for batch in loader:
        images, labels = unpack_batch(batch)
        logits, scored = twin(images), int((labels != VOID).sum())
        losses, pixels = losses + criterion(logits, labels).item() * scored, pixels + scored
        confusion += count_confusion(logits.argmax(1), labels, NUM_CLASSES).numpy()
    assert state.history[0]["train_loss"] == pytest.approx(losses / pixels, rel=1e-5)
    assert state.history[0]["train_mean_iou"] == pytest.approx(compute_metrics(confusion)["mean_iou"], rel=1e-6)


def script(bench, mean_ious, seen=None):
    """An evaluation that gives these scores in turn and keeps a copy of each network that it is shown."""
    scores = iter(mean_ious)

    def evaluate(network, criterion):
        if seen is not None:
            seen.append(copy.deepcopy(network.state_dict()))
        return {"loss": 1.0, "mean_iou": next(scores), "pixel_accuracy": 0.5}

    return evaluate


def test_the_best_weights_are_those_of_the_best_epoch(bench, experiment):
    seen = []
    state = bench.train(experiment(epochs=4), evaluate=script(bench, [0.1, 0.4, 0.4, 0.3], seen))
    assert (state.best_epoch, state.best_mean_iou) == (2, 0.4)  # the earlier of two equals
    assert [row["is_best"] for row in state.history] == [True, True, False, False]
    network = TinyNetwork()
    load_weights(network, bench.folder / "run" / "best.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(value, seen[1][name]), name
    assert not torch.equal(seen[1]["head.weight"], seen[3]["head.weight"])


def test_a_run_stops_when_it_no_longer_improves_and_stays_stopped(bench, experiment, capsys):
    config = experiment(epochs=9, patience=2)
    state = bench.train(config, evaluate=script(bench, [0.1, 0.3, 0.2, 0.3, 0.9]))
    assert (state.epoch, state.best_epoch) == (4, 2)
    assert "stopped early: no better val mean IoU since epoch 2" in capsys.readouterr().out
    again = bench.train(config, evaluate=script(bench, []))  # killed while it was scored, say, and started again
    assert bench.outcome(again) == bench.outcome(state)


def test_patience_counts_validations(bench, experiment):
    config = experiment(epochs=9, patience=2, evaluation={"every": 2})
    state = bench.train(config, evaluate=script(bench, [0.3, 0.1, 0.2]))
    assert (state.epoch, state.best_epoch) == (6, 2)


def test_a_run_that_improves_is_not_stopped(bench, experiment, capsys):
    state = bench.train(experiment(epochs=4, patience=1), evaluate=script(bench, [0.1, 0.2, 0.3, 0.1]))
    assert state.epoch == 4
    assert "stopped early" not in capsys.readouterr().out


def test_a_loss_that_is_no_number_stops_with_step_rate_and_remedy(bench, experiment):
    rate = {"learning_rate": 3e37}
    optimizer = {"name": "sgd", "learning_rate": 0.01}
    config = experiment(stages=[{"epochs": 1}, {"epochs": 2} | rate], optimizer=optimizer, schedule={"name": "none"})
    with pytest.raises(TrainingDiverged) as error:
        bench.train(config)
    said = str(error.value)
    assert "run tiny: the loss is " in said
    assert "at epoch 2, step 2, learning rate 3.00e+37" in said  # its first step was still made with a finite loss
    assert "lower optimizer.learning_rate" in said
    assert find_state(bench.folder / "run" / "last").name == "epoch_0001"


STAGES = [{"epochs": 2, "unfreeze": 0}, {"epochs": 1, "unfreeze": 1}, {"epochs": 1}]


def test_frozen_stages_leave_their_part_bit_for_bit(bench, experiment):
    seen, model = [], TinyNetwork()
    before = copy.deepcopy(model.state_dict())
    bench.train(
        experiment(epochs=4, stages=STAGES, optimizer={"learning_rate": 0.1, "weight_decay": 0.5, "decay": "all"}),
        model=model,
        evaluate=script(bench, [0.1] * 4, seen),
    )

    def moved(then, now):
        return {name for name in now if not torch.equal(now[name], then[name])}

    names = set(before)
    first = {name for name in names if name.startswith("encoder.0.")}
    second = {name for name in names if name.startswith("encoder.1.")}
    states = [before, *seen]
    for epoch, still in enumerate((first | second, first | second, first, set())):
        assert moved(states[epoch], states[epoch + 1]) == names - still


def test_stages_have_their_own_rate_loss_and_scale(bench, experiment, monkeypatch):
    sizes, losses = [], []
    criterion = loop.SegmentationLoss

    def build_criterion(config, *rest):
        losses.append(config)
        return criterion(config, *rest)

    class Watched(TinyNetwork):
        def forward(self, images):
            if self.training:
                sizes.append(tuple(images.shape[-2:]))
            return super().forward(images)

    monkeypatch.setattr(loop, "SegmentationLoss", build_criterion)
    dice = {"terms": [{"name": "dice"}]}
    stages = [{"epochs": 1, "scale": 0.5, "learning_rate": 0.004, "loss": dice}, {"epochs": 1, "scale": 0.6}]
    state = bench.train(experiment(epochs=2, stages=stages, schedule={"name": "none"}), model=Watched())
    assert [row["learning_rate"] for row in state.history] == pytest.approx([0.004, 0.02])
    assert [config.terms[0].name for config in losses] == ["dice", "cross_entropy"]
    assert sizes == [(8, 12)] * 2 + [(12, 16)] * 2  # 0.6 of 16x24 is 10x14, padded to multiples of 4


def test_a_schedule_spans_the_run_or_each_stage(bench, experiment):
    rates = {}
    for span in ("run", "stage"):
        schedule = {"name": "poly", "power": 1.0, "span": span}
        state = bench.train(experiment(epochs=4, stages=[{"epochs": 1}, {"epochs": 1}], schedule=schedule), span)
        rates[span] = [row["learning_rate"] / 0.02 for row in state.history]
    assert rates["run"] == pytest.approx([7 / 8, 5 / 8, 3 / 8, 1 / 8])
    assert rates["stage"] == pytest.approx([3 / 4, 1 / 4, 3 / 4, 1 / 4])


def test_a_range_test_chooses_a_stages_rate_and_is_recorded(bench, experiment, capsys):
    stages = [{"epochs": 1}, {"epochs": 2, "learning_rate": "range_test"}]
    state = bench.train(experiment(stages=stages, schedule={"name": "none"}))
    assert list(state.range_tests) == [1]
    found = state.range_tests[1]["rate"]
    assert 1e-5 <= found <= 0.1
    assert [row["learning_rate"] for row in state.history] == pytest.approx([0.02, found, found])
    record = json.loads(json.dumps(state.range_tests))["1"]
    assert set(record["curve"]) == {"learning_rate", "loss", "smoothed_loss"}
    assert f"range test: {record['reason']}" in capsys.readouterr().out


def test_a_range_test_that_diverges_at_once_stops_the_run_in_a_sentence(bench, experiment):
    class Broken(TinyNetwork):
        def forward(self, images):
            return super().forward(images) * float("nan")

    stages = [{"epochs": 1, "learning_rate": "range_test"}]
    with pytest.raises(TrainingDiverged) as error:
        bench.train(experiment(stages=stages), model=Broken())
    assert str(error.value).startswith(
        "run tiny, stage 1: the range test's loss is nan in its step 1, at a learning rate of"
    )


def test_capped_class_weights_are_said_once(bench, experiment, capsys):
    bench.pixel_counts = [1_000_000, 1000, 1]
    bench.train(experiment(loss={"class_weights": "inverse"}, stages=[{"epochs": 1}, {"epochs": 2}]))
    said = "tiny: class weights (inverse): 2 of 3 are held at 200 times the smallest"
    assert capsys.readouterr().out.count(said) == 1
    bench.train(experiment(loss={"class_weights": "log_inverse"}), "other")
    assert "held" not in capsys.readouterr().out


def test_a_range_test_leaves_the_network_and_its_optimizer_alone(bench, experiment, monkeypatch):
    config = experiment(ema=0.5, stages=[{"epochs": 1}, {"epochs": 2, "learning_rate": "range_test"}])
    choose, traces = loop.Trainer.choose_max_lr, []

    def trace(trainer):
        return copy.deepcopy(
            {
                "network": trainer.network.state_dict(),
                "average": trainer.ema.state_dict(),
                "moments": trainer.optimizer.state_dict()["state"],
                "gradients": {name: p.grad for name, p in trainer.network.named_parameters()},
                "trained": [module.training for module in trainer.network.modules()],
                "random": torch.get_rng_state(),
            }
        )

    def watch(trainer, *arguments):
        before, number = trace(trainer), len(trainer.state.range_tests)
        max_lr = choose(trainer, *arguments)
        if len(trainer.state.range_tests) > number:
            traces.append((before, trace(trainer)))
        return max_lr

    monkeypatch.setattr(loop.Trainer, "choose_max_lr", watch)
    bench.train(config)
    ((before, after),) = traces
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_a_range_test_does_not_change_the_batches_that_follow(bench, experiment):
    """At the rate that it chose the stage goes as if that had been named: same order, same dropout, same average."""
    tested = bench.train(experiment(ema=0.5, stages=[{"epochs": 1, "learning_rate": "range_test"}]), "tested")
    named = bench.train(
        experiment(ema=0.5, stages=[{"epochs": 1, "learning_rate": tested.range_tests[0]["rate"]}]), "named"
    )
    assert bench.outcome(tested, "tested")[0] == bench.outcome(named, "named")[0]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_averaged_weights_are_what_is_validated_and_kept(bench, experiment, monkeypatch, precision):
    average, seen = {}, []

    def follow(trainer, number):
        for name, parameter in trainer.network.named_parameters():
            value = parameter.detach().clone()
            average[name] = value if number == 1 else 0.9 * average[name] + 0.1 * value

    def evaluate(network, criterion):
        bare = TinyNetwork()
        bare.load_state_dict(network.state_dict())
        images = torch.randn(2, 3, *SIZE)
        with torch.inference_mode():  # its own weights answer, not those of the network that it averages
            torch.testing.assert_close(network.eval()(images), bare.eval()(images), atol=0.05, rtol=0.05)
        seen.append({name: value.clone() for name, value in network.named_parameters()})
        for name, value in seen[-1].items():
            torch.testing.assert_close(value, average[name], atol=1e-5, rtol=1e-4)
        return {"loss": 1.0, "mean_iou": float(len(seen))}

    wrap_steps(monkeypatch, after=follow)
    model = TinyNetwork()
    bench.train(experiment(ema=0.9, precision=precision), model=model, evaluate=evaluate)
    kept = TinyNetwork()
    load_weights(kept, bench.folder / "run" / "best.safetensors")
    for name, value in kept.named_parameters():
        assert torch.equal(value, seen[-1][name])
        assert not torch.equal(value, dict(model.named_parameters())[name])
    # batch-norm statistics are not averaged: they are the network's own
    assert torch.equal(kept.norm[0].running_mean, model.norm[0].running_mean)


def test_auxiliary_heads_are_trained(bench, experiment):
    model = TinyNetwork(auxiliary=True)
    before = model.auxiliary_head.weight.detach().clone()
    bench.train(experiment(epochs=1), model=model)
    assert not torch.equal(model.auxiliary_head.weight, before)


def test_gradients_are_clipped(bench, experiment, monkeypatch):
    norms = []

    def measure(trainer, number):
        squares = [p.grad.square().sum() for p in trainer.network.parameters() if p.grad is not None]
        norms.append(torch.stack(squares).sum().sqrt().item())

    wrap_steps(monkeypatch, after=measure)
    bench.train(experiment(epochs=1), "free")
    free = list(norms)
    norms.clear()
    bench.train(experiment(epochs=1, gradient_clip=0.01), "clipped")
    assert min(free) > 0.01
    assert norms == pytest.approx([0.01, 0.01], rel=1e-3)


def test_the_network_learns(bench, experiment):
    model = TinyNetwork(dropout=0.0)
    state = bench.train(experiment(epochs=12, optimizer={"learning_rate": 0.05}), model=model)
    assert state.history[-1]["train_loss"] < 0.7 * state.history[0]["train_loss"]
    assert state.best_mean_iou > 0.6


def test_batches_are_scaled_images_by_averaging_and_labels_by_nearest():
    images = torch.rand(2, 3, 16, 24)
    labels = torch.randint(0, NUM_CLASSES, (2, 4, 6)).repeat_interleave(4, 1).repeat_interleave(4, 2)
    labels[:, 12:] = VOID
    small, small_labels = scale_batch(images, labels, 0.5, 1)
    torch.testing.assert_close(small, F.interpolate(images, (8, 12), mode="bilinear", antialias=True))
    assert torch.equal(small_labels, labels[:, ::2, ::2])
    assert small_labels.dtype == torch.int64


def test_batches_are_padded_with_void():
    images, labels = torch.rand(1, 3, 10, 13), torch.randint(0, NUM_CLASSES, (1, 10, 13))
    padded, padded_labels = scale_batch(images, labels, 1.0, 8)
    assert padded.shape[-2:] == padded_labels.shape[-2:] == (16, 16)
    assert torch.equal(padded[..., :10, :13], images)
    assert torch.equal(padded_labels[:, :10, :13], labels)
    assert (padded_labels[:, 10:] == VOID).all()
    assert (padded_labels[..., 13:] == VOID).all()


def test_batches_at_full_size_and_stride_are_not_touched():
    images, labels = torch.rand(1, 3, 16, 24), torch.zeros(1, 16, 24, dtype=torch.long)
    same, same_labels = scale_batch(images, labels, 1.0, 8)
    assert same is images
    assert torch.equal(same_labels, labels)


def test_an_epoch_is_told_in_one_line():
    row = {"epoch": 2, "train_loss": 0.5, "seconds": 30.0, "val_loss": 0.25, "val_mean_iou": 0.6181, "is_best": True}
    said = describe_epoch(row, 4, 31.0)
    assert said == "epoch   2/4, train loss 0.500, val loss 0.250, val mean IoU 0.618 best, 30 s, 1 min 02 s left"
    last = {"epoch": 4, "train_loss": 0.5, "seconds": 30.0, "is_best": False}
    assert describe_epoch(last, 4, 31.0) == "epoch   4/4, train loss 0.500, 30 s"


class NothingWaits(TorchDispatchMode):
    """Refuses what a GPU would have to be waited for: values, or sizes that depend on them."""

    refused = (aten._local_scalar_dense, aten.bincount, aten.nonzero, aten.masked_select, aten.equal)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        by_mask = function is aten.index.Tensor and any(i is not None and i.dtype == torch.bool for i in args[1])
        assert function.overloadpacket not in self.refused, function
        assert not by_mask, "indexed by a mask"
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("terms", [["cross_entropy", "dice"], ["focal"]])
def test_no_step_waits_for_a_gpu(bench, experiment, terms, precision):
    loss = {"terms": [{"name": name} for name in terms], "class_weights": "log_inverse"}
    config = experiment(loss=loss, gradient_clip=1.0, precision=precision)
    trainer = bench.trainer(config)
    criterion = SegmentationLoss(config.loss, bench.pixel_counts)
    batch = next(iter(bench.loader(config)))
    trainer.train_step(
        trainer.model, trainer.optimizer, batch, 0.5, criterion
    )  # the first one makes the optimizer's state
    with NothingWaits():
        loss, logits, target = trainer.train_step(trainer.model, trainer.optimizer, batch, 0.5, criterion)
        count_pairs(logits.max(1).indices, target)
        with pytest.raises(AssertionError, match="_local_scalar_dense"):
            loss.item()
