"""Pictures in rows, label masks over them, and the legend of a mask's palette."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.style import WIDTH, new_figure


def image_grid(
    panels: Sequence[tuple[str, np.ndarray] | None], columns: int, left: float = 0.0, room: float = 0.2
) -> tuple[Figure, np.ndarray]:
    """A figure of pictures in rows, each below its title.

    Args:
        panels: (title, picture) each, row by row; None leaves a place empty. A picture is (H, W, 3) uint8 RGB or an
            (h, w) map of values from 0 to 1; the first one's shape sets the height of all rows.
        columns: pictures in a row.
        left: inches to keep free at the left.
        room: inches to add to the height, for legends.

    Returns:
        The figure and its axes, (rows, columns).
    """
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    height, width = panels[0][1].shape[:2]
    lines = [max(title.count("\n") + 1 if title else 0 for title, _ in filter(None, row)) for row in rows]
    titles = sum(0.1 + 0.22 * number if number else 0.02 for number in lines)
    figure = new_figure(WIDTH, len(rows) * (WIDTH - left) / columns * height / width + titles + room)
    figure.get_layout_engine().set(rect=(left / WIDTH, 0, 1 - left / WIDTH, 1))
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, entry in zip(axes.flat, panels, strict=False):
        if entry:
            panel.imshow(entry[1], vmin=0, vmax=1)
            panel.set_title(entry[0], fontsize=9.5 if columns <= 4 else 8.5)
    return figure, axes


def overlay(image: np.ndarray, label: np.ndarray, classes: ClassSet, strength: float = 0.55) -> np.ndarray:
    """Blend a label's colors over its image; void pixels show the image alone.

    Args:
        image: (H, W, 3) uint8 RGB.
        label: (h, w) uint8 indices; resized to the image by nearest neighbor where sizes differ.
        classes: the class set of the label.
        strength: share of the label's color, 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    label = resize_label(label, image.shape[:2])
    weight = np.where(label == VOID, 0.0, strength)[..., None]
    return (image * (1 - weight) + classes.colorize(label) * weight).round().astype(np.uint8)


def resize_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbor copy of an (H, W) label at `size` (height, width)."""
    return np.asarray(Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST))


def class_legend(figure: Figure, classes: ClassSet, labels: Iterable[np.ndarray]) -> list:
    """Add the named legend of a mask's palette below a figure, in index order, void last.

    Args:
        figure: gets the legend outside its axes.
        classes: names and colors.
        labels: (H, W) index arrays; the legend names the classes that they hold.

    Returns:
        The palette's colors, (N, 3) RGB, for the figure's PNG to keep.
    """
    present = set(np.concatenate([np.unique(label) for label in labels]).tolist())
    entries = [*enumerate(zip(classes.names, classes.colors, strict=True))]
    entries.append((VOID, ("void (not scored)", classes.void_color)))
    handles = color_patches({name: color for index, (name, color) in entries if index in present})
    rows = -(-len(handles) // (8 if len(handles) <= 16 else 7))
    style = {
        "ncols": -(-len(handles) // rows),
        "handlelength": 1.1,
        "handleheight": 1.1,
        "columnspacing": 1.4,
    }
    figure.legend(handles=handles, loc="outside lower center", **style)
    return [color for _, (_, color) in entries]


def color_patches(colors: Mapping[str, Sequence[int]]) -> list[Patch]:
    """Legend entries: name to RGB, 0 to 255."""
    style = {"edgecolor": "#777777", "linewidth": 0.5}
    return [Patch(facecolor=np.divide(color, 255), label=name, **style) for name, color in colors.items()]
