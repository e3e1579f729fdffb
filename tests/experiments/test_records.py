"""Run folders are read without data and weights, ranked, tabulated and compared."""

import json
import shutil

import numpy as np
import pytest
import yaml

from seg_helpers.config import ConfigError
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.statistics import compare_paired
from seg_helpers.experiments import (
    compare_multiscale,
    compare_runs,
    final_scores,
    list_runs,
    read_run,
    tabulate_runs,
)


@pytest.fixture
def shelf(finished, tmp_path):
    """Puts copies of the finished run on a shelf, each with its own name, test mean IoU and configuration."""

    def put(name, test=0.5, val=0.5, **config):
        folder = tmp_path / "runs" / name
        shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["val"]["mean_iou"] = val
        metrics["test"] = None if test is None else metrics["test"] | {"mean_iou": test}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        plain = yaml.safe_load((folder / "config.yaml").read_text()) | {"name": name} | config
        (folder / "config.yaml").write_text(yaml.safe_dump(plain))
        return folder

    put.folder = tmp_path
    return put


def test_a_run_is_read_from_its_folder(shelf):
    run = read_run(shelf("net", title="A net"))
    assert (run.name, run.title) == ("net", "A net")
    assert run.history.epoch.tolist() == [1, 2, 3]
    assert set(run.confusions) == {"val", "test"}
    assert run.confusions["test"].shape == (len(run.scored_frames["test"]), 11, 11)
    assert run.best_row.val_mean_iou == run.history.val_mean_iou.max()
    assert run.range_tests == {}
    assert not run.best_weights.is_file()
    assert read_run(shelf("untitled", title="")).title == "untitled"


def test_range_tests_are_read_by_stage(shelf):
    folder = shelf("net")
    (folder / "range_tests.json").write_text(json.dumps({"0": {"reason": "falls"}, "2": {"reason": "falls faster"}}))
    assert read_run(folder).range_tests == {0: {"reason": "falls"}, 2: {"reason": "falls faster"}}


@pytest.mark.parametrize("missing", ["metrics.json", "environment.json"])
def test_an_unfinished_run_is_not_read(shelf, missing):
    folder = shelf("net")
    (folder / missing).unlink()
    with pytest.raises(FileNotFoundError, match=r"runs/net holds no finished run"):
        read_run(folder)
    assert list_runs(shelf.folder) == []


def test_runs_are_listed_best_first_without_studies_and_what_was_moved_aside(shelf):
    for name, score in (("low", 0.3), ("high", 0.7), ("middle", 0.5)):
        shelf(name, score)
    shelf("short", 0.9, study=True)
    shelf(".low.1", 0.8)
    assert [run.name for run in list_runs(shelf.folder)] == ["high", "middle", "low"]
    assert [run.name for run in list_runs(shelf.folder, studies=True)] == ["short", "high", "middle", "low"]
    assert list_runs(shelf.folder / "elsewhere") == []


def test_a_run_of_another_version_is_left_out_and_said(shelf, capsys):
    shelf("good", 0.5)
    config = shelf("old", 0.9) / "config.yaml"
    config.write_text(config.read_text() + "momentum_of_old: 0.9\n")
    assert [run.name for run in list_runs(shelf.folder)] == ["good"]
    said = capsys.readouterr().out
    assert "WARNING old is left out" in said
    assert "config.yaml: momentum_of_old: Extra inputs" in said
    with pytest.raises(ConfigError, match=r"momentum_of_old.*another version made this run"):
        read_run(config.parent)


def test_several_views_are_compared_with_one_on_the_same_frames(shelf):
    both, single = read_run(shelf("both", title="Both")), read_run(shelf("single"))
    arrays = dict(np.load(both.path / "counts.npz"))
    several = arrays["confusion/test"].copy()
    several[:, 0, 0] += 50  # more pixels right
    np.savez_compressed(both.path / "counts.npz", **arrays | {"confusion/test_multiscale": several})
    table = compare_multiscale([read_run(both.path), single])
    assert table.name.tolist() == ["Both"]  # the other was scored one way
    expected = compute_metrics(several.sum(0))["mean_iou"] - compute_metrics(arrays["confusion/test"].sum(0))["mean_iou"]
    assert table.difference.iloc[0] == pytest.approx(expected)
    assert expected > 0


def test_withheld_test_labels_leave_val_to_be_ranked_by(shelf):
    run = read_run(shelf("net", test=None, val=0.4))
    assert final_scores(run)["mean_iou"] == 0.4
    table = tabulate_runs([run])
    assert table.loc["net", "split"] == "val"
    assert table.loc["net", "mean_iou"] == 0.4


def test_a_table_row_says_what_a_run_scored_and_cost(shelf):
    run = read_run(shelf("net", 0.6, title="A net"))
    row = tabulate_runs([run, read_run(shelf("other"))]).loc["net"]
    assert (row.title, row.split, row.study, row.mean_iou) == ("A net", "test", False, 0.6)
    assert [row.mean_iou_low, row.mean_iou_high] == run.metrics["test"]["mean_iou_interval"]
    assert row.pixel_accuracy == run.metrics["test"]["pixel_accuracy"]
    assert (row.parameters, row.epochs) == (run.metrics["parameters"], 3)
    assert row.training_seconds == run.environment["training_seconds"]
    assert tabulate_runs([]).empty


def test_runs_are_compared_on_the_same_frames(shelf, finished):
    first, second = read_run(shelf("first", title="First")), read_run(shelf("second"))
    arrays = dict(np.load(second.path / "counts.npz"))
    arrays["confusion/test"] = arrays["confusion/test"].transpose(0, 2, 1).copy()
    np.savez_compressed(second.path / "counts.npz", **arrays)
    table = compare_runs([first, second], second)
    expected = compare_paired(first.confusions["test"], second.confusions["test"], "pixel_accuracy")
    assert table.name.tolist() == ["First"]  # nothing is compared with itself
    table = compare_runs([first, second], second, "pixel_accuracy")
    assert table[["difference", "low", "high"]].iloc[0].tolist() == [expected.difference, expected.low, expected.high]


def test_runs_on_other_frames_are_not_compared(shelf):
    first, second = read_run(shelf("first")), read_run(shelf("second"))
    arrays = dict(np.load(second.path / "counts.npz"))
    arrays["frames/test"][0] = "another"
    np.savez_compressed(second.path / "counts.npz", **arrays)
    with pytest.raises(ValueError, match="first and second were not scored on the same test frames"):
        compare_runs([first, second], read_run(second.path))
