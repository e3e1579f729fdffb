from itertools import pairwise

import numpy as np
import pytest

from seg_helpers.classes import CAMVID11, SOCCER4, VOID
from seg_helpers.datasets import samples
from seg_helpers.datasets.audit import audit_labels
from seg_helpers.datasets.layouts import DatasetError, read_dataset
from seg_helpers.datasets.samples import ensure_sample
from seg_helpers.scenes import road, soccer

SIZE = (96, 128)
SMALL = {"frames": 4, "size": (24, 32)}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    dataset = read_dataset(ensure_sample(root / "sample", frames=30, size=SIZE), cache_dir=root / "cache")
    return dataset, dataset.cache


def test_a_missing_sample_is_generated_once_and_said_so(tmp_path, capsys):
    root = ensure_sample(tmp_path / "data" / "soccer", "soccer", **SMALL)
    assert "generated 5 soccer frames" in capsys.readouterr().out
    assert (read_dataset(root).frames["split"] == "train").sum() == 3
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*.png"))
    ensure_sample(root, "soccer", **SMALL)
    assert capsys.readouterr().out == ""
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*.png")) == before
    assert [path.name for path in root.parent.iterdir()] == ["soccer"]


def test_files_of_somebody_else_are_not_touched(tmp_path):
    (tmp_path / "mine.png").write_text("precious")
    with pytest.raises(DatasetError, match="not a generated soccer data set"):
        ensure_sample(tmp_path, "soccer", **SMALL)
    assert (tmp_path / "mine.png").read_text() == "precious"


def test_a_run_that_stops_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(path, *_, **__):
        assert len(list(path.parent.glob("train/*.png"))) == 3
        raise KeyboardInterrupt

    monkeypatch.setattr(samples, "write_classes", stop)
    with pytest.raises(KeyboardInterrupt):
        ensure_sample(tmp_path / "soccer", "soccer", **SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("painter", "classes"), [(road, CAMVID11), (soccer, SOCCER4)])
def test_painters_name_the_classes_that_their_files_are_read_in(painter, classes):
    assert classes.names == painter.CLASSES


def test_the_same_seed_gives_the_same_files(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 5)):
        ensure_sample(tmp_path / name, "soccer", **SMALL, seed=seed)
    files = [sorted((tmp_path / name).rglob("*.png")) for name in "abc"]
    contents = [[path.read_bytes() for path in paths] for paths in files]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert [path.name for path in files[0]] == [path.name for path in files[2]]


def test_soccer_scenes_read_with_their_own_four_classes(tmp_path):
    dataset = read_dataset(ensure_sample(tmp_path / "soccer", "soccer", **SMALL))
    assert len(dataset.frames) == 5  # 70, 15 and 15%, at least one each
    assert (dataset.layout, dataset.classes, dataset.frames_per_second) == ("segnet", SOCCER4, 30)
    assert dataset.problems.empty


def test_the_sample_reads_as_camvid(sample):
    dataset, cache = sample
    assert (dataset.layout, dataset.classes, dataset.frames_per_second) == ("segnet", CAMVID11, 30)
    assert dataset.problems.empty
    assert cache.size == SIZE
    assert len(dataset.frames) == 30


def test_every_class_is_there_and_in_every_split(sample):
    dataset, cache = sample
    counts = cache.counts[:, [*range(11), VOID]]
    for split in ("train", "val", "test"):
        share = counts[dataset.frames["split"] == split].sum(axis=0)[:11] / counts.sum(axis=0)[:11].sum()
        assert (share > 0).all(), (split, dict(zip(CAMVID11.names, share, strict=True)))
    assert counts[:, 11].sum() > 0  # bins are void
    share = counts.sum(axis=0) / counts.sum()
    assert 0.25 < share[CAMVID11.names.index("Road")] < 0.45
    assert share[CAMVID11.names.index("Pedestrian")] < 0.03


def test_neighboring_frames_are_alike_and_clips_are_not(sample):
    dataset, cache = sample
    small = cache.images[:, ::4, ::4].astype(float).reshape(len(cache), -1)
    correlation = np.corrcoef(small)
    train = np.flatnonzero((dataset.frames["split"] == "train").to_numpy())
    clip = dataset.frames["clip"].to_numpy()
    neighbors = [correlation[a, b] for a, b in pairwise(train) if clip[a] == clip[b]]
    strangers = [correlation[a, b] for a in train for b in train if clip[a] != clip[b]]
    assert np.mean(neighbors) > np.mean(strangers) + 0.1


def test_no_label_of_the_scenes_is_taken_for_a_shifted_one(sample):
    dataset, cache = sample
    audit = audit_labels(dataset.frames, cache, CAMVID11.num_classes)
    assert len(audit) > len(cache) / 3
    assert not audit["suspect"].any()


def test_what_an_earlier_version_generated_is_drawn_anew(tmp_path, capsys):
    root = ensure_sample(tmp_path / "sample", frames=6, size=(24, 32))
    (root / ".generated").write_text("sample, 6 frames\n")
    (root / "classes.json").write_text("{}")
    ensure_sample(root, frames=6, size=(24, 32))
    assert "drawn anew" in capsys.readouterr().out
    assert read_dataset(root, cache_dir=tmp_path / "cache").classes.names == CAMVID11.names
