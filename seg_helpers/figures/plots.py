"""The shapes that figures share: pictures in rows, bars or dots in rows, heat maps; and legends, axes, small words."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import offset_copy
from PIL import Image
from seaborn import heatmap

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.style import BLUE, FAINT, INK, WIDTH, new_figure

PAPER = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.0}  # keeps words readable over marks


# ---------------------------------------------------------------- pictures


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
    figure.get_layout_engine().set(rect=(left / WIDTH, 0, 1 - left / WIDTH, 1))  # type: ignore[call-arg]
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, entry in zip(axes.flat, panels, strict=False):
        if entry:
            panel.imshow(entry[1], vmin=0, vmax=1)
            panel.set_title(entry[0], fontsize=9.5 if columns <= 4 else 8.5)
    return figure, axes


def picture_rows(
    panels: Sequence[tuple[str, np.ndarray] | None],
    columns: int,
    caption: str,
    classes: ClassSet | None = None,
    labels: Iterable[np.ndarray] = (),
) -> ReportFigure:
    """An `image_grid` with its caption, and with the legend of labels of a class set where they are given."""
    figure, _ = image_grid(panels, columns, room=0.6 if classes else 0.2)
    return ReportFigure(figure, caption, class_legend(figure, classes, labels) if classes else ())


def overlay(image: np.ndarray, label: np.ndarray, classes: ClassSet, strength: float = 0.55) -> np.ndarray:
    """Blend a label's colors over its image (H, W, 3), `strength` (0 to 1) of them; void pixels show the image alone.

    A label (h, w) of another size is resized by nearest neighbor.
    """
    label = resize_label(label, image.shape[:2])
    weight = np.where(label == VOID, 0.0, strength)[..., None]
    return (image * (1 - weight) + classes.colorize(label) * weight).round().astype(np.uint8)


def resize_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbor copy of an (H, W) label at `size` (height, width)."""
    return np.asarray(Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST))


def class_legend(figure: Figure, classes: ClassSet, labels: Iterable[np.ndarray]) -> list:
    """Add the named legend of the classes in (H, W) labels below a figure, in index order, void last.

    Returns:
        The palette's colors, (N, 3) RGB, for the figure's PNG to keep.
    """
    present = set().union(*map(np.unique, labels))
    entries = dict(enumerate(zip(classes.names, classes.colors, strict=True)))
    entries[VOID] = "void (not scored)", classes.void_color
    shown = {name: color for index, (name, color) in entries.items() if index in present}
    rows = -(-len(shown) // (8 if len(shown) <= 16 else 7))
    color_legend(figure, shown, loc="outside lower center", ncols=-(-len(shown) // rows), columnspacing=1.4)
    return [*classes.colors, classes.void_color]


def color_legend(figure: Figure, colors: Mapping[str, Sequence[int]], **place) -> None:
    """Add a legend of squares: name to RGB, 0 to 255."""
    outline = {"edgecolor": "#777777", "linewidth": 0.5}
    handles = [Patch(facecolor=np.divide(color, 255), label=name, **outline) for name, color in colors.items()]
    figure.legend(handles=handles, handlelength=1.1, handleheight=1.1, **place)


# ---------------------------------------------------------------- rows


def row_plot(
    axes: Axes,
    names: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    intervals: np.ndarray | None = None,
    colors: str | Sequence[str] = BLUE,
    dots: bool = False,
) -> None:
    """A row a name, from the top: a bar (or a dot) at its value, its interval, and a text behind both.

    Values and intervals (rows, 2) that are NaN draw nothing; colors are one or one a row.
    """
    place, values = np.arange(len(names)), np.asarray(values, dtype=float)
    ends = np.nan_to_num(values)
    if dots:
        axes.scatter(values, place, s=56, color=colors, edgecolor="white", linewidth=0.7, zorder=3)
    else:
        axes.barh(place, ends, height=0.64, color=colors)
    if intervals is not None:
        low, high = np.asarray(intervals, dtype=float).T
        axes.hlines(place, low, high, color=colors if dots else INK, linewidth=2.2 if dots else 1.4)
        ends = np.fmax(ends, high)
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        note(axes, text, (end, row), (6, 0), va="center", bbox=PAPER, zorder=4)
    name_rows(axes, names)


def dumbbell(axes: Axes, names: Sequence[str], series: Mapping[str, Sequence[float]], colors: Sequence[str]) -> None:
    """A row a name, from the top: a dot of each series (name to its values, one a row), joined by a line; NaN is left out."""
    place, values = np.arange(len(names)), pd.DataFrame(series)
    axes.hlines(place, values.min(axis=1), values.max(axis=1), color=FAINT, linewidth=3, zorder=1)
    lift = 0.2 * (np.arange(len(series)) - (len(series) - 1) / 2)  # equal values stay visible
    for (name, dots), color, marker, up in zip(series.items(), colors, "oDs", lift, strict=False):
        style = {"edgecolor": "white", "linewidth": 0.6, "zorder": 3, "clip_on": False, "label": name}
        axes.scatter(dots, place + up, s=36, color=color, marker=marker, **style)
    name_rows(axes, names)


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names in place of numbers on the y axis, from the top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def heat_map(axes: Axes, table: pd.DataFrame, texts: np.ndarray, label: str, cmap: str = "viridis") -> None:
    """Shares from 0 to 1 as a heat map with texts in its cells, unless they are of more than 16 columns, and a color bar."""
    many = table.shape[1] > 16
    bar = {"label": label, "pad": 0.01, "aspect": 5 * len(table)}
    words = {"annot": False if many else texts, "fmt": "", "annot_kws": {"fontsize": 8.5}}
    heatmap(table, ax=axes, vmin=0, vmax=1, cmap=cmap, linewidths=0.5, linecolor="white", cbar_kws=bar, **words)
    axes.collections[0].colorbar.outline.set_visible(False)
    columns, rows = np.arange(table.shape[1]) + 0.5, np.arange(table.shape[0]) + 0.5
    axes.set_xticks(columns, table.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(rows, table.index, rotation=0)
    axes.tick_params(length=0, labelsize=7 if many else 9)


# ---------------------------------------------------------------- axes


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


def percent_tick(value: float) -> str:
    """0.005 to "0.5%"."""
    return f"{100 * value:g}%"


# ---------------------------------------------------------------- words


def note(axes: Axes, text: str, point: tuple[float, float], away: tuple[float, float], **style):
    """Small words `away` (right, up; points) from a point."""
    return axes.annotate(text, point, away, textcoords="offset points", fontsize=8.5, **style)


def write_names(axes: Axes, labels: Sequence[tuple[str, float, float, str]], beside: bool = False) -> None:
    """Write each curve's name outside the axes at its right end, or each point's beside it, without overlaps.

    Labels are (text, x, y, color) of a point, or of a curve's last one. Call it last: the axis limits must be final.
    """
    if not labels:
        return
    size = 8.5
    height = axes.get_position().height * axes.figure.get_figheight() * 72
    axes.get_ylim()  # brings pending autoscaling up to date
    ends = axes.yaxis.get_transform().transform(np.array([y for _, _, y, _ in labels], dtype=float))
    places = spread([axes.transLimits.transform((0, end))[1] for end in ends], 1.35 * size / max(height, 1))
    right_of_point = offset_copy(axes.get_xaxis_transform(), axes.figure, x=8, units="points")
    for (text, x, y, color), place in zip(labels, places, strict=True):
        style = {"color": color, "fontsize": size, "va": "center"}
        if beside:
            axes.text(x, place, text, transform=right_of_point, bbox=PAPER, **style)
        else:
            line = {"arrowstyle": "-", "color": color, "linewidth": 0.6, "alpha": 0.5, "shrinkA": 1, "shrinkB": 2}
            axes.annotate(text, (x, y), (1.02, place), textcoords="axes fraction", arrowprops=line, **style)


def spread(heights: Sequence[float], gap: float) -> np.ndarray:
    """Heights of labels in the axes (0 to 1), moved apart to `gap`: half by lowering the lower, half by lifting the upper."""
    wanted = np.clip(heights, 0, 1)
    order, steps = np.argsort(-wanted, kind="stable"), gap * np.arange(len(wanted))
    level = wanted[order] + steps
    lowered, lifted = np.minimum.accumulate(level), np.maximum.accumulate(level[::-1])[::-1]
    places = np.empty_like(wanted)
    places[order] = (lowered + lifted) / 2 - steps
    return places - max(places.max() - 1, 0)  # a crowd at the top moves down, off the title
