"""A run is loaded, resumed or trained, whichever is needed; never overwritten; and scored on test once, at its end."""

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file
from tiny import spoil

from seg_helpers.classes import CAMVID11
from seg_helpers.config import ConfigError
from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.counts import COUNTERS
from seg_helpers.evaluation.metrics import METRICS, calibration_error, compute_metrics, mean_boundary_iou
from seg_helpers.evaluation.prediction import evaluate_frames, predict_logits
from seg_helpers.evaluation.statistics import bootstrap_classes, bootstrap_interval
from seg_helpers.experiments import DamagedRun, MissingRun, final_scores, read_run, read_runs, runner
from seg_helpers.experiments.folders import choose_folder, hold_run
from seg_helpers.experiments.networks import build_configured, build_network
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.records import read_sealed, write_sealed
from seg_helpers.experiments.runner import choose_examples, describe_origin, get_run
from seg_helpers.locks import Held
from seg_helpers.models import build_model
from seg_helpers.training.checkpoints import CheckpointError

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def copied(laboratory, finished, tmp_path):
    """A copy of the finished run in a report folder of its own: (profile, run folder)."""
    reports = tmp_path / "reports"
    folder = reports / "smoke" / "runs" / "fast_scnn" / "0"
    shutil.copytree(finished, folder)
    return laboratory.profile(reports), folder


class Trained(Exception):
    """Raised where a run would be trained."""


@pytest.fixture
def no_training(monkeypatch):
    def refuse(profile, config, data):
        folder = choose_folder(profile, config, data.digest)
        raise Trained(folder, sorted(path.name for path in folder.iterdir()) if folder.is_dir() else None)

    monkeypatch.setattr(runner, "_make_run", refuse)


def rewrite(path: Path, **changes) -> None:
    write_sealed(path, read_sealed(path) | changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_finished_run_is_loaded_and_not_touched(copied, no_training, capsys):
    profile, folder = copied
    before = contents(folder)
    run = get_run(profile, "fast_scnn")
    assert contents(folder) == before
    assert run.path == folder
    said = capsys.readouterr().out
    assert said.startswith("fast_scnn: loaded, as made 20")
    assert "WARNING" not in said


def test_a_run_without_its_weights_is_still_a_finished_run(copied, no_training):
    profile, folder = copied
    (folder / "best.safetensors").unlink()
    (folder / "half.safetensors").unlink()
    run = get_run(profile, "fast_scnn")
    with pytest.raises(CheckpointError, match=r"no weights at .*best\.safetensors"):
        run.network()


def test_a_small_network_can_be_loaded_from_its_half_precision_copy(copied, no_training, capsys):
    profile, folder = copied
    whole = get_run(profile, "fast_scnn").network().state_dict()
    (folder / "best.safetensors").unlink()
    half = get_run(profile, "fast_scnn").network().state_dict()
    assert "copy in half precision" in capsys.readouterr().out
    for name, value in whole.items():
        assert torch.equal(half[name], value.half().to(value.dtype) if value.is_floating_point() else value), name


def test_weights_that_are_not_those_recorded_are_refused(copied, no_training):
    profile, folder = copied
    shutil.copy(folder / "half.safetensors", folder / "best.safetensors")
    with pytest.raises(DamagedRun, match=r"best\.safetensors is not what was recorded"):
        get_run(profile, "fast_scnn").network()


def test_a_large_network_keeps_no_copy(tmp_path):
    runner.keep_half(torch.nn.Linear(1000, 5001), tmp_path / "half.safetensors")
    assert not (tmp_path / "half.safetensors").exists()
    runner.keep_half(torch.nn.Linear(1000, 1000), tmp_path / "half.safetensors")
    assert (tmp_path / "half.safetensors").stat().st_size < runner.HALF_LIMIT


def test_where_files_lie_makes_no_other_run(laboratory, copied, no_training, capsys):
    profile = laboratory.profile(copied[1].parents[3], "workers=2", "title=Another title")
    assert get_run(profile, "fast_scnn").path == copied[1]
    assert "WARNING" not in capsys.readouterr().out


def test_a_run_scored_in_another_way_stands_and_says_so(laboratory, copied, no_training, capsys):
    profile = laboratory.profile(copied[1].parents[3], "evaluation.bootstrap=200")
    assert get_run(profile, "fast_scnn").path == copied[1]
    assert "WARNING fast_scnn: evaluation.bootstrap is 200 now, but this run was scored with" in capsys.readouterr().out


def commit_as(monkeypatch, changed):
    monkeypatch.setattr(runner, "list_changes", lambda commit: changed)


def test_what_changed_since_a_run_is_said_by_part(copied, monkeypatch):
    run = read_run(copied[1])
    commit_as(monkeypatch, [])
    assert "since then" not in describe_origin(run)
    commit_as(monkeypatch, ["seg_helpers/training/loop.py", "seg_helpers/models/fcn.py", "seg_helpers/models/unet.py"])
    assert describe_origin(run).endswith("; since then training, models have changed in seg_helpers")
    commit_as(monkeypatch, None)
    assert describe_origin(run).endswith("which this repository does not know")


def resign(folder: Path, **changes) -> None:
    """Changes a run's last session as if it had been recorded so."""
    record = read_sealed(folder / "record.json")
    record["sessions"][-1] |= changes
    write_sealed(folder / "record.json", record)


@pytest.mark.parametrize(
    ("dirty", "commit", "said"),
    [(True, "abc", "at commit abc with local changes"), (False, "", "at commit unknown")],
)
def test_the_origin_names_the_commit(copied, monkeypatch, dirty, commit, said):
    commit_as(monkeypatch, [])
    resign(copied[1], dirty=dirty, commit=commit)
    assert describe_origin(read_run(copied[1])).endswith(said)


def test_a_run_of_other_settings_gets_a_folder_of_its_own(laboratory, copied, capsys):
    """The run that lies there stays, byte for byte; the other one is found again; the first is loaded when asked for."""
    profile, folder = copied
    before = contents(folder)
    reports = folder.parents[3]
    other = laboratory.profile(reports, "epochs=1", "workers=0")
    run = get_run(other, "fast_scnn")
    assert contents(folder) == before
    assert run.path == folder.with_name(f"0-{run.record['fingerprint']}")
    assert run.metrics["epochs"] == len(run.history) == 1
    said = capsys.readouterr().out
    assert f"holds another run, or a damaged one, which stays; this one is in {run.path.name}" in said
    assert "fast_scnn: training fast_scnn from random weights for 1 epochs on 16 frames" in said
    made = contents(run.path)
    assert get_run(other, "fast_scnn").path == run.path
    assert get_run(profile, "fast_scnn").path == folder
    assert (contents(folder), contents(run.path)) == (before, made)


def test_a_run_on_other_data_gets_a_folder_of_its_own(copied, no_training):
    profile, folder = copied
    rewrite(folder / "record.json", data_digest="of other frames")
    with pytest.raises(Trained) as trained:
        get_run(profile, "fast_scnn")
    assert trained.value.args[0].name.startswith("0-")
    assert trained.value.args[1] is None


def test_a_run_of_a_version_with_other_keys_is_loaded_with_a_word(copied, no_training, capsys):
    profile, folder = copied
    text = (folder / "config.yaml").read_text().replace(
        "optimizer:", "optimizer:\n  lookahead: 5"
    ) + "moonphase: full\n"
    (folder / "config.yaml").write_text(text)
    record = read_sealed(folder / "record.json")
    record["files"]["config.yaml"] = hashlib.sha256(text.encode()).hexdigest()
    write_sealed(folder / "record.json", record)
    assert get_run(profile, "fast_scnn").path == folder
    said = capsys.readouterr().out
    assert "recorded runs hold optimizer.lookahead, moonphase, which this version does not know: left out" in said
    get_run(profile, "fast_scnn")
    assert "moonphase" not in capsys.readouterr().out  # a page reads many runs of one version


def test_an_unfinished_run_of_the_same_configuration_is_gone_on_with(copied, no_training):
    profile, folder = copied
    (folder / "record.json").rename(folder / "started.json")  # the record is the last file that a run writes
    with pytest.raises(Trained) as trained:
        get_run(profile, "fast_scnn")
    assert trained.value.args[0] == folder
    assert "best.safetensors" in trained.value.args[1]


@pytest.mark.parametrize("file", ["started.json", "config.yaml"])
@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "gone", "flipped"])
def test_a_begun_run_that_nobody_can_name_any_more_stays(copied, no_training, capsys, file, damage):
    profile, folder = copied
    (folder / "record.json").rename(folder / "started.json")
    spoil(folder / file, damage)
    before = contents(folder)
    with pytest.raises(Trained) as trained:
        get_run(profile, "fast_scnn")
    assert trained.value.args[0].name.startswith("0-")
    assert "holds another run, or a damaged one, which stays; this one is in 0-" in capsys.readouterr().out
    assert contents(folder) == before


def test_files_that_are_no_run_stay(laboratory, no_training, tmp_path):
    folder = tmp_path / "smoke" / "runs" / "fast_scnn" / "0"
    folder.mkdir(parents=True)
    with pytest.raises(Trained) as trained:
        get_run(laboratory.profile(tmp_path), "fast_scnn")
    assert trained.value.args[0] == folder  # an empty folder holds nothing to keep
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(Trained) as trained:
        get_run(laboratory.profile(tmp_path), "fast_scnn")
    assert trained.value.args[0].name.startswith("0-")
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_run_that_another_process_makes_is_not_touched(laboratory, tmp_path):
    folder = tmp_path / "smoke" / "runs" / "fast_scnn" / "0"
    profile = laboratory.profile(tmp_path)
    said = rf"run fast_scnn, seed 0, is being made by process {os.getpid()} on"
    with hold_run(profile, profile.experiment("fast_scnn")), pytest.raises(Held, match=said):
        get_run(profile, "fast_scnn")
    assert not folder.exists()


def test_what_was_only_begun_is_no_reason_for_another_folder(laboratory, no_training, tmp_path):
    """Killed before anything was computed, with the settings of another attempt."""
    folder = tmp_path / "smoke" / "runs" / "fast_scnn" / "0"
    folder.mkdir(parents=True)
    for name in ("config.yaml", ".part-0123abcd.yaml"):
        (folder / name).write_text("model: half a fi")
        with pytest.raises(Trained) as trained:
            get_run(laboratory.profile(tmp_path), "fast_scnn")
        assert trained.value.args[0] == folder


def test_the_comparison_shows_the_run_of_the_profiles_own_settings(laboratory, copied):
    """A try with other settings came first and has the plain folder."""
    profile, folder = copied
    other = laboratory.profile(folder.parents[3], "epochs=1", "workers=0")
    shutil.move(folder, folder.with_name("0-0123456789"))
    first = get_run(other, "fast_scnn")
    assert first.path == folder
    assert [run.path.name for run in read_runs(profile)] == ["0-0123456789"]
    assert [run.path for run in read_runs(other)] == [folder]


def test_of_runs_on_different_data_the_last_is_listed(copied):
    profile, folder = copied
    later = folder.with_name("0-0123456789")
    shutil.copytree(folder, later)
    resign(later, started="2999-01-01T00:00:00+00:00")
    rewrite(later / "record.json", data_digest="of frames that were added")
    assert [run.path for run in read_runs(profile)] == [later]


def test_each_seed_is_a_run_of_its_own(laboratory, tmp_path):
    profile = laboratory.profile(tmp_path, "seeds=[3, 5]", "epochs=1", "workers=0")
    first, second = (get_run(profile, "fast_scnn", seed) for seed in profile.seeds("fast_scnn"))
    assert [run.path.name for run in (first, second)] == ["3", "5"]
    assert [run.seed for run in (first, second)] == [3, 5]
    assert first.history.train_loss[0] != second.history.train_loss[0]
    with pytest.raises(ConfigError, match="run fast_scnn: its seeds are 3, 5, not 4"):
        get_run(profile, "fast_scnn", 4)


def test_a_recorded_run_needs_no_data(laboratory, copied, no_training, capsys):
    profile, folder = copied
    overrides = ["data.dataset=camvid", "data.root=/nowhere/camvid"]
    profile = laboratory.profile(folder.parents[3], *overrides)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["data"]["dataset"] = "camvid"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    rewrite(folder / "record.json", files={})
    assert get_run(profile, "fast_scnn").metrics["epochs"] == 3
    assert "the data set is not at /nowhere/camvid, so its digest is not checked" in capsys.readouterr().out


def test_a_run_that_the_profile_leaves_out_says_why(laboratory, no_training):
    profile = laboratory.profile("none")
    profile.skipped["unet"] = "beyond two cores"
    with pytest.raises(ConfigError, match="profile smoke leaves unet out: beyond two cores"):
        get_run(profile, "unet")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.name=fast_scn"], "run fast_scnn: model: unknown model 'fast_scn'; did you mean 'fast_scnn'"),
        (["model.options={dropuot: 0.1}"], "run fast_scnn: model: .*no option 'dropuot'; did you mean 'dropout'"),
        (["stages=[{epochs: 1}, {epochs: 1, unfreeze: 0}]"], "run fast_scnn: stage 2: FastSCNN has no encoder"),
        (["stages=[{epochs: 9}, {epochs: 9}, {epochs: 9}, {epochs: 9}]"], "4 stages do not fit into epochs=3"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(laboratory, tmp_path, overrides, said):
    with pytest.raises(ConfigError, match=said):
        get_run(laboratory.profile(tmp_path, *overrides), "fast_scnn")
    assert not (tmp_path / "smoke").exists()


class GuardedFrames:
    """A cache of which some rows may not be opened while `closed`."""

    def __init__(self, cache, forbidden):
        self.cache, self.forbidden, self.closed, self.opened = cache, set(forbidden), True, set()

    def __getattr__(self, name):
        return getattr(self.cache, name)

    def __len__(self):
        return len(self.cache)

    def open(self, row):
        assert not (self.closed and row in self.forbidden), f"training opened test frame {row}"
        self.opened.add(row)
        return row

    @property
    def images(self):
        return GuardedArray(self, self.cache.images)

    @property
    def labels(self):
        return GuardedArray(self, self.cache.labels)

    def native_label(self, row):
        return self.cache.native_label(self.open(row))


class GuardedArray:
    def __init__(self, guard, array):
        self.guard, self.array, self.shape = guard, array, array.shape

    def __getitem__(self, row):
        return self.array[self.guard.open(int(row))]


def test_training_never_opens_the_test_split(laboratory, monkeypatch, tmp_path):
    profile = laboratory.profile(tmp_path, "epochs=1", "workers=0")
    data = prepare_data(profile.experiment("fast_scnn").data)
    test = data.rows("test")
    assert test
    guard, counts = GuardedFrames(data.cache, test), data.pixel_counts.copy()
    counts[test] = -(10**9)  # class weights must not have seen these
    guarded = dataclasses.replace(data, cache=guard, pixel_counts=counts)
    monkeypatch.setattr(runner, "prepare_data", lambda *_: guarded)
    assert (guarded.train_pixels() == data.pixel_counts[data.rows("train"), :-1].sum(0)).all()
    score = runner._score

    def open_test(*arguments):
        assert guard.opened == {*data.rows("train"), *data.rows("val")}
        guard.closed = False
        return score(*arguments)

    monkeypatch.setattr(runner, "_score", open_test)
    run = get_run(profile, "fast_scnn")
    assert set(test) <= guard.opened
    assert run.metrics["test"]["frames"] == len(test)


def test_a_run_that_something_is_chosen_by_never_opens_the_test_split(laboratory, monkeypatch, tmp_path):
    split = "data.split={kind: held_out_clip, clip: Market}"
    profile = laboratory.profile(tmp_path, "epochs=1", "workers=0", "evaluation.test=false", split)
    data = prepare_data(profile.experiment("fast_scnn").data)
    assert data.rows("test")
    assert data.rows("bracketed")
    guard = GuardedFrames(data.cache, data.rows("test"))
    guarded = dataclasses.replace(data, cache=guard)
    vars(guarded)["suspects"] = []  # the audit of labels looks at all frames, and scores none
    monkeypatch.setattr(runner, "prepare_data", lambda *_: guarded)
    run = get_run(profile, "fast_scnn")
    assert guard.opened == {*data.rows("train"), *data.rows("val"), *data.rows("bracketed")}
    assert set(run.confusions) == {"val", "bracketed"}
    assert run.metrics["test"] is None
    assert run.metrics["bracketed"]["frames"] == len(data.rows("bracketed"))
    assert final_scores(run) == run.scores["val"]
    assert set(run.examples.split) == {"val"}


@pytest.fixture(scope="module")
def data(laboratory):
    with laboratory.at_work():
        return prepare_data(laboratory.profile("whole").experiment("fast_scnn").data)


@pytest.mark.parametrize("split", ["val", "test"])
def test_metrics_come_from_the_recorded_counts(finished, data, split):
    run = read_run(finished)
    confusions, scores = run.confusions[split], run.metrics[split]
    assert run.classes is CAMVID11
    assert run.scored_frames[split] == data.names(split)
    assert scores["frames"] == len(confusions) == len(data.rows(split))
    for row, confusion in zip(data.rows(split), confusions, strict=True):
        truth = np.bincount(data.cache.native_label(row).ravel(), minlength=256)[:11]
        assert (confusion.sum(1) == truth).all()
    for name, value in compute_metrics(confusions.sum(0)).items():
        assert scores[name] == pytest.approx(float(value), rel=1e-12)
        assert tuple(scores[f"{name}_interval"]) == bootstrap_interval(confusions, name, 1000, seed=0)
        assert scores[f"{name}_interval"][0] <= scores[name] <= scores[f"{name}_interval"][1]
    intervals = bootstrap_classes(confusions, 1000, seed=0)
    assert tuple(scores["per_class"]) == run.classes.names
    for (low, high), row in zip(intervals, scores["per_class"].values(), strict=True):
        assert set(row) == {"iou", "dice", "recall", "precision", "pixel_share", "iou_interval"}
        assert row["iou_interval"] == [None if np.isnan(v) else v for v in (low, high)]
        assert row["iou"] is None or 0 <= row["iou"] <= row["dice"] <= 1


def test_test_is_scored_by_the_weights_that_validation_chose(finished, data):
    run = read_run(finished)
    best = run.history.set_index("epoch").val_mean_iou
    assert run.metrics["best_epoch"] == best.idxmax()
    assert run.metrics["val"]["mean_iou"] == pytest.approx(best.max(), rel=1e-12)
    network = run.network()
    assert not network.training
    precision = run.session["precision"]
    for split in ("val", "test"):
        kinds = tuple(COUNTERS)
        _, counts, _ = evaluate_frames(network, data.frames_of(split), kinds=kinds, precision=precision)
        for kind in kinds:
            np.testing.assert_array_equal(counts[kind], run.counts[split][kind], kind)
        assert run.metrics[split]["mean_boundary_iou"] == mean_boundary_iou(counts["boundary"].sum(0))
        assert run.metrics[split]["calibration_error"] == calibration_error(counts["confidence"].sum(0))
    state = load_file(run.weights)
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_what_training_left_in_memory_is_not_scored(laboratory, data, monkeypatch, tmp_path):
    train = runner.Trainer.train

    def train_and_forget(trainer):
        state = train(trainer)
        trainer.network.requires_grad_(False)
        for parameter in trainer.network.parameters():
            parameter.zero_()
        return state

    monkeypatch.setattr(runner.Trainer, "train", train_and_forget)
    run = get_run(laboratory.profile(tmp_path, "epochs=1", "workers=0"), "fast_scnn")
    assert run.metrics["val"]["mean_iou"] == pytest.approx(run.history.val_mean_iou[0], rel=1e-12)
    _, counts, _ = evaluate_frames(run.network(), data.frames_of("test"), precision=run.session["precision"])
    assert (counts["confusion"] == run.confusions["test"]).all()


def test_cost_and_origin_are_recorded(finished, data):
    run = read_run(finished)
    network = build_model("fast_scnn", 11)
    assert run.metrics["parameters"] == sum(p.numel() for p in network.parameters())
    assert run.metrics["multiply_adds"] > 1e6
    assert run.metrics["size"] == [64, 96]
    record, (session,) = run.record, run.record["sessions"]
    assert record["training_seconds"] == pytest.approx(run.history.seconds.sum())
    assert record["images_per_second"] == pytest.approx(3 * 16 / run.history.seconds.sum())
    assert record["peak_memory"] > 1e8
    assert record["frames"] == {split: len(data.rows(split)) for split in ("train", "val", "test")}
    assert record["data_digest"] == data.digest
    assert {"python", "torch", "accelerate"} <= set(session["versions"])
    assert session["after_epoch"] == 0
    assert session["started"] <= record["finished"]
    files = contents(finished)
    assert set(record["files"]) == set(files) - {"record.json"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in record["files"].items())
    for name, content in files.items():
        assert str(finished.parents[4]).encode() not in content, name  # nothing of this machine's folders


def test_predictions_of_the_examples_are_kept(finished, data):
    run = read_run(finished)
    assert set(run.examples.kind) == {"good", "typical", "worst", "shared"}
    scores = dict(zip(run.scored_frames["test"], compute_metrics(run.confusions["test"])["mean_iou"], strict=True))
    network = run.network()
    for row in run.examples.itertuples():
        assert row.split == "test"
        assert row.mean_iou == pytest.approx(scores[row.frame])
        images, labels = unpack_batch(next(data.frames_of("test", [data.find(row.frame)])))
        logits = predict_logits(network, images, labels.shape[-2:], precision=run.session["precision"])
        with Image.open(row.prediction) as picture:
            assert (np.asarray(picture) == logits.argmax(1)[0].numpy()).all()
        assert (run.read_prediction(row.frame) == logits.argmax(1)[0].numpy()).all()
    with pytest.raises(MissingRun, match=f"no prediction of 'test/nowhere', but of .*{row.frame}"):
        run.read_prediction("test/nowhere")


def test_the_examples_is_good_typical_worst_and_shared():
    confusions = np.zeros((21, 2, 2), np.int64)
    order = np.random.default_rng(0).permutation(21)
    confusions[order, 0, 0] = 10 + np.arange(21)  # the frame order[i] is the i-th worst
    confusions[:, 0, 1] = 10
    chosen = choose_examples(confusions)
    rank = {int(frame): i for i, frame in enumerate(order)}
    assert [rank[frame] for frame in chosen["worst"]] == [0, 1]
    assert [rank[frame] for frame in chosen["typical"]] == [10, 9]
    assert [rank[frame] for frame in chosen["good"]] == [18, 16]
    assert chosen["shared"] == [4, 8, 12, 16]  # evenly spaced, whatever the model scored
    sound = choose_examples(confusions, suspect=[int(order[0]), 8])
    assert [rank[frame] for frame in sound["worst"]] == [1, 2]
    assert 8 not in sound["shared"]
    assert choose_examples(confusions[:1]) == {"good": [0, 0], "typical": [0, 0], "worst": [0, 0], "shared": [0]}


def test_multi_scale_scores_are_reported_beside_the_plain_ones(laboratory, monkeypatch, tmp_path):
    asked = []

    def watch(*arguments, **how):
        asked.append(how)
        return evaluate_frames(*arguments, **how)

    monkeypatch.setattr(runner, "evaluate_frames", watch)
    overrides = ["epochs=1", "workers=0", "evaluation={extra: true, scales: [1.0, 0.5], flip: false}"]
    run = get_run(laboratory.profile(tmp_path, *overrides), "fast_scnn")
    precision = run.session["precision"]
    plain = {"precision": precision}
    final = plain | {"kinds": tuple(COUNTERS)}
    extra = plain | {"scales": (1.0, 0.5), "flip": False}
    assert asked == [plain, final, final, extra]  # val in training; val and test at the end; several views
    assert set(METRICS) <= set(run.metrics["test_multiscale"])
    assert run.confusions["test_multiscale"].shape == run.confusions["test"].shape
    assert set(run.scored_frames) == {"val", "test"}


def test_local_weights_stand_in_for_the_download(laboratory, tmp_path):
    torch.manual_seed(7)
    encoder = build_model("unet", 2, encoder="mobilenet_v2").encoder
    torch.save(encoder.state_dict(), tmp_path / "weights.pth")
    profile = laboratory.profile(tmp_path, "model.encoder_weights=imagenet")
    config = profile.experiment("unet")
    network = build_configured(config, 11, encoder_weights="imagenet", weights_file=tmp_path / "weights.pth")
    assert all(torch.equal(value, network.encoder.state_dict()[name]) for name, value in encoder.state_dict().items())
    untrained = build_network(profile, "unet", 11)
    assert not torch.equal(untrained.encoder.features[0][0].weight, encoder.features[0][0].weight)


def test_names_of_any_kind_lead_from_a_prediction_to_its_own_picture(laboratory, tmp_path):
    """Digits alone, the same in each split; commas, quotes, formulas and HTML in names."""
    odd = ["0001", 'a, "b"', "$a^^b$", "<b>x", "0002"]
    root = tmp_path / "scenes"
    shutil.copytree(laboratory.data, root)
    for folder in (root / split for split in ("train", "val", "test")):
        for number, image in enumerate(sorted(folder.iterdir())):
            name = f"{odd[number] if number < len(odd) else f'{number:04d}'}.png"
            (folder.with_name(f"{folder.name}annot") / image.name).rename(
                folder.with_name(f"{folder.name}annot") / name
            )
            image.rename(folder / name)
    profile = laboratory.profile(tmp_path, "epochs=1", "workers=0", f"data.root={root}")
    run = get_run(profile, "fast_scnn")
    data = prepare_data(profile.experiment("fast_scnn").data)
    assert {f"{split}/{odd[0]}" for split in ("train", "val", "test")} <= set(data.frames["name"])
    assert set(run.examples.frame) <= set(run.scored_frames["test"]) == {f"test/{name}" for name in odd}
    for row in run.examples.itertuples():
        path = data.frames["image"].iloc[data.find(row.frame)]
        assert Path(path) == root / "test" / f"{row.frame.removeprefix('test/')}.png"
        with Image.open(path) as picture:
            assert np.array_equal(data.image(row.frame), np.asarray(picture))
        assert run.read_prediction(row.frame).shape == data.label(row.frame).shape
