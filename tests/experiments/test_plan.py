"""What is left of a profile's runs, in which order, and which GPU a run takes."""

import shutil

import pytest
import torch

from seg_helpers.config import ConfigError
from seg_helpers.experiments import processes
from seg_helpers.experiments.plan import describe_plan, plan_runs
from seg_helpers.experiments.processes import claim_gpu
from seg_helpers.progress import format_seconds

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def profile(laboratory, monkeypatch, tmp_path):
    """Three runs of the smoke profile: the first has two seeds, the last is to be trained first."""
    profile = laboratory.profile(tmp_path, "unet:seeds=[0, 4]")
    monkeypatch.setattr(profile, "run_names", lambda: ["unet", "fcn8s", "fast_scnn"])
    monkeypatch.setattr(profile, "order", ("fast_scnn",))
    monkeypatch.setattr(profile, "check_overrides", lambda names: None)
    return profile


def test_what_a_profile_orders_first_is_planned_first_and_each_seed_is_a_run(profile):
    runs = [("fast_scnn", 0), ("unet", 0), ("unet", 4), ("fcn8s", 0)]
    assert [run[:3] for run in plan_runs(profile)] == [(name, seed, "not begun") for name, seed in runs]
    assert [run.name for run in plan_runs(profile, "fcn8s fast_scnn")] == ["fcn8s", "fast_scnn"]


def test_what_a_profile_leaves_out_is_not_planned(profile):
    profile.skipped.update(unet="too long", fast_scnn="too short")
    assert [run.name for run in plan_runs(profile)] == ["fcn8s"]
    with pytest.raises(ConfigError, match="profile smoke leaves unet out: too long"):
        plan_runs(profile, "fcn8s unet")
    with pytest.raises(ConfigError, match="no run 'fnc8s'; did you mean 'fcn8s'"):
        plan_runs(profile, "fnc8s")


def test_an_override_for_a_run_that_is_not_asked_for_is_told(laboratory, tmp_path):
    profile = laboratory.profile(tmp_path, "unet:epochs=1")
    with pytest.raises(ConfigError, match="an override is for run unet, which is not asked for: fcn8s, fast_scnn"):
        plan_runs(profile, "fcn8s fast_scnn")


@pytest.mark.parametrize("file", ["history.csv", "last/epoch_0002/checksums.json"])
def test_a_damaged_run_does_not_stop_the_plan(profile, finished, file):
    folder = profile.folder / "runs" / "fast_scnn" / "0"
    shutil.copytree(finished, folder)
    (folder / "record.json").rename(folder / "started.json")
    (folder / "last" / "epoch_0002").mkdir(parents=True)
    (folder / file).write_text("[")
    assert plan_runs(profile, "fast_scnn")[0].left.startswith("how much cannot be told (")


def test_what_is_left_of_a_run_is_said(profile, finished):
    folder = profile.folder / "runs" / "fast_scnn" / "0"
    shutil.copytree(finished, folder)
    (folder / "record.json").rename(folder / "started.json")
    (begun,) = plan_runs(profile, "fast_scnn")
    assert begun.left.startswith("not begun, ")  # no epoch of it can be gone on with, but they tell how long one takes
    (folder / "last" / "epoch_0002").mkdir(parents=True)
    (run,) = plan_runs(profile, "fast_scnn")
    assert run.left.startswith("2 of 3 epochs, ")
    assert run.seconds == pytest.approx(begun.seconds / 3)
    said = describe_plan(plan_runs(profile, "fast_scnn unet"))
    assert said.startswith(
        f"0 of 3 runs are finished; left:\n  fast_scnn, seed 0: {run.left}\n  unet, seed 0: not begun"
    )
    total = format_seconds(run.seconds)
    assert said.endswith(f"\nin all {total} on one core, beside 2 of which nothing tells")
    assert describe_plan([run, begun]).endswith(f"\nin all {format_seconds(4 * run.seconds)} on one core")
    (folder / "started.json").rename(folder / "record.json")
    assert plan_runs(profile, "fast_scnn")[0].left == ""
    assert "\n1 of 3 runs are finished; left:\n  unet" in "\n" + describe_plan(plan_runs(profile, "fast_scnn unet"))
    assert describe_plan(plan_runs(profile, "fast_scnn")) == "all 1 runs are finished"


@pytest.fixture
def taken(monkeypatch, tmp_path):
    """Two GPUs; the numbers of those that were computed on, in turn."""
    taken = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    monkeypatch.setattr(processes.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    return taken


def test_each_run_takes_a_gpu_that_no_other_has(taken):
    with claim_gpu():
        with claim_gpu():
            assert taken == [0, 1]
            with pytest.raises(ConfigError, match="all 2 GPUs are claimed by other runs"), claim_gpu():
                pass
        with claim_gpu():  # the second is free again
            assert taken == [0, 1, 1]


def test_processes_that_were_launched_together_are_given_theirs_by_the_launcher(taken, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with claim_gpu():
        assert taken == []
