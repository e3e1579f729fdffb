"""Figures about augmentation: what each transform does to pixels, labels, class balance and scale."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import ndimage

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.pictures import class_legend, image_grid, overlay
from seg_helpers.figures.plots import dumbbell, log_axis, name_rows, percent_tick, row_plot
from seg_helpers.figures.style import BLUE, INK, MUTED, VERMILLION, new_figure, themed
from seg_helpers.figures.words import count_of, join_words, percent, verb

Sample = tuple[np.ndarray, np.ndarray]  # image (H, W, 3) uint8, label (H, W) uint8
BEFORE, AFTER = "training frames", "augmented samples"


@themed
def transform_gallery(original: Sample, transformed: Mapping[str, Sample], classes: ClassSet) -> ReportFigure:
    """Each transform alone on one frame: the image above, its label below.

    Args:
        original: the frame as it is.
        transformed: name of a transform to what it made of the frame.
        classes: the label's class set.
    """
    samples = {"original": original, **transformed}
    height, width = original[0].shape[:2]
    gap = np.full((max(height // 60, 1), width, 3), 255, dtype=np.uint8)
    panels = [(name, np.concatenate([image, gap, classes.colorize(label)])) for name, (image, label) in samples.items()]
    figure, _ = image_grid(panels, min(len(panels), 4), room=0.6)
    colors = class_legend(figure, classes, [label for _, label in samples.values()])
    moved = [name for name, (_, label) in transformed.items() if not np.array_equal(label, original[1])]
    kept = [name for name in transformed if name not in moved]
    facts = []
    if moved:
        facts.append(f"{join_words(moved)} {verb(len(moved), 'move')} the label with the image")
    if kept:
        facts.append(f"{join_words(kept)} {verb(len(kept), 'change')} the image only")
    return ReportFigure(
        figure,
        f"One frame with its label, as it is and after each of {count_of(len(transformed), 'transform')}: "
        f"{join_words(transformed)}.",
        f"Each transform alone on one frame. {'; '.join(facts)}.",
        colors,
    )


@themed
def pipeline_grid(original: Sample, draws: Sequence[Sample], classes: ClassSet) -> ReportFigure:
    """What the whole pipeline makes of one frame, draw after draw, with the label laid over.

    Args:
        original: the frame as it is.
        draws: outputs of the pipeline for the same frame with different seeds.
        classes: the label's class set.
    """
    panels = [(f"draw {number}", overlay(*sample, classes, 0.45)) for number, sample in enumerate(draws, 1)]
    panels.insert(0, ("original", overlay(*original, classes, 0.45)))
    figure, _ = image_grid(panels, 4, room=0.6)
    colors = class_legend(figure, classes, [label for _, label in [original, *draws]])
    void = [(label == VOID).mean() for _, label in draws]
    return ReportFigure(
        figure,
        f"One frame and {count_of(len(draws), 'random draw')} of the augmentation pipeline with the label laid over; "
        "scale, position, mirror side and colors differ from draw to draw.",
        f"The whole pipeline on one frame, {count_of(len(draws), 'draw')}. Void, which padding adds to, covers "
        f"{percent(min(void))} to {percent(max(void))} of a draw and {percent((original[1] == VOID).mean())} of the original.",
        colors,
    )


# ---------------------------------------------------------------- class balance and scale


@themed
def balance_shift(before: pd.Series, after: pd.Series) -> ReportFigure:
    """Share of labeled pixels of each class before and after augmentation, and the ratio of the two.

    Args:
        before: class name to share, of the training frames.
        after: the same classes, of augmented samples.
    """
    before = before.sort_values(ascending=False)
    after = after[before.index]
    ratio = (after / before).where(after > 0)
    figure = new_figure(height=0.29 * len(before) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    dumbbell(left, before.index, {BEFORE: before, AFTER: after.where(after > 0)}, (BLUE, VERMILLION))
    log_axis(left.xaxis, percent_tick)
    left.set_title("Share of labeled pixels (log scale)")
    texts = ratio.map("×{:.2f}".format, na_action="ignore").fillna("–")
    from_one = np.stack([ratio.clip(upper=1), ratio.clip(lower=1)], axis=1)
    colors = np.where(ratio >= 1, VERMILLION, BLUE)
    row_plot(right, before.index, ratio, texts, from_one, colors, dots=True)
    right.axvline(1, color=MUTED, linewidth=1, zorder=1)
    right.margins(x=0.2)
    right.set_title("After ÷ before")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    known = ratio.dropna()
    most, least = known.idxmax(), known.idxmin()
    listed = [f"{name} {percent(share)} to {percent(after[name])}" for name, share in before.items()]
    return ReportFigure(
        figure,
        f"Share of labeled pixels of each class before and after augmentation: {join_words(listed)}.",
        f"What augmentation does to class balance. {most} gains most (×{known[most]:.2f}), {least} least "
        f"(×{known[least]:.2f}).",
    )


def measure_objects(labels: Sequence[np.ndarray], classes: ClassSet, minimum: int = 16) -> pd.DataFrame:
    """Size of each whole connected region of one class, as the side of a square of its area.

    Args:
        labels: (H, W) index arrays.
        classes: their class set.
        minimum: regions of fewer pixels are left out as crumbs, and so are those that the image's edge cuts.

    Returns:
        `class` and `side` (pixels), a row a region.
    """
    rows = []
    for label in labels:
        for index in np.unique(label[label != VOID]):
            regions, count = ndimage.label(label == index)
            areas = np.bincount(regions.ravel(), minlength=count + 1)
            areas[[0, *regions[[0, -1]].ravel(), *regions[:, [0, -1]].ravel()]] = 0
            rows += [(classes.names[index], float(np.sqrt(area))) for area in areas[areas >= minimum]]
    return pd.DataFrame(rows, columns=["class", "side"])


@themed
def scale_shift(before: pd.DataFrame, after: pd.DataFrame, classes: ClassSet) -> ReportFigure:
    """Spread of region sizes of each class before and after augmentation: 5 to 95%, quartiles, median.

    Args:
        before: from `measure_objects`, training frames.
        after: the same of augmented samples.
        classes: gives the order.
    """
    sizes = {BEFORE: _tabulate_quantiles(before, classes), AFTER: _tabulate_quantiles(after, classes)}
    names = sizes[BEFORE].index
    figure = new_figure(height=0.36 * len(names) + 1.4)
    axes = figure.subplots()
    for (label, table), color, lift in zip(sizes.items(), (BLUE, VERMILLION), (-0.17, 0.17), strict=True):
        table, place = table.reindex(names), np.arange(len(names)) + lift
        axes.hlines(place, table[0.05], table[0.95], color=color, linewidth=1.3)
        axes.hlines(place, table[0.25], table[0.75], color=color, linewidth=6, label=label)
        axes.plot(table[0.5], place, "|", markersize=9, markeredgewidth=2, color=INK)
    log_axis(axes.xaxis)
    name_rows(axes, names)
    axes.set_xlabel("Side of a square of the region's area (pixels, log scale)")
    axes.set_title("Size of whole regions: 5-95%, quartiles, median")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    spans = {label: table[0.95] / table[0.05] for label, table in sizes.items()}
    grown = (spans[AFTER] / spans[BEFORE]).median()
    listed = [f"{name} {side:.0f} pixels" for name, side in sizes[BEFORE][0.5].items()]
    return ReportFigure(
        figure,
        "Ranges of region size for each class before and after augmentation. Median side of a region before: "
        f"{join_words(listed)}.",
        f"Sizes of regions that no edge cuts, {len(before):,} before and {len(after):,} after augmentation. The "
        f"5-95% range becomes {grown:.1f} times as wide in the median class.",
    )


def _tabulate_quantiles(sizes: pd.DataFrame, classes: ClassSet) -> pd.DataFrame:
    """Quantiles of the regions' sizes (columns) of each class that has any (rows)."""
    table = sizes.groupby("class")["side"].quantile([0.05, 0.25, 0.5, 0.75, 0.95]).unstack()
    return table.loc[[name for name in classes.names if name in table.index]]
