import re

import numpy as np
import pandas as pd
import pytest

from seg_helpers.config import ConfigError, SplitConfig, validate
from seg_helpers.datasets.audit import audit_split
from seg_helpers.datasets.layouts import DatasetError, read_dataset
from seg_helpers.datasets.splits import BRACKETED, GAP, apply_split, describe_split


def table(**clips: tuple[str, int]) -> pd.DataFrame:
    """A frames table: `clip=(split, frames)`, numbers two apart as at 15 Hz."""
    rows = [
        (f"{clip}_{i}", "label", split, clip, 2 * i) for clip, (split, count) in clips.items() for i in range(count)
    ]
    return pd.DataFrame(rows, columns=["image", "label", "split", "clip", "number"])


def positions(frames, split):
    return np.flatnonzero(frames["split"] == split)


def test_given_keeps_the_data_sets_own_split(segnet_folder):
    frames = read_dataset(segnet_folder).frames
    assert apply_split(frames, SplitConfig()).equals(frames)


def test_given_without_validation_frames_names_the_remedy():
    with pytest.raises(DatasetError, match=r"set data.split.kind to grouped"):
        apply_split(table(a=("train", 9)), SplitConfig())


@pytest.mark.parametrize("seed", range(6))
def test_grouped_holds_out_a_block_with_gaps_of_one_clip(seed):
    frames = table(a=("train", 90), b=("train", 30), z=("test", 11))
    split = apply_split(frames, SplitConfig(kind="grouped", gap=5), seed)
    val = positions(split, "val")
    assert len(val) == 12
    assert np.array_equal(val, np.arange(val[0], val[0] + 12))
    assert split["clip"].iloc[val].nunique() == 1
    assert split["split"].value_counts()["test"] == 11
    audit = audit_split(split)
    assert audit.loc[audit["split"] == "val", "distance"].min() >= 12  # six frames apart, numbers go by two
    assert split.drop(columns="split").equals(frames.drop(columns="split"))


def test_grouped_depends_on_the_seed_only():
    frames = table(a=("train", 90))
    config = SplitConfig(kind="grouped")
    starts = {int(positions(apply_split(frames, config, seed), "val")[0]) for seed in range(8)}
    assert len(starts) > 3
    assert apply_split(frames, config, 3).equals(apply_split(frames, config, 3))


def test_grouped_pools_the_given_validation_frames_again(segnet_folder):
    split = apply_split(read_dataset(segnet_folder).frames, SplitConfig(kind="grouped", val_fraction=0.3, gap=1))
    assert describe_split(split).startswith(("8 training, 4 validation", "7 training, 4 validation"))
    assert (split["split"] == "test").sum() == 4


def test_short_clips_are_held_out_whole():
    frames = table(**{f"c{i}": ("train", 3) for i in range(10)})
    split = apply_split(frames, SplitConfig(kind="grouped", val_fraction=0.3, gap=2), 1)
    held = split[split["split"] == "val"]
    assert held["clip"].value_counts().tolist() == [3, 3, 3]
    assert GAP not in set(split["split"])


def test_folds_hold_out_every_frame_once_and_never_touch_training():
    frames = table(a=("train", 40), b=("train", 20))
    held = []
    for fold in range(5):
        split = apply_split(frames, SplitConfig(kind="grouped", folds=5, fold=fold, gap=3), seed=fold)
        held += positions(split, "val").tolist()
        distance = audit_split(split)["distance"]
        assert not (distance <= 6).any()
    assert sorted(held) == list(range(60))


def test_too_wide_a_gap_is_an_error():
    with pytest.raises(DatasetError, match=r"no train frame is left of 10; lower data.split.gap"):
        apply_split(table(a=("train", 10)), SplitConfig(kind="grouped", gap=20))


def test_a_held_out_clip_validates_in_place_of_the_given_frames():
    frames = table(a=("train", 5), b=("train", 4), c=("val", 3), z=("test", 2))
    frames.loc[1, "split"] = "val"  # a given val frame between training frames of another clip
    frames.loc[6, "split"] = "val"  # and one of the clip that is held out
    split = apply_split(frames, SplitConfig(kind="held_out_clip", clip="b"), 3)
    assert positions(split, "train").tolist() == [0, 2, 3, 4]
    assert positions(split, "val").tolist() == [5, 7, 8]
    assert positions(split, BRACKETED).tolist() == [1, 6, 9, 10, 11]  # neither trained on nor chosen by
    assert positions(split, "test").tolist() == [12, 13]
    assert split.drop(columns="split").equals(frames.drop(columns="split"))
    assert (frames["split"] == "val").sum() == 5  # a copy
    audit = audit_split(split)
    assert not audit.loc[audit["split"] == "val", "clip_in_train"].any()


@pytest.mark.parametrize(
    ("clips", "clip"),
    [
        ({"a": ("train", 5), "b": ("train", 4)}, "d"),
        ({"a": ("train", 5), "b": ("val", 4)}, "b"),  # not trained on
        ({"a": ("train", 5)}, "a"),  # nothing would be left to train on
    ],
)
def test_a_clip_that_cannot_be_held_out_names_those_that_can(clips, clip):
    trained = ", ".join(name for name, (split, _) in clips.items() if split == "train")
    said = f"clip {clip!r} and another one need training frames; the clips that have some: {trained} (data.split.clip)"
    with pytest.raises(DatasetError, match=re.escape(said)):
        apply_split(table(**clips), SplitConfig(kind="held_out_clip", clip=clip))


@pytest.mark.parametrize("config", [{"kind": "held_out_clip"}, {"clip": "a"}, {"kind": "grouped", "clip": "a"}])
def test_a_clip_is_named_if_and_only_if_one_is_held_out(config):
    with pytest.raises(ConfigError, match=r"data\.split: values: .*kind=held_out_clip and clip=NAME go together, got"):
        validate(SplitConfig, config, "data.split")


def test_after_augmentation_leaks_copies_of_training_frames():
    frames = table(a=("train", 30), z=("test", 4))
    expanded = pd.concat([frames] + [frames[frames["split"] == "train"]] * 2, ignore_index=True)
    split = apply_split(expanded, SplitConfig(kind="after_augmentation"), 0)
    assert describe_split(split) == "81 training, 9 validation and 4 test frames"
    audit = audit_split(split)
    assert (audit.loc[audit["split"] == "val", "distance"] == 0).mean() > 0.8
