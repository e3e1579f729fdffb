import numpy as np

from seg_helpers.datasets.audit import audit_split
from seg_helpers.scenes.classes import CLASSES, VOID
from seg_helpers.scenes.road import CLIPS, draw_frames, plan_frames
from seg_helpers.scenes.street import Street


def draw(clip, positions, size, seed=0):
    plan = plan_frames(120).query("clip == @clip and position in @positions")
    return list(draw_frames(plan, size, seed))


def test_the_default_plan_splits_like_camvid():
    plan = plan_frames(120)
    assert plan["split"].value_counts().to_dict() == {"train": 82, "test": 24, "val": 14}
    clips = {split: set(plan.loc[plan["split"] == split, "clip"]) for split in ("train", "val", "test")}
    assert len(clips["val"]) == 1
    assert clips["val"] <= clips["train"]
    assert clips["test"] - clips["train"]
    assert clips["test"] & clips["train"]
    audit = audit_split(plan.assign(image=plan["clip"], number=plan["position"]))
    assert audit["distance"].min() > 2
    val = plan.loc[plan["split"] == "val", "position"].to_numpy()
    assert np.array_equal(np.diff(val), np.ones(len(val) - 1))


def test_frames_are_made_by_their_seed():
    first, again, other = (draw("Market", [0, 1], (48, 64), seed) for seed in (0, 0, 1))
    assert np.array_equal([image for image, _ in first], [image for image, _ in again])
    assert np.array_equal([labels for _, labels in first], [labels for _, labels in again])
    assert not np.array_equal(first[0][0], other[0][0])


def test_a_frame_does_not_depend_on_those_before_it():
    streets = [Street(np.random.default_rng(0), CLIPS[0].style, 40, (48, 64)) for _ in range(2)]
    streets[0].render(0)
    for found, expected in zip(streets[0].render(5), streets[1].render(5), strict=True):
        assert np.array_equal(found, expected)


def test_labels_hold_classes_and_void_only():
    _, labels = Street(np.random.default_rng(3), CLIPS[4].style, 30, (60, 80)).render(2)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {*range(len(CLASSES)), VOID}
