"""A run that is killed and started again ends, byte for byte, as one that was left alone."""

import json
import signal

import pytest
import torch
from tiny import spoil

from seg_helpers.experiments.runner import TrainingStopped, get_run
from seg_helpers.training.loop import Trainer

STAGED = (
    "epochs=3",
    "model.options={decoder_channels: [16, 16, 8, 8, 8]}",
    "stages=[{epochs: 1, unfreeze: 0}, {epochs: 2, unfreeze: 2, scale: 0.5}]",
)


def test_a_run_killed_in_mid_epoch_ends_as_a_whole_one(laboratory, finished, outcome):
    """With a worker, dropout and augmentation; killed in its second epoch and begun anew by the command."""
    status = laboratory.start("killed", "fast_scnn", kill_at_step=6)
    folder = laboratory.folder("killed", "fast_scnn")
    assert status == -signal.SIGKILL, laboratory.output()
    assert [path.name for path in (folder / "last").iterdir()] == ["epoch_0001"]
    assert not (folder / "record.json").exists()
    assert laboratory.start("killed", "fast_scnn") == 0, laboratory.output()
    assert "fast_scnn: resuming after epoch 1 of 3" in laboratory.output()
    assert (folder / "metrics.json").read_bytes() == (finished / "metrics.json").read_bytes()
    assert outcome(folder) == outcome(finished)
    record = json.loads((folder / "record.json").read_text())
    assert [session["after_epoch"] for session in record["sessions"]] == [0, 1]
    assert record["training_seconds"] > 0
    assert not (folder / "last").exists()


def test_a_damaged_state_costs_an_epoch_and_nothing_else(laboratory, finished, outcome):
    """Killed in its third epoch; a byte of the newest state's weights then changes, and the history goes."""
    assert laboratory.start("damaged", "fast_scnn", kill_at_step=10) == -signal.SIGKILL, laboratory.output()
    folder = laboratory.folder("damaged", "fast_scnn")
    spoil(folder / "last" / "epoch_0002" / "model.safetensors", "flipped")
    spoil(folder / "history.csv", "garbage")
    assert laboratory.train("damaged", "fast_scnn") == folder
    record = json.loads((folder / "record.json").read_text())
    assert [session["after_epoch"] for session in record["sessions"]] == [0, 1]
    assert outcome(folder) == outcome(finished)


def test_a_staged_run_killed_in_each_epoch_resumes_in_the_right_stage(laboratory, outcome):
    """Killed behind the boundary of its stages, then in the later stage, whose encoder is frozen in part."""
    whole = laboratory.train("whole", "unet", *STAGED)
    for step, epochs_done in ((6, 1), (6, 2)):
        status = laboratory.start("killed", "unet", *STAGED, kill_at_step=step)
        assert status == -signal.SIGKILL, laboratory.output()
        last = laboratory.folder("killed", "unet") / "last"
        assert max(path.name for path in last.iterdir()) == f"epoch_000{epochs_done}"
    resumed = laboratory.train("killed", "unet", *STAGED)
    assert (resumed / "metrics.json").read_bytes() == (whole / "metrics.json").read_bytes()
    assert outcome(resumed) == outcome(whole)
    assert outcome(whole)["history"]["stage"] == [1, 2, 2]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (KeyboardInterrupt(), "stopped"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"), "out of memory: lower batch_size .*crop .*size"),
        (MemoryError(), "out of memory"),
    ],
)  # fmt: skip
def test_what_ends_a_run_from_outside_is_one_sentence_and_keeps_no_memory(
    laboratory, at_work, monkeypatch, fault, said
):
    def fail(trainer, epoch):
        raise fault

    profile = laboratory.profile("stopped")
    monkeypatch.setattr(Trainer, "run_epoch", fail)
    with pytest.raises(TrainingStopped, match=f"fast_scnn: {said}.*; no epoch was done, and with the same") as stop:
        get_run(profile, "fast_scnn")
    assert stop.value.__context__ is None  # the frames of the first error hold what memory there is
    monkeypatch.setattr(Trainer, "run_epoch", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        get_run(profile, "fast_scnn")
