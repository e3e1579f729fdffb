"""Figures about augmentation: samples beside each other, and the sizes of what is in them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import ndimage

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import PictureGrid, ReportFigure
from seg_helpers.figures.plots import log_axis, name_rows, overlay, picture_rows
from seg_helpers.figures.style import BLUE, INK, VERMILLION, new_figure, themed


def sample_overlays(
    samples: Mapping[str, tuple[np.ndarray, np.ndarray]], caption: str, classes: ClassSet
) -> PictureGrid:
    """Samples by name, each an image (H, W, 3) with its label (H, W) laid over."""
    panels = [(name, overlay(*sample, classes, 0.45)) for name, sample in samples.items()]
    return picture_rows(panels, 4, caption, classes, [label for _, label in samples.values()])


def measure_objects(labels: Sequence[np.ndarray], classes: ClassSet, minimum: int = 16) -> pd.DataFrame:
    """`class` and `side` (pixels; of a square of its area) of connected regions in (H, W) labels, a row a region.

    Regions that an edge cuts are left out, and crumbs of fewer than `minimum` pixels.
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
