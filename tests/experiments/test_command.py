"""`python -m seg_helpers.cli train`: its exit status, and that bad input is answered in a sentence."""

import runpy
import sys

import pytest
import torch

from seg_helpers import cli

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def command(laboratory, capsys):
    """Runs the command in this process: (exit status, standard output, standard error)."""

    def run(*arguments: str, data: object = laboratory.data, reports: str = "refused"):
        where = ["--data", str(data), "--reports", str(laboratory.root / reports)]
        status = cli.main(["train", "--profile", "smoke", *where, *arguments])
        return status, *capsys.readouterr()

    return run


def test_a_finished_run_is_reported(command, finished):
    status, said, error = command("--model", "fast_scnn", reports="whole")
    assert (status, error) == (0, "")
    assert said.splitlines()[-1].startswith("fast_scnn: mean IoU 0.")
    assert said.rstrip().endswith(f", in {finished}")


def test_several_runs_are_made_in_turn(command, finished):
    status, said, _ = command("--model", "fast_scnn", "--model", "fast_scnn", reports="whole")
    assert status == 0
    assert said.count("mean IoU") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "fast_scn"], "profile smoke: no run 'fast_scn'; did you mean 'fast_scnn'?"),
        (["--profile", "smok"], "no profile 'smok'; did you mean 'smoke'?"),
        (["--model", "unet", "optimiser.name=sgd"], "run unet: optimiser: unknown key; did you mean 'optimizer'?"),
        (["--model", "unet", "epochs=soon"], "run unet: epochs: Input should be a valid integer"),
        (["--model", "unet", "epochs"], "override 'epochs': write key=value"),
        (["--model", "unet", "uent:epochs=3"], "override 'uent:epochs=3': no run 'uent'; did you mean 'unet'?"),
        (["--model", "unet", "model.name=unett"], "run unet: model: unknown model 'unett'; did you mean 'unet'?"),
        (["--model", "unet", "model.encoder=resnet19"], "unknown encoder 'resnet19'; did you mean 'resnet18'"),
        (["--model", "unet", "model.options={depth: x}"], "run unet: model: model 'unet' has no option 'depth'"),
        (["--model", "unet", "model.encoder_weights=/nowhere/w.pth"], "weights file /nowhere/w.pth cannot be read"),
        (["--model", "unet", "stages=[{epochs: 1, unfreeze: 99}]"], "run unet: stage 1: unfreeze: 99: the encoder has"),
        (["--weights", "/nowhere/w.pth"], "weights: no file /nowhere/w.pth"),
        (["--model", "unet", "--seed", "4"], "run unet: its seeds are 0, not 4"),
        (["--model", "unet", "seeds=[]"], "run unet: seeds: "),
        (["--model", "unet", "data.split={kind: grouped, val_fraction: 0.99}"], "no train frame is left"),
    ],
)
def test_bad_input_is_answered_in_a_sentence(command, laboratory, arguments, said):
    status, _, error = command(*arguments)
    assert status == 1
    assert error.startswith("error: ")
    assert said in error
    assert "Traceback" not in error
    assert not (laboratory.root / "refused").exists()


def test_a_folder_that_is_no_data_set_is_answered_in_a_sentence(command, tmp_path):
    (tmp_path / "photo.txt").write_text("no picture")
    status, _, error = command("--model", "fast_scnn", "data.dataset=camvid", f"data.root={tmp_path}")
    assert status == 1
    assert error.startswith("error: ")
    assert str(tmp_path) in error


def test_weights_of_another_encoder_are_answered_in_a_sentence(command, tmp_path):
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "w.pth")
    status, _, error = command("--model", "unet", f"model.encoder_weights={tmp_path / 'w.pth'}")
    assert status == 1
    assert "w.pth does not fit" in error


def test_a_diverging_run_is_answered_in_a_sentence(command):
    overrides = [
        "optimizer={name: sgd, learning_rate: 1.0e+37}",
        "schedule.name=none",
        "gradient_clip=null",
        "workers=0",
    ]
    status, _, error = command("--model", "fast_scnn", *overrides, reports="diverged")
    assert status == 1
    assert error.startswith("error: run fast_scnn: the loss is nan at epoch 1, step 2, learning rate 1.00e+37")


def test_an_unknown_option_is_a_usage_error():
    with pytest.raises(SystemExit) as leave:
        cli.main(["train", "--modle", "unet"])
    assert leave.value.code == 2


def test_the_module_leaves_with_the_commands_status(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cli", "train", "--profile", "smok"])
    with pytest.raises(SystemExit) as leave:
        runpy.run_path(cli.__file__, run_name="__main__")
    assert leave.value.code == 1
    assert capsys.readouterr().err.startswith("error: no profile 'smok'; did you mean 'smoke'?")
