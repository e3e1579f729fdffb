"""Figures about augmentation: what each transform does to pixels, labels, class balance and scale."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from scipy import ndimage

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.style import (
    BLUE,
    FAINT,
    INK,
    MUTED,
    VERMILLION,
    WIDTH,
    class_legend,
    count_of,
    describe,
    join_words,
    log_axis,
    new_figure,
    overlay,
    percent,
    percent_tick,
    plain_image,
    themed,
)

Sample = tuple[np.ndarray, np.ndarray]  # image (H, W, 3) uint8, label (H, W) uint8


@themed
def transform_gallery(original: Sample, transformed: Mapping[str, Sample], classes: ClassSet) -> Figure:
    """Each transform alone on one frame: the image above, its label below.

    Args:
        original: the frame as it is.
        transformed: name of a transform to what it made of the frame.
        classes: the label's class set.
    """
    panels = {"original": original, **transformed}
    columns = 4 if len(panels) > 3 else len(panels)
    rows = -(-len(panels) // columns)
    height, width = original[0].shape[:2]
    cell = WIDTH / columns * height / width
    figure = new_figure(WIDTH, rows * (2 * cell + 0.35) + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    gap = np.full((max(height // 60, 1), width, 3), 255, dtype=np.uint8)
    for panel, (name, (image, label)) in zip(axes.flat, panels.items(), strict=False):
        plain_image(panel, np.concatenate([image, gap, classes.colourise(label)]), name)
    class_legend(figure, classes, [label for _, label in panels.values()])
    moved = [name for name, (_, label) in transformed.items() if not np.array_equal(label, original[1])]
    kept = [name for name in transformed if name not in moved]
    moves = (
        f"{join_words(moved)} move{'s' if len(moved) == 1 else ''} the label with the image" if moved else ""
    )
    keeps = f"{join_words(kept)} change{'s' if len(kept) == 1 else ''} the image only" if kept else ""
    return describe(
        figure,
        f"One frame with its label, as it is and after each of {count_of(len(transformed), 'transform')}: "
        f"{join_words(list(transformed))}.",
        f"Each transform alone on one frame. {'; '.join(filter(None, (moves, keeps)))}.",
    )


@themed
def pipeline_grid(original: Sample, draws: Sequence[Sample], classes: ClassSet, columns: int = 4) -> Figure:
    """What the whole pipeline makes of one frame, draw after draw, with the label laid over.

    Args:
        original: the frame as it is.
        draws: outputs of the pipeline for the same frame with different seeds.
        classes: the label's class set.
        columns: panels in a row.
    """
    samples = [original, *draws]
    rows = -(-len(samples) // columns)
    height, width = samples[-1][0].shape[:2]
    figure = new_figure(WIDTH, rows * (WIDTH / columns * height / width + 0.28) + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for index, (panel, (image, label)) in enumerate(zip(axes.flat, samples, strict=False)):
        plain_image(panel, overlay(image, label, classes, 0.45), f"draw {index}" if index else "original")
    class_legend(figure, classes, [label for _, label in samples])
    padded = np.array([(label == VOID).mean() for _, label in draws])
    return describe(
        figure,
        f"One frame and {count_of(len(draws), 'random draw')} of the augmentation pipeline with the label laid over; "
        "scale, position, mirror side and colours differ from draw to draw.",
        f"The whole pipeline on one frame, {count_of(len(draws), 'draw')}. Void, which padding adds to, covers "
        f"{percent(padded.min())} to {percent(padded.max())} of a draw and {percent((original[1] == VOID).mean())} of the original.",
    )


# ---------------------------------------------------------------- class balance and scale


@themed
def balance_shift(before: pd.Series, after: pd.Series) -> Figure:
    """Share of labelled pixels of each class before and after augmentation, an arrow a class.

    Args:
        before: class name to share, of the training frames.
        after: the same classes, of augmented samples.
    """
    order = before.sort_values().index
    place = np.arange(len(order))
    figure = new_figure(WIDTH, 0.29 * len(order) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    for row, name in zip(place, order, strict=True):
        left.plot([before[name], after[name]], [row, row], color=FAINT, linewidth=3, zorder=1)
    left.scatter(before[order], place, s=42, color=BLUE, edgecolor="white", linewidth=0.7, zorder=3)
    left.scatter(
        after[order], place, s=42, color=VERMILLION, marker="D", edgecolor="white", linewidth=0.7, zorder=3
    )
    log_axis(left.xaxis, percent_tick)
    left.set_yticks(place, order)
    left.set_title("Share of labelled pixels (log scale)")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (after[order] / before[order]).replace([np.inf, -np.inf], np.nan)
    right.axvline(1, color=MUTED, linewidth=1)
    right.barh(place, ratio.to_numpy() - 1, left=1, height=0.55, color=np.where(ratio >= 1, VERMILLION, BLUE))
    for row, value in zip(place, ratio, strict=True):
        if np.isfinite(value):
            side = 1 if value >= 1 else -1
            right.annotate(
                f"×{value:.2f}", (value, row), (4 * side, 0), textcoords="offset points", va="center", fontsize=8.5,
                ha="left" if side > 0 else "right",
            )  # fmt: skip
    reach = float(np.nanmax(np.abs(ratio - 1))) if ratio.notna().any() else 1.0
    right.set_xlim(1 - 1.45 * max(reach, 0.05), 1 + 1.45 * max(reach, 0.05))
    right.set_title("After ÷ before")
    right.tick_params(axis="y", length=0)
    for axes in (left, right):
        axes.grid(axis="y", visible=False)
    handles = [
        Line2D([], [], marker="o", linestyle="", color=BLUE, label="training frames"),
        Line2D([], [], marker="D", linestyle="", color=VERMILLION, label="augmented samples"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    known = ratio.dropna()
    most, least = known.idxmax(), known.idxmin()
    listed = [f"{name} {percent(before[name])} to {percent(after[name])}" for name in reversed(order)]
    return describe(
        figure,
        f"Share of labelled pixels of each class before and after augmentation: {join_words(listed)}.",
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
def scale_shift(before: pd.DataFrame, after: pd.DataFrame, classes: ClassSet) -> Figure:
    """Spread of region sizes of each class before and after augmentation: 5 to 95%, quartiles, median.

    Args:
        before: from `measure_objects`, training frames.
        after: the same of augmented samples.
        classes: gives the order.
    """
    names = [name for name in classes.names if (before["class"] == name).any()]
    figure = new_figure(WIDTH, 0.36 * len(names) + 1.4)
    axes = figure.subplots()
    spans = {}
    for lift, table, colour in ((-0.17, before, BLUE), (0.17, after, VERMILLION)):
        for row, name in enumerate(names):
            side = table.loc[table["class"] == name, "side"]
            if side.empty:
                continue
            low, first, middle, third, high = np.percentile(side, [5, 25, 50, 75, 95])
            spans.setdefault(name, []).append(high / low)
            axes.plot([low, high], [row + lift] * 2, color=colour, linewidth=1.3)
            axes.plot([first, third], [row + lift] * 2, color=colour, linewidth=6, solid_capstyle="butt")
            axes.plot(middle, row + lift, marker="|", markersize=9, markeredgewidth=2, color=INK)
    log_axis(axes.xaxis)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel("Side of a square of the region's area (pixels, log scale)")
    axes.grid(axis="y", visible=False)
    axes.set_title("Size of whole regions: 5-95%, quartiles, median")
    handles = [
        Line2D([], [], color=BLUE, linewidth=5, label="training frames"),
        Line2D([], [], color=VERMILLION, linewidth=5, label="augmented samples"),
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=2)
    grown = np.median(
        [after_span / before_span for before_span, after_span in (s for s in spans.values() if len(s) == 2)]
    )
    medians = before.groupby("class")["side"].median()
    return describe(
        figure,
        "Ranges of region size for each class before and after augmentation. Median side of a region before: "
        f"{join_words([f'{name} {medians[name]:.0f} pixels' for name in names])}.",
        f"Sizes of regions that no edge cuts, {len(before):,} before and {len(after):,} after augmentation. The "
        f"5-95% range becomes {grown:.1f} times as wide in the median class.",
    )


# ---------------------------------------------------------------- loader


@themed
def throughput_bars(table: pd.DataFrame) -> Figure:
    """Images a second that the loader delivers, a bar a configuration.

    Args:
        table: `configuration` and `images_per_second`.
    """
    figure = new_figure(WIDTH * 0.8, 0.42 * len(table) + 1.0)
    axes = figure.subplots()
    values = table["images_per_second"].to_numpy(dtype=float)
    place = np.arange(len(table))
    best = values == values.max()
    axes.barh(place, values, height=0.6, color=np.where(best, BLUE, "#9fb8c8"))
    for row, value in enumerate(values):
        axes.annotate(f"{value:,.0f}", (value, row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(place, table["configuration"])
    axes.invert_yaxis()
    axes.set_xlim(0, values.max() * 1.12)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("Images a second (higher is better)")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    listed = [f"{name} {value:,.0f}" for name, value in zip(table["configuration"], values, strict=True)]
    return describe(
        figure,
        f"Bars of loader throughput in images a second: {join_words(listed)}.",
        "Images a second that the loader delivers on this machine.",
    )
