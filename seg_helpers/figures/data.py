"""Figures and findings about a data set: its samples, classes, problems, labels. Clips and splits are in `splits`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from seg_helpers.classes import ClassSet
from seg_helpers.datasets import MIN_GAIN, Cache
from seg_helpers.figures.display import ReportFigure, show_table
from seg_helpers.figures.pictures import class_legend, image_grid, overlay
from seg_helpers.figures.plots import dumbbell, log_axis, percent_tick
from seg_helpers.figures.style import SPLIT_COLORS, SPLIT_NAMES, new_figure, themed
from seg_helpers.figures.words import count_of, join_words, percent, plain, verb, write_count

SPLITS = ("train", "val", "test")


def split_counts(frames: pd.DataFrame) -> pd.DataFrame:
    """Frames, labeled frames and clips of each split, as a table for `show_table`."""
    rows = []
    for split in [*SPLITS, *sorted(set(frames["split"]) - set(SPLITS))]:
        part = frames[frames["split"] == split]
        if len(part):
            labeled = int((part["label"] != "").sum())
            known = part.loc[part["clip"] != "", "clip"]
            clips = known.nunique() if len(known) == len(part) else "unknown"
            rows.append((SPLIT_NAMES.get(split, split), len(part), labeled, clips))
    return pd.DataFrame(rows, columns=["split", "frames", "with label", "clips"])


# ---------------------------------------------------------------- samples


@themed
def sample_grid(
    images: Sequence[np.ndarray], labels: Sequence[np.ndarray], classes: ClassSet, titles: Sequence[str]
) -> ReportFigure:
    """Frames in rows; image, label and overlay in columns; the legend names the classes that appear.

    Args:
        images: (H, W, 3) uint8 RGB each.
        labels: (H, W) uint8 indices each, void 255.
        classes: the labels' class set.
        titles: one a frame, such as "train · 0001TP_006690".
    """
    panels = []
    for image, label, title in zip(images, labels, titles, strict=True):
        panels += [
            (title, image),
            ("label", classes.colorize(label)),
            ("overlay", overlay(image, label, classes)),
        ]
    figure, _ = image_grid(panels, 3, room=0.6)
    colors = class_legend(figure, classes, labels)
    held = set().union(*map(set, map(np.unique, labels)))
    present = [name for index, name in enumerate(classes.names) if index in held]
    frames = count_of(len(images), "frame")
    return ReportFigure(
        figure,
        f"{frames} in rows ({join_words(titles)}), each as image, colored label and overlay.",
        f"{frames} with label and overlay. The labels hold {len(present)} of {classes.num_classes} classes: "
        f"{join_words(present)}.",
        colors,
    )


# ---------------------------------------------------------------- class balance


def class_shares(counts: np.ndarray, splits: Sequence[str], classes: ClassSet) -> pd.DataFrame:
    """Pixel share and frame presence of each class, by split.

    Args:
        counts: (N, C + 1) pixels of each class in each frame, void last.
        splits: N split names.
        classes: C names.

    Returns:
        A row a split and class: `split`, `class`, `pixels`, `share` (of the split's pixels that are not
        void) and `presence` (share of the split's frames with at least one pixel).
    """
    splits, scored = np.asarray(splits), np.asarray(counts)[:, : classes.num_classes]
    rows = []
    for split in [name for name in SPLITS if (splits == name).any()]:
        part = scored[splits == split]
        total = max(int(part.sum()), 1)
        for index, name in enumerate(classes.names):
            pixels = int(part[:, index].sum())
            rows.append((split, name, pixels, pixels / total, float((part[:, index] > 0).mean())))
    return pd.DataFrame(rows, columns=["split", "class", "pixels", "share", "presence"])


@themed
def class_balance(shares: pd.DataFrame) -> ReportFigure:
    """Pixel share (log axis) and frame presence of each class, a dot a split.

    Args:
        shares: from `class_shares`.
    """
    splits = list(dict.fromkeys(shares["split"]))
    first = SPLIT_NAMES[splits[0]]
    wide = shares.pivot(index="class", columns="split", values=["share", "presence"])
    held = wide["share"].sum(axis=1) > 0
    absent = [name for name in dict.fromkeys(shares["class"]) if not held[name]]
    wide = wide[held].sort_values(("share", splits[0]), ascending=False)
    figure = new_figure(height=0.29 * len(wide) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True)
    colors = [SPLIT_COLORS[split] for split in splits]
    for axes, table in ((left, wide["share"].where(wide["share"] > 0)), (right, wide["presence"])):
        dumbbell(axes, wide.index, {SPLIT_NAMES[split]: table[split] for split in splits}, colors)
    log_axis(left.xaxis, percent_tick)
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_tick(value)))
    left.set_title("Share of labeled pixels (log scale)")
    right.set_title("Share of frames with the class")
    right.set_xlim(-0.02, 1.02)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=len(splits))
    base = wide["share", splits[0]]
    caption = (
        f"How common each class is, by pixels (left) and by frames (right), ordered by the {first} split. {base.index[0]} "
        f"covers {percent(base.iloc[0])} of its labeled pixels, {base.index[-1]} {percent(base.iloc[-1])}."
    )
    if absent:
        caption += f" No frame holds {join_words(absent)}."
    listed = [f"{name} {percent(share)}" for name, share in base.items()]
    return ReportFigure(
        figure,
        "Two dot plots, a row a class: share of labeled pixels on a logarithmic axis and share of frames with the "
        f"class, a dot for each of {join_words([SPLIT_NAMES[split] for split in splits])}. Classes from the most common: "
        f"{join_words(listed)} of {first} pixels.",
        caption,
    )


def balance_finding(shares: pd.DataFrame, void_share: float | None = None) -> str:
    """What the class balance means for training, as Markdown.

    Args:
        shares: from `class_shares`.
        void_share: void pixels as a share of all pixels, if known.
    """
    first = shares["split"].iloc[0]
    wide = shares.pivot(index="class", columns="split", values="share")
    base = wide.loc[wide.sum(axis=1) > 0, first].sort_values(ascending=False)
    held = base[base > 0]
    big = int((held.cumsum() < 0.8).sum()) + 1
    text = (
        f"**{_list_classes(held.index[:big])}** {verb(big, 'make')} up {percent(held.iloc[:big].sum())} of the "
        f"labeled {SPLIT_NAMES[first]} pixels. {plain(held.index[0])} has {write_count(held.iloc[0] / held.iloc[-1])} times "
        f"the pixels of {plain(held.index[-1])}. "
    )
    small = held[held < 0.02]
    if len(small):
        text += (
            f"{_list_classes(small.index)} {verb(len(small), 'stay')} below 2% each, together "
            f"{percent(small.sum())}: a model that never predicts them loses almost no pixel accuracy but "
            f"{len(small)} of {len(base)} classes in the mean IoU. "
        )
    if len(base) > len(held):
        missing = base.index[base == 0]
        text += f"{_list_classes(missing)} never {verb(len(missing), 'appear')} in {SPLIT_NAMES[first]}: nothing can learn them. "
    common = wide[(wide.max(axis=1) > 0.001) & (wide.min(axis=1) > 0)]  # ratios of crumbs say nothing
    ratio = common.max(axis=1) / common.min(axis=1)
    if len(wide.columns) > 1 and len(ratio):
        name = ratio.idxmax()
        times = f"{ratio[name]:.1f}" if ratio[name] < 10 else f"{ratio[name]:.0f}"
        most, least = common.loc[name].idxmax(), common.loc[name].idxmin()
        text += (
            f"Of the classes that every split holds, {plain(name)} differs most: it has {times} times the share in "
            f"{SPLIT_NAMES[most]} ({percent(common.loc[name, most])}) that it has in {SPLIT_NAMES[least]} "
            f"({percent(common.loc[name, least])}). "
        )
    if void_share is not None:
        text += f"Void covers {percent(void_share)} of all pixels; it is neither trained on nor scored."
    return text.strip()


def _list_classes(names: Sequence[str]) -> str:
    """All of a few classes by name; of many, how many and the last three."""
    names = [plain(name) for name in names]
    if len(names) <= 6:
        return join_words(names)
    return f"{len(names)} classes ({join_words(names[-3:])} among them)"


def baseline_finding(shares: pd.DataFrame) -> str:
    """What a constant answer would score on held-out frames, as Markdown: the floor of pixel accuracy and mean IoU.

    Args:
        shares: from `class_shares`; the last split that it holds is scored.
    """
    first, last = shares["split"].iloc[0], shares["split"].iloc[-1]
    wide = shares.pivot(index="class", columns="split", values="share")
    common = wide[first].idxmax()
    hit, scored = wide.loc[common, last], int((wide[last] > 0).sum() + (wide.loc[common, last] == 0))
    return (
        f"Painting every {SPLIT_NAMES[last]} frame {plain(common)}, the most common class in {SPLIT_NAMES[first]}, scores "
        f"{percent(hit)} pixel accuracy and {hit / scored:.3f} mean IoU there."
    )


@themed
def class_heatmaps(heatmaps: np.ndarray, classes: ClassSet) -> ReportFigure:
    """Where each class lives in the image.

    Args:
        heatmaps: (C, h, w) share of frames in which a cell (or of pixels within it) is of the class, 0 to 1.
        classes: C names.
    """
    present = [index for index, heat in enumerate(heatmaps) if heat.any()]
    names, heatmaps = [classes.names[index] for index in present], heatmaps[present]
    peaks = heatmaps.max(axis=(1, 2))
    columns = 4 if len(names) <= 12 else 6
    between = " · " if columns == 4 else "\n"
    panels = [
        (f"{name}{between}peak {percent(peak)}", heat / peak)
        for name, heat, peak in zip(names, heatmaps, peaks, strict=True)
    ]
    figure, axes = image_grid(panels, columns, room=0.5)
    bar = figure.colorbar(axes[0, 0].images[0], ax=axes, orientation="horizontal", fraction=0.03, aspect=60, pad=0.02)
    bar.set_label("share of pixels of the class, relative to the class's own peak")
    bar.outline.set_visible(False)
    heights = mean_heights(heatmaps)
    top, bottom = names[int(np.argmin(heights))], names[int(np.argmax(heights))]
    caption = (
        f"Where each class lives in the image, each map scaled to its own peak. {top} lies highest (mean height "
        f"{percent(1 - heights.min())} of the image from below), {bottom} lowest ({percent(1 - heights.max())})."
    )
    if len(names) < classes.num_classes:
        caption += f" {count_of(classes.num_classes - len(names), 'class')} without a pixel left out."
    return ReportFigure(
        figure,
        f"{len(names)} heat maps of the image plane, one a class, bright where the class is most frequent. "
        f"{top} lies highest, {bottom} lowest in the image.",
        caption,
    )


def mean_heights(heatmaps: np.ndarray) -> np.ndarray:
    """Mean vertical position of each class, 0 at the top edge and 1 at the bottom; nan for an absent class."""
    rows = (np.arange(heatmaps.shape[1]) + 0.5) / heatmaps.shape[1]
    mass = heatmaps.sum(axis=2)
    total = mass.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (mass * rows).sum(axis=1) / total, np.nan)


# ---------------------------------------------------------------- problems


def show_problems(problems: pd.DataFrame, found: int) -> None:
    """Display what is wrong with the data set's files and what to do about it.

    Args:
        problems: columns `file`, `problem`, `remedy`, `split`.
        found: frames that were kept.
    """
    table = problems[[column for column in ("split", "file", "problem", "remedy") if column in problems]]
    show_table(table, f"{count_of(len(problems), 'problem')}; {count_of(found, 'frame')} kept.")


def problems_finding(problems: pd.DataFrame, found: int) -> str:
    """The number of problems by kind, as Markdown; says so when there is none."""
    if problems.empty:
        return (
            f"Every file of the {found:,} frames was opened: **all can be read**, each label has its image's size and known "
            "classes only. Whether it also shows what its image shows is asked below."
        )
    kinds = problems["problem"].str.replace(r"[\d(].*", "", regex=True).str.strip(" :,").value_counts()
    listed = join_words([f"{number} × {kind}" for kind, number in kinds.items()])
    return (
        f"**{count_of(len(problems), 'problem')}** found while checking every file ({listed}). The frames concerned are "
        f"left out; {found:,} remain."
    )


# ---------------------------------------------------------------- labels against pictures


@themed
def suspect_labels(audit: pd.DataFrame, cache: Cache, classes: ClassSet, count: int = 4) -> ReportFigure:
    """Frames whose label does not fit: the frame, its label as it is and shifted, and a neighbor's label.

    Args:
        audit: from `seg_helpers.datasets.audit_labels`, with one suspect at least.
        cache: decoded frames.
        classes: the labels' class set.
        count: of frames at most, those that gain most first.
    """
    shown = audit[audit["suspect"]].sort_values("gain", ascending=False, kind="stable").head(count)
    panels, words = [], []
    for frame in shown.itertuples():
        image, label = cache.images[frame.Index], np.asarray(cache.labels[frame.Index])
        rolled = np.roll(label, frame.shift, axis=frame.axis)
        neighbor = overlay(cache.images[frame.before], np.asarray(cache.labels[frame.before]), classes)
        name, (direction, of) = Path(frame.image).stem, _name_shift(frame, cache)
        panels += [
            (f"{SPLIT_NAMES[frame.split]}\n{name}", image),
            (f"its label as it is:\nagreement {frame.agreement:.2f}", overlay(image, label, classes)),
            (
                f"shifted {direction}:\nagreement {frame.agreement_rolled:.2f}",
                overlay(image, rolled, classes),
            ),
            ("the labeled frame before it\nwith its own label", neighbor),
        ]
        words.append(
            f"{name}: as it is, the label agrees with its neighbors' on {percent(frame.agreement)} of the pixels; shifted "
            f"{direction} of {of} pixels, on {percent(frame.agreement_rolled)}, while its picture, shifted alike, loses "
            f"{-frame.picture_gain:.2f} of its correlation with theirs"
        )
    figure, _ = image_grid(panels, 4, room=0.5)
    return ReportFigure(
        figure,
        f"{count_of(len(shown), 'frame')} in rows, each as picture, with its label as it is, with its label shifted, and the "
        f"frame before with its label. {'. '.join(words)}.",
        f"Labels that do not fit their pictures. {'. '.join(words)}.",
        class_legend(figure, classes, [np.asarray(cache.labels[row]) for row in shown.index]),
    )


def _name_shift(frame, cache: Cache) -> tuple[str, int]:
    """A shift as words, and of how many pixels: ("right by 88", 480)."""
    direction = (("down", "up"), ("right", "left"))[frame.axis][int(frame.shift < 0)]
    return f"{direction} by {abs(frame.shift)}", cache.size[frame.axis]


def label_finding(audit: pd.DataFrame, labeled: int) -> str:
    """Which labels do not fit their pictures, and how many could be judged, as Markdown.

    Args:
        audit: from `seg_helpers.datasets.audit_labels`.
        labeled: number of frames with a label.
    """
    if audit.empty:
        return (
            f"None of the {count_of(labeled, 'labeled frame')} could be judged: that needs labeled frames of the same clip "
            "shortly before and after."
        )
    judged = (
        f"{len(audit):,} of {count_of(labeled, 'labeled frame')} follow and precede others closely enough to be judged"
    )
    suspects = audit[audit["suspect"]]
    turns = int(((audit["gain"] >= MIN_GAIN) & (audit["picture_gain"] >= 0)).sum())
    others = ""
    if turns:
        others = f" {count_of(turns, 'label')} would gain from a shift as well, but so would the pictures."
    if suspects.empty:
        return (
            f"{judged}: **none was found to be shifted against its picture**. Small shifts, and labels shifted like their "
            f"neighbors', cannot be seen this way.{others}"
        )
    names = [f"{plain(Path(frame.image).stem)} ({frame.split})" for frame in suspects.head(10).itertuples()]
    more = f" and {len(suspects) - 10} more" if len(suspects) > 10 else ""
    misfit = "One label does not fit its picture"
    if len(suspects) > 1:
        misfit = f"{len(suspects)} labels do not fit their pictures"
    return (
        f"{judged}. **{misfit}**: {', '.join(names) if more else join_words(names)}{more}. "
        f"What a network scores there says nothing about the network.{others}"
    )
