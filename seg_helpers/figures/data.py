"""Figures about a data set: its samples, its classes, and labels that do not fit. Clips and splits are in `splits`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import display
from matplotlib.ticker import PercentFormatter
from torch.utils.data import DataLoader

from seg_helpers.classes import ClassSet
from seg_helpers.experiments.preparation import PreparedData
from seg_helpers.figures.display import PictureGrid, ReportFigure
from seg_helpers.figures.plots import log_axis, name_rows, overlay, picture_rows
from seg_helpers.figures.style import FAINT, MARKERS, OKABE_ITO, SPLIT_COLORS, SPLIT_NAMES, new_figure, themed
from seg_helpers.figures.words import join_words, percent


def batch_pictures(batch: dict, classes: ClassSet, count: int = 4) -> PictureGrid:
    """The first samples of a loader's batch, as the network gets them, with their labels laid over below."""
    images = batch["image"].permute(0, 2, 3, 1).numpy()[:count]
    labels = batch["label"].numpy()[:count]
    above = [(f"sample {number}", image) for number, image in enumerate(images, start=1)]
    below = [("with its label", overlay(*pair, classes)) for pair in zip(images, labels, strict=True)]
    return picture_rows([*above, *below], len(images), "The first samples of a training batch.", classes, labels)


def show_batch(loader: DataLoader, count: int = 4) -> None:
    """Displays the first samples of a loader's first batch, of `data.train_loader(config)`, with their labels."""
    display(batch_pictures(next(iter(loader)), loader.dataset.classes, count))  # type: ignore[attr-defined]


def class_shares(counts: Mapping[str, np.ndarray], classes: ClassSet) -> pd.DataFrame:
    """What classes have of each split's (N, C + 1) pixel counts, void last: a row a split and class.

    Columns: `split`, `class`, `share` (of pixels that are not void) and `presence` (share of frames with one).
    """
    tables = []
    for split, pixels in counts.items():
        scored = pixels[:, : classes.num_classes]
        share, presence = scored.sum(0) / max(scored.sum(), 1), (scored > 0).mean(0)
        tables.append(pd.DataFrame({"split": split, "class": classes.names, "share": share, "presence": presence}))
    return pd.concat(tables, ignore_index=True)


@themed
def class_balance(shares: pd.DataFrame) -> ReportFigure:
    """Pixel share (log axis) and frame presence of each class (of `class_shares`), a dot a split."""
    splits = shares["split"].unique()
    wide = shares.pivot(index="class", columns="split", values=["share", "presence"])
    wide = wide[wide["share"].sum(axis=1) > 0].sort_values(("share", splits[0]), ascending=False)
    absent = [name for name in shares["class"].unique() if name not in wide.index]
    figure = new_figure(height=0.29 * len(wide) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(wide))
    for axes, table in ((left, wide["share"].where(wide["share"] > 0)), (right, wide["presence"])):
        axes.hlines(place, table.min(axis=1), table.max(axis=1), color=FAINT, linewidth=3, zorder=1)
        for number, (split, color) in enumerate(zip(splits, OKABE_ITO, strict=False)):
            lift = 0.2 * (number - (len(splits) - 1) / 2)  # equal values stay visible
            look = {"color": SPLIT_COLORS.get(split, color), "marker": MARKERS[number], "clip_on": False}
            axes.scatter(table[split], place + lift, s=36, zorder=3, label=SPLIT_NAMES.get(split, split), **look)
        name_rows(axes, wide.index)
    log_axis(left.xaxis, lambda share: f"{100 * share:g}%")
    right.xaxis.set_major_formatter(PercentFormatter(1))
    left.set_title("Share of labeled pixels (log scale)")
    right.set_title("Share of frames with the class")
    right.set_xlim(-0.02, 1.02)
    figure.legend(*right.get_legend_handles_labels(), loc="outside upper right", ncols=len(splits))
    caption = f"How common each class is, by pixels and by frames, ordered by {SPLIT_NAMES.get(splits[0], splits[0])}."
    return ReportFigure(figure, caption + (f" No frame holds {join_words(absent)}." if absent else ""))


def class_heatmaps(heatmaps: np.ndarray, classes: ClassSet) -> PictureGrid:
    """Where each class that appears lives in the image: maps (C, h, w) of the share, 0 to 1, of frames or pixels."""
    peaks = {index: heat.max() for index, heat in enumerate(heatmaps) if heat.any()}
    columns, between = (4, " · ") if len(peaks) <= 12 else (6, "\n")
    panels = [
        (f"{classes.names[index]}{between}peak {percent(peak)}", heatmaps[index] / peak)
        for index, peak in peaks.items()
    ]
    return picture_rows(panels, columns, "Where each class lives in the image, each map scaled to its own peak.")


def suspect_labels(audit: pd.DataFrame, data: PreparedData, count: int = 4) -> PictureGrid:
    """Suspects of `audit_labels` (one at least; `count` that gain most): the label, it shifted, and a neighbor's."""
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
