"""Figures about augmentation: the sizes of what is in its samples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from IPython.display import display
from scipy import ndimage

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.config import AugmentationConfig, ExperimentConfig
from seg_helpers.datasets import build_augmentation
from seg_helpers.experiments.preparation import PreparedData
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import log_axis, name_rows, overlay, picture_rows
from seg_helpers.figures.style import BLUE, INK, VERMILLION, new_figure, themed


def show_augmentation(data: PreparedData, config: AugmentationConfig | ExperimentConfig, n: int = 4) -> None:
    """Displays a training frame, and `n` samples that augmentation by these settings makes of it, with their labels."""
    settings = config.augmentation if isinstance(config, ExperimentConfig) else config
    rows, augment = data.rows("train"), build_augmentation(settings, data.cache.size)
    middle = rows[len(rows) // 2]
    frame = np.asarray(data.cache.images[middle]), np.asarray(data.cache.labels[middle])
    samples = {"the frame": frame} | {f"sample {seed}": augment(*frame, seed=seed) for seed in range(1, n + 1)}
    panels = [(title, overlay(*sample, data.classes, 0.45)) for title, sample in samples.items()]
    caption = f"A training frame with its label, and what augmentation makes of it by {settings}."
    display(picture_rows(panels, min(n + 1, 5), caption, data.classes, [label for _, label in samples.values()]))


def measure_objects(labels: Sequence[np.ndarray], classes: ClassSet, minimum: int = 16) -> pd.DataFrame:
    """`class` and `side` (pixels; of a square of its area) of connected regions in (H, W) labels, a row a region.

    Regions that the frame's edge cuts, or void that reaches it, are left out, and crumbs of fewer than `minimum` pixels.
    """
    rows = []
    for label in labels:
        beyond = np.pad(np.zeros(label.shape, bool), 1, constant_values=True)
        void = np.pad(label == VOID, 1, constant_values=True)
        edge = ndimage.binary_dilation(ndimage.binary_propagation(beyond, mask=void))[1:-1, 1:-1]
        for index in np.unique(label[label != VOID]):
            regions, count = ndimage.label(label == index)
            areas = np.bincount(regions.ravel(), minlength=count + 1)
            areas[[0, *np.unique(regions[edge])]] = 0
            rows += [(classes.names[index], float(np.sqrt(area))) for area in areas[areas >= minimum]]
    return pd.DataFrame(rows, columns=["class", "side"])


@themed
def scale_shift(before: pd.DataFrame, after: pd.DataFrame, classes: ClassSet) -> ReportFigure:
    """Spread of region sizes (of `measure_objects`) by class, before and after: 5 to 95%, quartiles, median."""
    whole = before["class"].value_counts().reindex(classes.names).fillna(0)
    names = whole.index[whole >= 10].tolist()  # of what edges mostly cut, the few whole regions are crumbs
    figure = new_figure(height=0.36 * len(names) + 1.4)
    axes = figure.subplots()
    spans = []
    for label, sizes, color, lift in (("before", before, BLUE, -0.17), ("after", after, VERMILLION, 0.17)):
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
        f"Sizes of regions that no edge cuts, {len(before):,} before and {len(after):,} after augmentation. The 5-95% range "
        f"becomes {(spans[1] / spans[0]).median():.1f} times as wide in the median class.",
    )
