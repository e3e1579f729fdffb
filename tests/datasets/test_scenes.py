from itertools import pairwise

import numpy as np
import pytest

from seg_helpers.classes import CAMVID11, VOID
from seg_helpers.datasets.audit import audit_labels, audit_split
from seg_helpers.datasets.cache import build_cache, count_pixels
from seg_helpers.datasets.layouts import read_dataset
from seg_helpers.datasets.scenes import CLIPS, generate_road_scenes, plan_frames
from seg_helpers.datasets.scenes.camera import Camera, place
from seg_helpers.datasets.scenes.canvas import Canvas
from seg_helpers.datasets.scenes.street import Street

SIZE = (96, 128)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample")
    generate_road_scenes(root, frames=30, size=SIZE)
    dataset = read_dataset(root)
    return dataset, build_cache(dataset.frames, dataset.classes, cache_dir=root / "cache")


def test_the_sample_reads_as_camvid(sample):
    dataset, cache = sample
    assert (dataset.layout, dataset.classes, dataset.frames_per_second) == ("segnet", CAMVID11, 30)
    assert dataset.problems.empty
    assert cache.size == SIZE
    assert dataset.counts().sum() == 30


def test_every_class_is_there_and_in_every_split(sample):
    dataset, cache = sample
    counts = count_pixels(cache, 11)
    for split in ("train", "val", "test"):
        share = counts[dataset.frames["split"] == split].sum(axis=0)[:11] / counts.sum(axis=0)[:11].sum()
        assert (share > 0).all(), (split, dict(zip(CAMVID11.names, share, strict=True)))
    assert counts[:, 11].sum() > 0  # bins are void
    share = counts.sum(axis=0) / counts.sum()
    assert 0.25 < share[CAMVID11.names.index("Road")] < 0.45
    assert share[CAMVID11.names.index("Pedestrian")] < 0.03


def test_the_default_plan_splits_like_camvid():
    plan = plan_frames(120)
    assert plan["split"].value_counts().to_dict() == {"train": 82, "test": 24, "val": 14}
    clips = {split: set(plan.loc[plan["split"] == split, "clip"]) for split in ("train", "val", "test")}
    assert len(clips["val"]) == 1
    assert clips["val"] <= clips["train"]
    assert clips["test"] - clips["train"]
    assert clips["test"] & clips["train"]
    audit = audit_split(plan.assign(image=plan["clip"]))
    assert audit["distance"].min() > 30  # further apart than neighbours, which differ by 15
    val = plan.loc[plan["split"] == "val", "position"].to_numpy()
    assert np.array_equal(np.diff(val), np.ones(len(val) - 1))


def test_neighbouring_frames_are_alike_and_clips_are_not(sample):
    dataset, cache = sample
    small = cache.images[:, ::4, ::4].astype(float).reshape(len(cache), -1)
    correlation = np.corrcoef(small)
    train = np.flatnonzero((dataset.frames["split"] == "train").to_numpy())
    clip = dataset.frames["clip"].to_numpy()
    neighbours = [correlation[a, b] for a, b in pairwise(train) if clip[a] == clip[b]]
    strangers = [correlation[a, b] for a in train for b in train if clip[a] != clip[b]]
    assert np.mean(neighbours) > np.mean(strangers) + 0.1


def test_no_label_is_taken_for_a_shifted_one(sample):
    dataset, cache = sample
    audit = audit_labels(dataset.frames, cache, CAMVID11.num_classes)
    assert len(audit) > len(cache) / 3
    assert not audit["suspect"].any()


def test_the_same_seed_gives_the_same_frames(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        generate_road_scenes(tmp_path / name, frames=2, size=(48, 64), seed=seed, clips=CLIPS[:1])
    first, again, other = (sorted((tmp_path / name).rglob("*.png")) for name in "abc")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert [path.name for path in first] == [path.name for path in other]
    assert any(a.read_bytes() != b.read_bytes() for a, b in zip(first, other, strict=True))


def test_a_frame_does_not_depend_on_those_before_it():
    streets = [Street(np.random.default_rng(0), CLIPS[0].style, 40, (48, 64)) for _ in range(2)]
    streets[0].render(0)
    for found, expected in zip(streets[0].render(5), streets[1].render(5), strict=True):
        assert np.array_equal(found, expected)


def test_perspective_shrinks_with_distance():
    camera = Camera(s=10, u=0, height=1.5, focal=100, centre=(50, 40), curve=lambda s: 0.0 * s)
    (near, far, ground) = camera.project([(1, 1.5, 20), (1, 1.5, 30), (0, 0, 20)])
    assert near.tolist() == [60, 40]
    assert far.tolist() == [55, 40]
    assert ground.tolist() == [50, 55]
    assert place([(0, 0, 1)], 2, 3, np.pi / 2).round(9).tolist() == [[3, 0, 3]]


def test_what_is_drawn_later_covers_image_and_label():
    canvas = Canvas((10, 10))
    square = np.array([(4, 4), (15, 4), (15, 15), (4, 15)])
    canvas.polygon(square, (200, 0, 0), 3, depth=20)
    canvas.polygon(square + 6, (0, 200, 0), 8, depth=10)
    canvas.polygon(square, (90, 90, 90))  # a detail has no label of its own
    image, labels, depth = canvas.finish()
    assert (labels[3, 3], labels[6, 6], labels[9, 9], labels[0, 0]) == (3, 8, 8, 0)
    assert (depth[3, 3], depth[8, 8]) == (20, 10)
    assert image[3, 3].tolist() == [90, 90, 90]


def test_labels_hold_classes_and_void_only():
    _, labels = Street(np.random.default_rng(3), CLIPS[4].style, 30, (60, 80)).render(2)
    assert set(np.unique(labels)) <= {*range(11), VOID}
