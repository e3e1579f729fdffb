import numpy as np

from seg_helpers.scenes.soccer import BALL, CLASSES, FIELD, LINES, draw_frames, plan_frames


def test_no_clip_is_in_two_splits():
    plan = plan_frames(120)
    assert plan["split"].value_counts().to_dict() == {"train": 84, "test": 18, "val": 18}
    assert plan.groupby("clip")["split"].nunique().max() == 1
    assert not plan.duplicated(["clip", "position"]).any()


def test_a_ball_and_white_lines_lie_on_a_field():
    images, labels = zip(*draw_frames(plan_frames(24), (60, 80)), strict=True)
    images, labels = np.stack(images), np.stack(labels)
    share = np.bincount(labels.ravel(), minlength=len(CLASSES)) / labels.size
    assert share[FIELD] > 0.4
    assert 0 < share[BALL] < 0.03
    assert 0.01 < share[LINES] < 0.1
    assert images[labels == LINES].mean() > images[labels == FIELD].mean() + 30


def test_frames_are_made_by_their_seed():
    plan = plan_frames(4)
    first, again, other = (np.stack([i for i, _ in draw_frames(plan, (30, 40), seed)]) for seed in (0, 0, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
