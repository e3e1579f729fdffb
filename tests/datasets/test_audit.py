"""Audits: what training knows of held-out frames, by name and by picture, and labels that do not fit."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny import save, tiny_image, tiny_label, tiny_video

from seg_helpers.classes import CAMVID11
from seg_helpers.config import SplitConfig
from seg_helpers.datasets.audit import MIN_GAIN, NEARLY_IDENTICAL, audit_labels, audit_split, match_pictures
from seg_helpers.datasets.cache import build_cache
from seg_helpers.datasets.layouts import read_dataset
from seg_helpers.datasets.splits import apply_split


def table(**clips: tuple[str, int]) -> pd.DataFrame:
    """A frames table: `clip=(split, frames)`, numbers two apart as at 15 Hz."""
    rows = [
        (f"{clip}_{i}", "label", split, clip, 2 * i) for clip, (split, count) in clips.items() for i in range(count)
    ]
    return pd.DataFrame(rows, columns=["image", "label", "split", "clip", "number"])


@pytest.fixture
def write(tmp_path):
    """Writes frames in SegNet's layout, `write({"train": {"0000": (image, label)}})`, and reads and caches them."""

    def build(splits):
        for split, frames in splits.items():
            for stem, (image, label) in frames.items():
                save(tmp_path / "set" / split / f"{stem}.png", image)
                save(tmp_path / "set" / f"{split}annot" / f"{stem}.png", label)
        frames = read_dataset(tmp_path / "set").frames
        return frames, build_cache(frames, CAMVID11, cache_dir=tmp_path / "cache")

    return build


def still(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return tiny_image(seed), tiny_label(seed)


# ---------------------------------------------------------------- splits


def test_audit_tells_the_distance_to_the_nearest_training_frame():
    frames = table(a=("train", 10), b=("test", 2))
    frames.loc[[4, 5, 9], "split"] = "val"
    audit = audit_split(frames, frames_per_second=30)
    assert audit["distance"].tolist()[:3] == [2, 2, 2]
    assert audit["seconds"].iloc[0] == pytest.approx(2 / 30)
    assert audit["clip_in_train"].tolist() == [True, True, True, False, False]
    assert audit["distance"].isna().tolist() == [False, False, False, True, True]
    assert audit[["similarity", "val_similarity"]].isna().all(axis=None)


def test_audit_measures_similarity(segnet_folder, tmp_path):
    frames = read_dataset(segnet_folder).frames
    cache = build_cache(frames, CAMVID11, cache_dir=tmp_path)
    audit = audit_split(frames, cache=cache)
    oak = audit[audit["clip"] == "Oak"]  # its pictures 0 to 3 are those of training frames 0 to 3
    assert oak["similarity"].to_numpy() == pytest.approx(1)
    assert audit.loc[audit["split"] == "val", "similarity"].max() < 0.999


def test_a_random_split_of_an_unnamed_clip_is_unknown_and_nearly_identical(write):
    video = tiny_video(list(range(24)), size=(96, 128), cell=32)
    held = (3, 10, 17)
    names = {f"{i:04d}": frame for i, frame in enumerate(video)}
    frames, cache = write(
        {
            "train": {stem: frame for stem, frame in names.items() if int(stem) not in held},
            "val": {stem: frame for stem, frame in names.items() if int(stem) in held},
        }
    )
    assert set(frames["clip"]) == {""}
    audit = audit_split(frames, cache=cache)
    assert audit["clip_in_train"].isna().all()
    assert audit["distance"].isna().all()
    assert (audit["similarity"] >= NEARLY_IDENTICAL).all()


def test_a_named_clip_is_not_new_to_training_frames_without_one():
    frames = table(a=("train", 3), b=("test", 2))
    frames.loc[0, "clip"] = ""
    assert audit_split(frames)["clip_in_train"].isna().all()


def test_copies_are_found_under_other_names(write):
    frames, cache = write(
        {
            "train": {f"Elm_{i}": still(i) for i in range(5)},
            "val": {"Oak_7": still(3), "Oak_8": still(90)},
            "test": {"Ash_1": still(90), "Ash_2": still(91)},
        }
    )
    matches = match_pictures(frames, cache)
    found = [
        (Path(row.image).stem, row.other_split, Path(row.other_image).stem)
        for row in matches[matches["identical"]].itertuples()
    ]
    assert found == [("Oak_7", "train", "Elm_3"), ("Ash_1", "val", "Oak_8")]
    assert len(matches) == 2 + 2 + 2
    assert (frames.loc[matches["other_row"], "image"].to_numpy() == matches["other_image"]).all()
    assert (matches.loc[~matches["identical"], "similarity"] < NEARLY_IDENTICAL).all()


def test_a_reencoded_copy_is_nearly_identical_and_equal_gray_ones_are_identical(write):
    image, label = still(0)
    noisy = np.clip(image.astype(int) + np.random.default_rng(0).integers(-3, 4, image.shape), 0, 255).astype(np.uint8)
    flat = np.full_like(image, 128)
    frames, cache = write(
        {"train": {"1": (image, label), "2": (flat, label)}, "val": {"1": (noisy, label), "2": (flat, label)}}
    )
    matches = match_pictures(frames, cache)
    assert matches["identical"].tolist() == [False, True]
    assert matches["similarity"].iloc[0] >= NEARLY_IDENTICAL
    assert matches["similarity"].iloc[1] == 1


def test_grouped_keeps_copies_of_unnamed_frames_on_one_side(write):
    copies = {f"{i:03d}": still(i) for i in range(20)}
    frames, cache = write({"train": copies, "val": copies})
    assert (audit_split(frames, cache=cache)["similarity"] == 1).all()
    for seed in range(5):
        split = apply_split(frames, SplitConfig(kind="grouped", val_fraction=0.3, gap=2), seed)
        assert (audit_split(split, cache=cache)["similarity"] < 1).all()


# ---------------------------------------------------------------- labels


def judge(write, video, names="Elm_{:03d}"):
    frames, cache = write({"train": {names.format(i): frame for i, frame in enumerate(video)}})
    return audit_labels(frames, cache, CAMVID11.num_classes)


@pytest.mark.parametrize("names", ["Elm_{:03d}", "{:04d}"])
@pytest.mark.parametrize(("axis", "shift"), [(1, 20), (1, -9), (0, 12)])
def test_a_rolled_label_is_found_with_the_shift_that_mends_it(write, axis, shift, names):
    video = tiny_video([0, 1, 2, 3, 4, 5, 6])
    video[3] = video[3][0], np.roll(video[3][1], -shift, axis)
    audit = judge(write, video, names)
    assert audit.index.tolist() == [1, 2, 3, 4, 5]
    assert audit.index[audit["suspect"]].tolist() == [3]
    wrong = audit.loc[3]
    assert (wrong["axis"], wrong["before"], wrong["after"]) == (axis, 2, 4)
    assert abs(wrong["shift"] - shift) <= 1  # the camera moves by a pixel
    assert wrong["agreement_rolled"] > 0.85 > wrong["agreement"] + MIN_GAIN
    assert wrong["picture_gain"] < 0


def test_a_fast_pan_is_not_accused(write):
    audit = judge(write, tiny_video([0, 2, 30, 2, 0]))
    turned = audit.loc[2]
    assert turned["gain"] > MIN_GAIN  # both neighbors name the shift
    assert turned["shift"] == 28
    assert turned["picture_gain"] > 0  # and so do the pictures
    assert not audit["suspect"].any()


def test_the_sound_label_between_two_wrong_ones_is_not_accused(write):
    video = tiny_video([0, 1, 2, 3, 4, 5, 6])
    for i, shift in ((2, -16), (4, -24)):
        video[i] = video[i][0], np.roll(video[i][1], shift, 1)
    audit = judge(write, video)
    assert audit.index[audit["suspect"]].tolist() == [2, 4]


def test_only_frames_between_near_labeled_ones_are_judged(write):
    video = tiny_video(list(range(9)))
    numbers = [0, 1, 2, 3, 50, 51, 52, 90, 91]
    frames, cache = write({"train": {f"Elm_{number:03d}": frame for number, frame in zip(numbers, video, strict=True)}})
    assert audit_labels(frames, cache, 11).index.tolist() == [1, 2, 5]
    frames.loc[2, "label"] = ""
    assert audit_labels(frames, cache, 11).index.tolist() == [1, 5]  # its neighbors are 0 and 3
    none = audit_labels(frames[:2], cache, 11)
    assert none.empty
    assert none["suspect"].dtype == bool


def test_void_is_no_class_that_agrees(write):
    video = [
        (image, np.where(np.arange(64) < 50, label, 11).astype(np.uint8)) for image, label in tiny_video([0, 0, 0])
    ]
    assert judge(write, video)["agreement"].tolist() == pytest.approx([1])
    blank = [(image, np.full_like(label, 11)) for image, label in video]
    assert judge(write, blank)[["agreement", "gain"]].to_numpy().tolist() == [[0, 0]]
