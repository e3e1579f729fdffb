"""Which frames train, validate and test: splits that change only the `split` column. `audit` tells how good one is.

Neighboring frames of a video are nearly the same picture. A random split puts neighbors on both sides, and then
validation measures memory. `grouped` holds out a block of one clip and leaves out a gap of frames around it.
"""

import numpy as np
import pandas as pd

from seg_helpers.config import SplitConfig
from seg_helpers.datasets.layouts import DatasetError

GAP = "gap"  # the split of frames that are left out to keep train and val apart
BRACKETED = "bracketed"  # the data set's own val frames, where a held-out clip takes their place


def apply_split(frames: pd.DataFrame, config: SplitConfig, seed: int = 0) -> pd.DataFrame:
    """A copy of a frames table that divides the pool of its train and val frames anew; test frames stay what they are.

    `given` keeps the data set's own split. `grouped` holds out a contiguous block of a clip (its place drawn from the
    seed), or with `folds` the `fold`-th of that many consecutive blocks, and marks up to `gap` frames on either side as
    `gap`. `after_augmentation` draws rows at random, whatever clip, frame or copy they come from: the leak that the
    others avoid. `held_out_clip` validates on one `clip` of the training frames, which none is left of to train on, and
    calls the given val frames `bracketed`. Frames of unknown clip are taken for one clip in the order of their numbers,
    so that a block keeps its distance even where they are one.

    Raises:
        DatasetError: no validation frames are given, or a split would be left empty.
    """
    if config.kind == "given":
        if not (frames["split"] == "val").any():
            raise DatasetError(
                "split `given`: this data set has no validation frames of its own; "
                "set data.split.kind to grouped, which holds out a block of the training frames"
            )
        return frames.copy()
    if config.kind == "held_out_clip":
        return _hold_out_clip(frames, config.clip)
    rng = np.random.default_rng(seed)
    order = frames[frames["split"] != "test"].sort_values(["clip", "number"], kind="stable").index.to_numpy()
    clips = frames.loc[order, "clip"].to_numpy()
    count = len(order)
    if config.folds:
        start, stop = (round(count * i / config.folds) for i in (config.fold, config.fold + 1))
    else:
        start, stop = 0, max(1, round(count * config.val_fraction))
    if config.kind == "after_augmentation":
        order = rng.permutation(order)
    elif not config.folds:
        start = _choose_start(clips, stop, rng)
        stop += start
    parts = np.full(count, "train", object)
    parts[start:stop] = "val"
    if config.kind == "grouped":
        before, after = slice(max(0, start - config.gap), start), slice(stop, stop + config.gap)
        parts[before][clips[before] == clips[start]] = GAP
        parts[after][clips[after] == clips[stop - 1]] = GAP
    for name in ("train", "val"):
        if name not in parts:
            raise DatasetError(
                f"split {config.kind}: no {name} frame is left of {count}; "
                f"lower data.split.gap ({config.gap}) or val_fraction ({config.val_fraction})"
            )
    split = frames["split"].copy()
    split[order] = parts
    return frames.assign(split=split)


def _hold_out_clip(frames: pd.DataFrame, clip: str | None) -> pd.DataFrame:
    trained = frames["split"] == "train"
    clips = sorted(frames.loc[trained, "clip"].unique())
    if clip not in clips or len(clips) < 2:
        raise DatasetError(
            f"split held_out_clip: clip {clip!r} and another one need training frames; the clips that have some: "
            f"{', '.join(clips)} (data.split.clip)"
        )
    split = frames["split"].mask(frames["split"] == "val", BRACKETED)
    split[trained & (frames["clip"] == clip)] = "val"
    return frames.assign(split=split)


def _choose_start(clips: np.ndarray, length: int, rng: np.random.Generator) -> int:
    """Where a block of this length may start: within one clip if any is long enough, else where a clip starts."""
    starts = np.arange(len(clips) - length + 1)
    inside = starts[clips[starts] == clips[starts + length - 1]]
    if not len(inside):
        inside = starts[(starts == 0) | (clips[starts] != clips[starts - 1])]
    return int(rng.choice(inside))


def describe_split(frames: pd.DataFrame) -> str:
    """One sentence: `367 training, 101 validation and 233 test frames`, and how many are left out as gap."""
    counts = frames["split"].value_counts()
    train, val, test, gap = (int(counts.get(name, 0)) for name in ("train", "val", "test", GAP))
    sentence = f"{train} training, {val} validation and {test} test frames"
    return sentence + (f", {gap} left out as gap" if gap else "")
