"""Run folders are read without data and weights, ranked, tabulated and compared."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from tiny import spoil

from seg_helpers.errors import SegError
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.statistics import compare_paired
from seg_helpers.experiments import (
    DamagedRun,
    MissingRun,
    average_seeds,
    compare_multiscale,
    compare_runs,
    final_scores,
    read_run,
    read_runs,
    tabulate_runs,
)
from seg_helpers.experiments.folders import named_by
from seg_helpers.experiments.records import read_config, read_sealed, write_sealed
from seg_helpers.files import checksum_files


def sign(folder):
    """Records the files as they are now."""
    record = read_sealed(folder / "record.json")
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "record.json"]
    write_sealed(folder / "record.json", record | {"files": checksum_files(folder, files)})


def score(counts, split, mean_iou):
    """Gives a split's frames confusions in which each class is right so often that its IoU is this mean IoU."""
    classes = counts[f"confusion/{split}"].shape[1]
    hits, misses = round(2000 * mean_iou), round(1000 * (1 - mean_iou))
    counts[f"confusion/{split}"][:] = hits * np.eye(classes, dtype=int) + misses * np.roll(
        np.eye(classes, dtype=int), 1, axis=1
    )


@pytest.fixture
def shelf(finished, tmp_path):
    """Puts copies of the finished run on a shelf, each with its own name, scores and configuration."""
    configs = {}

    def put(name, test=0.5, val=0.5, seed=0, **config):
        folder = tmp_path / "runs" / name / str(seed)
        shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("*.safetensors"))
        with np.load(folder / "counts.npz") as arrays:
            counts = dict(arrays)
        score(counts, "val", val)
        if test is None:
            counts = {key: array for key, array in counts.items() if not key.endswith("/test")}
        else:
            score(counts, "test", test)
        np.savez_compressed(folder / "counts.npz", **counts)
        plain = yaml.safe_load((folder / "config.yaml").read_text()) | {"name": name, "seed": seed} | config
        (folder / "config.yaml").write_text(yaml.safe_dump(plain))
        configs.setdefault(name, {})[seed] = read_config(folder / "config.yaml")
        sign(folder)
        return folder

    put.profile = SimpleNamespace(
        folder=tmp_path,
        run_names=lambda: list(configs),
        seeds=lambda name: list(configs[name]),
        experiment=lambda name, seed: configs[name][seed],
    )
    return put


def test_a_run_is_read_from_its_folder(shelf):
    run = read_run(shelf("net", title="A net"))
    assert (run.name, run.title) == ("net", "A net")
    assert run.history.epoch.tolist() == [1, 2, 3]
    assert set(run.confusions) == {"val", "test"}
    assert run.confusions["test"].shape == (len(run.scored_frames["test"]), 11, 11)
    assert run.range_tests == {}
    assert not run.weights.is_file()
    assert read_run(shelf("untitled", title="")).title == "untitled"


def test_range_tests_are_read_by_stage(shelf):
    folder = shelf("net")
    (folder / "range_tests.json").write_text(json.dumps({"0": {"reason": "falls"}, "2": {"reason": "falls faster"}}))
    assert read_run(folder).range_tests == {0: {"reason": "falls"}, 2: {"reason": "falls faster"}}


def test_an_unfinished_run_is_not_read(shelf):
    folder = shelf("net")
    (folder / "record.json").unlink()
    with pytest.raises(MissingRun, match=r"runs/net/0 holds no finished run"):
        read_run(folder)
    assert read_runs(shelf.profile) == []


def test_runs_are_listed_best_first_without_ablations_and_other_settings(shelf):
    for name, score in (("low", 0.3), ("high", 0.7), ("middle", 0.5)):
        shelf(name, score)
    shelf("short", 0.9, ablation=True)
    shutil.copytree(shelf.profile.folder / "runs" / "low" / "0", shelf.profile.folder / "runs" / "low" / "0-0123456789")
    assert [run.name for run in read_runs(shelf.profile)] == ["high", "middle", "low"]
    assert [run.name for run in read_runs(shelf.profile, ablations=True)] == ["short", "high", "middle", "low"]


@pytest.mark.parametrize("name", ["config.yaml", "history.csv", "counts.npz", "metrics.json", "record.json"])
@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "gone", "flipped"])
def test_a_damaged_run_is_left_out_and_said(shelf, capsys, name, damage):
    shelf("good", 0.5)
    file = shelf("bad", 0.9) / name
    spoil(file, damage)
    assert [run.name for run in read_runs(shelf.profile)] == ["good"]
    said = capsys.readouterr().out
    if (name, damage) != ("record.json", "gone"):  # without its record it is an unfinished run
        assert "WARNING bad is left out" in said
        with pytest.raises(DamagedRun, match=r"runs/bad/0: damaged \(.*move it away to train again"):
            read_run(file.parent)


def test_a_record_that_was_changed_is_damaged(shelf):
    file = shelf("bad") / "record.json"
    file.write_text(file.read_text().replace('"training_seconds": ', '"training_seconds": 9'))
    with pytest.raises(DamagedRun, match=r"damaged \(record\.json is not what was written\)"):
        read_run(file.parent)


@pytest.mark.parametrize("text", ["[]", "3", '{"files": 3}', '{"files": []}', '{"files": {"config.yaml": 3}}'])
def test_a_record_of_another_shape_is_damaged(shelf, text):
    file = shelf("bad") / "record.json"
    file.write_text(text)
    with pytest.raises(DamagedRun, match=r"runs/bad/0: damaged \("):
        read_run(file.parent)


def test_a_run_is_called_as_its_profile_calls_it_today(shelf):
    run = read_run(shelf("net", title="Then"))
    today = run.config.model_copy(update={"title": "Now", "group": "scratch", "epochs": 99})
    named = named_by(run, today)
    assert (named.title, named.config.group, named.config.epochs) == ("Now", "scratch", run.config.epochs)


def test_several_views_are_compared_with_one_on_the_same_frames(shelf):
    both, single = read_run(shelf("both", title="Both")), read_run(shelf("single"))
    arrays = dict(np.load(both.path / "counts.npz"))
    several = arrays["confusion/test"].copy()
    several[:, 0, 0] += 50  # more pixels right
    np.savez_compressed(both.path / "counts.npz", **arrays | {"confusion/test_multiscale": several})
    sign(both.path)
    table = compare_multiscale([read_run(both.path), single])
    assert table.name.tolist() == ["Both"]  # the other was scored one way
    expected = (
        compute_metrics(several.sum(0))["mean_iou"] - compute_metrics(arrays["confusion/test"].sum(0))["mean_iou"]
    )
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
    assert (row.title, row.split, row.ablation, row.mean_iou) == ("A net", "test", False, pytest.approx(0.6))
    assert [row.mean_iou_low, row.mean_iou_high] == run.scores["test"]["mean_iou_interval"]
    assert row.pixel_accuracy == run.scores["test"]["pixel_accuracy"]
    assert (row.parameters, row.epochs) == (run.metrics["parameters"], 3)
    assert row.training_seconds == run.record["training_seconds"]
    assert tabulate_runs([]).empty


def test_seeds_are_averaged_and_kept_apart(shelf):
    for name, scores in (("net", (0.4, 0.7)), ("other", (0.5, 0.5)), ("single", (0.6,))):
        for seed, value in enumerate(scores):
            shelf(name, value, seed=seed, title=name.title())
    assert [(run.name, run.seed) for run in read_runs(shelf.profile)] == [("single", 0), ("other", 0), ("net", 0)]
    runs = read_runs(shelf.profile, every_seed=True)
    assert sorted((run.name, run.seed) for run in runs) == [(n, s) for n in ("net", "other") for s in (0, 1)] + [
        ("single", 0)
    ]
    single, net, other = average_seeds(tabulate_runs(runs)).itertuples()
    assert (single.Index, single.mean_iou, single.seeds) == ("single", pytest.approx(0.6), (0,))
    assert (net.Index, net.mean_iou, other.mean_iou) == ("net", pytest.approx(0.55), pytest.approx(0.5))
    by_seed = dict(zip(net.seeds, net.each, strict=True))
    assert by_seed == {0: pytest.approx(0.4), 1: pytest.approx(0.7)}
    lows = [run.scores["test"]["mean_iou_interval"][0] for run in runs if run.name == "net"]
    assert net.mean_iou_low == pytest.approx(np.mean(lows))
    assert average_seeds(tabulate_runs([])).empty


def test_seeds_are_compared_with_the_baseline_of_their_own(shelf):
    scores = {"net": (0.6, 0.9), "plain": (0.5, 0.7), "single": (0.8,)}
    runs = {
        (name, seed): read_run(shelf(name, value, seed=seed, title=name.title()))
        for name, values in scores.items()
        for seed, value in enumerate(values)
    }
    table = compare_runs(list(runs.values()), runs["plain", 0])
    assert table.name.tolist() == ["Net", "Single"]
    assert table.difference.tolist() == pytest.approx([0.15, 0.3])
    assert table.each.tolist() == [pytest.approx((0.1, 0.2)), pytest.approx((0.3,))]
    alone = [compare_runs([run], runs["plain", 0]).p_value[0] for run in (runs["net", 0], runs["single", 0])]
    assert table.p_value.tolist() == pytest.approx([min(2 * p, 1) for p in alone])  # Holm's, of two that are equal
    assert table.clear.tolist() == (table.p_value < 0.05).tolist()


def test_a_difference_that_seeds_disagree_on_is_not_clear(shelf):
    scores = {"net": (0.9, 0.55), "plain": (0.5, 0.6)}
    runs = [
        read_run(shelf(name, value, seed=seed)) for name, values in scores.items() for seed, value in enumerate(values)
    ]
    table = compare_runs(runs, runs[2])
    assert table.difference[0] == pytest.approx(0.175)
    assert not table.clear[0]


def test_runs_are_compared_on_the_same_frames(shelf, finished):
    first, second = read_run(shelf("first", title="First")), read_run(shelf("second"))
    arrays = dict(np.load(second.path / "counts.npz"))
    arrays["confusion/test"] = arrays["confusion/test"].transpose(0, 2, 1).copy()
    np.savez_compressed(second.path / "counts.npz", **arrays)
    sign(second.path)
    table = compare_runs([first, second], second)
    expected = compare_paired(first.confusions["test"], second.confusions["test"], "pixel_accuracy")
    assert table.name.tolist() == ["First"]  # nothing is compared with itself
    table = compare_runs([first, second], second, "pixel_accuracy")
    assert tuple(table.iloc[0])[1:-1] == expected


def test_runs_on_other_frames_are_not_compared(shelf):
    first, second = read_run(shelf("first")), read_run(shelf("second"))
    arrays = dict(np.load(second.path / "counts.npz"))
    arrays["frames/test"][0] = "another"
    np.savez_compressed(second.path / "counts.npz", **arrays)
    sign(second.path)
    with pytest.raises(SegError, match="first and second were not scored on the same test frames"):
        compare_runs([first, second], read_run(second.path))
