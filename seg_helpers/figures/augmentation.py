"""Figures about augmentation: what each transform does to pixels, labels, class balance and scale."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import ndimage

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import dumbbell, log_axis, name_rows, overlay, percent_tick, picture_rows, row_plot
from seg_helpers.figures.style import BLUE, INK, MUTED, VERMILLION, new_figure, themed
from seg_helpers.figures.words import join_words, percent

Sample = tuple[np.ndarray, np.ndarray]  # image (H, W, 3) uint8, label (H, W) uint8
BEFORE, AFTER = "training frames", "augmented samples"


@themed
def transform_gallery(original: Sample, transformed: Mapping[str, Sample], classes: ClassSet) -> ReportFigure:
    """Each transform alone, by name, on one frame: the image above, its label below."""
    height, width = original[0].shape[:2]
    gap = np.full((max(height // 60, 1), width, 3), 255, dtype=np.uint8)
    samples = {"original": original, **transformed}
    panels = [(name, np.concatenate([image, gap, classes.colorize(label)])) for name, (image, label) in samples.items()]
    moved = [name for name, (_, label) in transformed.items() if not np.array_equal(label, original[1])]
    caption = f"Each transform alone on one frame. The label is moved too by: {join_words(moved) or 'none'}."
    return picture_rows(panels, min(len(panels), 4), caption, classes, [label for _, label in samples.values()])


@themed
def pipeline_grid(original: Sample, draws: Sequence[Sample], classes: ClassSet) -> ReportFigure:
    """What the whole pipeline makes of one frame, draw after draw, with the label laid over."""
    samples = {"original": original} | {f"draw {number}": sample for number, sample in enumerate(draws, 1)}
    panels = [(name, overlay(*sample, classes, 0.45)) for name, sample in samples.items()]
    void = [(label == VOID).mean() for _, label in draws]
    caption = (
        f"The whole pipeline on one frame, {len(draws)} times. Void, which padding adds to, covers {percent(min(void))} to "
        f"{percent(max(void))} of a draw and {percent((original[1] == VOID).mean())} of the original."
    )
    return picture_rows(panels, 4, caption, classes, [label for _, label in samples.values()])


@themed
def balance_shift(before: pd.Series, after: pd.Series) -> ReportFigure:
    """Share of labeled pixels by class, before and after augmentation, and the ratio of the two."""
    before = before.sort_values(ascending=False)
    after = after[before.index].where(after > 0)
    ratio = after / before
    figure = new_figure(height=0.29 * len(before) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    dumbbell(left, before.index, {BEFORE: before, AFTER: after}, (BLUE, VERMILLION))
    log_axis(left.xaxis, percent_tick)
    left.set_title("Share of labeled pixels (log scale)")
    texts = ratio.map("×{:.2f}".format, na_action="ignore").fillna("–")
    from_one = np.stack([ratio.clip(upper=1), ratio.clip(lower=1)], axis=1)
    row_plot(right, before.index, ratio, texts, from_one, np.where(ratio >= 1, VERMILLION, BLUE), dots=True)
    right.axvline(1, color=MUTED, linewidth=1, zorder=1)
    right.margins(x=0.2)
    right.set_title("After ÷ before")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    most, least = ratio.idxmax(), ratio.idxmin()
    return ReportFigure(
        figure,
        f"What augmentation does to class balance. {most} gains most (×{ratio[most]:.2f}), {least} least "
        f"(×{ratio[least]:.2f}).",
    )


def measure_objects(labels: Sequence[np.ndarray], classes: ClassSet, minimum: int = 16) -> pd.DataFrame:
    """Sizes of whole connected regions of one class: `class` and `side` (pixels) of a square of its area, a row a region.

    Regions that the edge of their (H, W) label cuts are left out, and crumbs of fewer than `minimum` pixels.
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
    """Spread of region sizes (of `measure_objects`) by class, before and after: 5 to 95%, quartiles, median."""
    names = [name for name in classes.names if name in set(before["class"])]
    figure = new_figure(height=0.36 * len(names) + 1.4)
    axes = figure.subplots()
    spans = []
    for label, sizes, color, lift in ((BEFORE, before, BLUE, -0.17), (AFTER, after, VERMILLION, 0.17)):
        table = sizes.groupby("class")["side"].quantile([0.05, 0.25, 0.5, 0.75, 0.95]).unstack().reindex(names)
        place = np.arange(len(names)) + lift
        axes.hlines(place, table[0.05], table[0.95], color=color, linewidth=1.3)
        axes.hlines(place, table[0.25], table[0.75], color=color, linewidth=6, label=label)
        axes.plot(table[0.5], place, "|", markersize=9, markeredgewidth=2, color=INK)
        spans.append(table[0.95] / table[0.05])
    log_axis(axes.xaxis)
    name_rows(axes, names)
    axes.set_xlabel("Side of a square of the region's area (pixels, log scale)")
    axes.set_title("Size of whole regions: 5-95%, quartiles, median")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return ReportFigure(
        figure,
        f"Sizes of regions that no edge cuts, {len(before):,} before and {len(after):,} after augmentation. The "
        f"5-95% range becomes {(spans[1] / spans[0]).median():.1f} times as wide in the median class.",
    )
