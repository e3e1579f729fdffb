"""Figures about a data set: its samples, its classes, and labels that do not fit. Clips and splits are in `splits`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from seg_helpers.classes import ClassSet
from seg_helpers.experiments import PreparedData
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import dumbbell, image_grid, log_axis, overlay, percent_tick, picture_rows
from seg_helpers.figures.style import SPLIT_COLORS, SPLIT_NAMES, new_figure, themed
from seg_helpers.figures.words import join_words, percent


@themed
def sample_grid(data: PreparedData, rows: Mapping[int, str]) -> ReportFigure:
    """Rows of the frames table (each with its split) as image, label and overlay; the legend names their classes."""
    panels, labels = [], [np.asarray(data.cache.labels[row]) for row in rows]
    for (row, split), label in zip(rows.items(), labels, strict=True):
        image, title = np.asarray(data.cache.images[row]), f"{split} · {Path(data.frames['image'][row]).stem}"
        panels += [
            (title, image),
            ("label", data.classes.colorize(label)),
            ("overlay", overlay(image, label, data.classes)),
        ]
    return picture_rows(panels, 3, "Frames of each split with label and overlay.", data.classes, labels)


def class_shares(counts: np.ndarray, splits: Sequence[str], classes: ClassSet) -> pd.DataFrame:
    """Shares of each class in (N, C + 1) pixel counts of frames, void last, by their N splits; a row a split and class.

    Columns: `split`, `class`, `share` (of the split's pixels that are not void) and `presence` (of its frames with at
    least one pixel).
    """
    of_frame, scored = np.asarray(splits), np.asarray(counts)[:, : classes.num_classes]
    tables = []
    for split in [name for name in ("train", "val", "test") if name in splits]:
        part = scored[of_frame == split]
        share, presence = part.sum(0) / max(part.sum(), 1), (part > 0).mean(0)
        tables.append(pd.DataFrame({"split": split, "class": classes.names, "share": share, "presence": presence}))
    return pd.concat(tables, ignore_index=True)


@themed
def class_balance(shares: pd.DataFrame) -> ReportFigure:
    """Pixel share (log axis) and frame presence of each class (of `class_shares`), a dot a split."""
    splits = shares["split"].unique()
    wide = shares.pivot(index="class", columns="split", values=["share", "presence"])[["share", "presence"]]
    wide = wide[wide["share"].sum(axis=1) > 0].sort_values(("share", splits[0]), ascending=False)
    absent = [name for name in shares["class"].unique() if name not in wide.index]
    figure = new_figure(height=0.29 * len(wide) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, table in ((left, wide["share"].where(wide["share"] > 0)), (right, wide["presence"])):
        series = {SPLIT_NAMES[split]: table[split] for split in splits}
        dumbbell(axes, wide.index, series, [SPLIT_COLORS[split] for split in splits])
    log_axis(left.xaxis, percent_tick)
    right.xaxis.set_major_formatter(PercentFormatter(1))
    left.set_title("Share of labeled pixels (log scale)")
    right.set_title("Share of frames with the class")
    right.set_xlim(-0.02, 1.02)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=len(splits))
    caption = f"How common each class is, by pixels and by frames, ordered by its pixels in {SPLIT_NAMES[splits[0]]}."
    return ReportFigure(figure, caption + (f" No frame holds {join_words(absent)}." if absent else ""))


@themed
def class_heatmaps(heatmaps: np.ndarray, classes: ClassSet) -> ReportFigure:
    """Where each class lives in the image; those without a pixel are left out.

    The maps (C, h, w) are shares, 0 to 1, of frames in which a cell (or of pixels within it) is of the class.
    """
    peaks = {index: heat.max() for index, heat in enumerate(heatmaps) if heat.any()}
    columns, between = (4, " · ") if len(peaks) <= 12 else (6, "\n")
    panels = [
        (f"{classes.names[index]}{between}peak {percent(peak)}", heatmaps[index] / peak)
        for index, peak in peaks.items()
    ]
    figure, axes = image_grid(panels, columns, room=0.5)
    bar = figure.colorbar(axes[0, 0].images[0], ax=axes, orientation="horizontal", fraction=0.03, aspect=60, pad=0.02)
    bar.set_label("share of pixels of the class, relative to the class's own peak")
    bar.outline.set_visible(False)
    return ReportFigure(figure, "Where each class lives in the image, each map scaled to its own peak.")


@themed
def suspect_labels(audit: pd.DataFrame, data: PreparedData, count: int = 4) -> ReportFigure:
    """Frames whose label does not fit: the frame, its label as it is and shifted, and a neighbor's label.

    They are the suspects of `seg_helpers.datasets.audit_labels` (one at least), at most `count` that gain most.
    """
    shown = audit[audit["suspect"]].sort_values("gain", ascending=False, kind="stable").head(count)
    images, labels, panels = data.cache.images, data.cache.labels, []
    for frame in shown.itertuples():
        image, label = images[frame.Index], np.asarray(labels[frame.Index])
        rolled = np.roll(label, frame.shift, axis=frame.axis)
        before = overlay(images[frame.before], np.asarray(labels[frame.before]), data.classes)
        direction = (("down", "up"), ("right", "left"))[frame.axis][int(frame.shift < 0)]
        shifted = f"shifted {direction} by {abs(frame.shift)} px:\nagreement {frame.agreement_rolled:.2f}"
        panels += [
            (f"{SPLIT_NAMES[frame.split]}\n{Path(frame.image).stem}", image),
            (f"its label as it is:\nagreement {frame.agreement:.2f}", overlay(image, label, data.classes)),
            (shifted, overlay(image, rolled, data.classes)),
            ("the labeled frame before it\nwith its own label", before),
        ]
    caption = (
        "Labels that do not fit their pictures. Agreement is the share of pixels that are as in the labels of both neighbors; "
        "the pictures themselves agree less once they are shifted alike."
    )
    return picture_rows(panels, 4, caption, data.classes, [np.asarray(labels[row]) for row in shown.index])
