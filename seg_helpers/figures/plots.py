"""The shapes that figures share: pictures in rows, bars or dots in rows, heat maps; and legends, axes, small words."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from PIL import Image

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import PictureGrid
from seg_helpers.figures.style import PAPER

VIRIDIS = colormaps["viridis"]
GROUND = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.85, "pad": 1.0}  # keeps words readable over marks


def picture_rows(
    panels: Sequence[tuple[str, np.ndarray]],
    columns: int,
    caption: str,
    classes: ClassSet | None = None,
    labels: Iterable[np.ndarray] = (),
) -> PictureGrid:
    """Pictures in rows, each with its title, and the legend of the classes that the labels (H, W) hold.

    A picture is (H, W, 3) uint8 RGB or an (h, w) map of values from 0 to 1, drawn by viridis.
    """
    drawn = [
        (title, picture if picture.ndim == 3 else VIRIDIS(picture, bytes=True)[..., :3]) for title, picture in panels
    ]
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]
    return PictureGrid(rows, caption, class_legend(classes, labels) if classes else {})


def overlay(image: np.ndarray, label: np.ndarray, classes: ClassSet, strength: float = 0.55) -> np.ndarray:
    """A label's colors (`strength`, 0 to 1) over its image (H, W, 3), resized to it; void shows the image alone."""
    label = resize_label(label, image.shape[:2])
    weight = np.where(label == VOID, 0.0, strength)[..., None]
    return (image * (1 - weight) + classes.colorize(label) * weight).round().astype(np.uint8)


def resize_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbor copy of an (H, W) label at `size` (height, width)."""
    return np.asarray(Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST))


def class_legend(classes: ClassSet, labels: Iterable[np.ndarray]) -> dict[str, Sequence[int]]:
    """Name to RGB of the classes in (H, W) labels, in index order, void last."""
    present = set().union(*map(np.unique, labels))
    entries = dict(enumerate(zip(classes.names, classes.colors.tolist(), strict=True)))
    entries[VOID] = "void (not scored)", classes.void_color
    return {name: color for index, (name, color) in entries.items() if index in present}


def label_rows(axes: Axes, names: Sequence[str], ends: Sequence[float], texts: Sequence[str]) -> None:
    """Names rows from the top, and writes a text behind the end of each one's bar or interval."""
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        note(axes, text, (end, row), (6, 0), va="center", bbox=GROUND, zorder=4)
    name_rows(axes, names)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names in place of numbers on the y axis, from the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def heat_map(axes: Axes, table: pd.DataFrame, texts: np.ndarray, label: str, cmap: str = "viridis") -> None:
    """Shares from 0 to 1 as a heat map with texts in its cells, unless they are of more than 16 columns, and a color bar."""
    from seaborn import heatmap  # which loads all of SciPy's statistics

    many = table.shape[1] > 16
    bar = {"label": label, "pad": 0.01, "aspect": 5 * len(table)}
    words = {"annot": False if many else texts, "fmt": "", "annot_kws": {"fontsize": 8.5}}
    heatmap(table, ax=axes, vmin=0, vmax=1, cmap=cmap, linewidths=0.5, linecolor=PAPER, cbar_kws=bar, **words)
    axes.collections[0].colorbar.outline.set_visible(False)
    columns, rows = np.arange(table.shape[1]) + 0.5, np.arange(table.shape[0]) + 0.5
    axes.set_xticks(columns, table.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(rows, table.index, rotation=0)
    axes.tick_params(length=0, labelsize=7 if many else 9)


def epoch_axis(axes: Axes) -> None:
    """Whole numbers from epoch 1 on; call it after the curves are drawn."""
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, axes.dataLim.x1 + 0.5)


def log_axis(axis: Axis, write: Callable[[float], str] = "{:g}".format) -> None:
    """Plain numbers on a logarithmic axis, at 1, 2 and 5 of each decade if few are shown; call it after drawing."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})  # type: ignore[attr-defined]
    low, high = sorted(axis.get_view_interval())
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1, 3) if decades < 4 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_formatter(NullFormatter())


def note(axes: Axes, text: str, point: tuple[float, float], away: tuple[float, float], **style):
    """Small words `away` (right, up; points) from a point."""
    return axes.annotate(text, point, away, textcoords="offset points", fontsize=8.5, **style)
