"""The `seg` command hands over and explains."""

import os
import subprocess
import sys

import pytest

from seg_helpers.cli import main
from seg_helpers.files import DiskError
from seg_helpers.models import list_models


def test_models_lists_every_network_with_its_parameters(capsys):
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(list_models().index)
    assert all(f"{count:,}" in line for count, line in zip(list_models()["parameters"], lines, strict=True))


def test_an_unknown_profile_is_one_line_without_a_trace(capsys):
    assert main(["train", "--profile", "smok"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: no profile 'smok'; did you mean 'smoke'?")
    assert "Traceback" not in error


def test_an_argument_that_a_command_does_not_know_is_an_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["readme", "--profle", "camvid"])
    assert stop.value.code == 2
    assert "unrecognized arguments: --profle camvid" in capsys.readouterr().err


def test_train_passes_its_arguments_on(capsys):
    assert main(["train", "--profile", "smoke", "--model", "unett"]) == 1
    assert "did you mean 'unet'" in capsys.readouterr().err


def test_an_override_for_a_run_that_is_not_trained_is_told(capsys):
    assert main(["train", "--profile", "smoke", "--model", "unet", "fcn8s:epochs=1"]) == 1
    assert capsys.readouterr().err == "error: an override is for run fcn8s, which is not asked for: unet\n"


@pytest.mark.parametrize("processes", ["0", "-1", "100000"])
def test_more_processes_than_there_is_room_for_are_not_started(capsys, processes):
    assert main(["train", "--profile", "smoke", "--processes", processes]) == 1
    assert capsys.readouterr().err.startswith(f"error: --processes {processes}: this machine has room for 1 to ")


def test_of_several_processes_an_error_is_the_last_line():
    """The launcher's own report of a failure is dozens of lines, and is silenced."""
    command = [
        sys.executable,
        "-m",
        "seg_helpers.cli",
        "train",
        "--profile",
        "smoke",
        "--model",
        "unett",
        "--processes",
        "2",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"ACCELERATE_USE_CPU": "1"}, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: profile smoke: no run 'unett'; did you mean 'unet'")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (OSError(28, "No space left on device", "/data"), "error: [Errno 28] No space left on device: '/data'"),
        (DiskError("/data cannot be written"), "error: /data cannot be written"),
    ],
)
def test_what_the_disk_lacks_is_one_line(monkeypatch, capsys, raised, said):
    def fail(*_):
        raise raised

    monkeypatch.setattr("seg_helpers.cli.load_profile", fail)
    assert main(["report", "--render"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(said)
    assert len(error.splitlines()) == 1


def test_a_notebook_is_run_or_pages_are_rendered_but_not_both_and_not_neither(capsys):
    for arguments in (["report"], ["report", "notebooks/04_unet.ipynb", "--render"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
        assert "--render" in capsys.readouterr().err


def test_what_renders_pages_refuses_settings_that_it_would_ignore(capsys):
    assert main(["report", "--render", "--profile", "smoke", "--set", "epochs=3"]) == 1
    assert capsys.readouterr().err.startswith("error: --render runs nothing, so that --set changes nothing")


def test_a_fault_of_the_program_keeps_its_trace(monkeypatch):
    monkeypatch.setattr("seg_helpers.cli.load_profile", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["report", "--render"])


def test_an_unknown_command_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["trian"])
    assert stop.value.code == 2
    assert "train" in capsys.readouterr().err
