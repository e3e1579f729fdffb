"""The shapes that figures share: pictures in a grid, rows of bars or dots, heat maps; and legends, axes, names of curves."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import offset_copy
from seaborn import heatmap

from seg_helpers.figures.style import BLUE, FAINT, INK

PAPER = {
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.85,
    "pad": 1.0,
}  # keeps words readable over marks


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
    """A row a name, from the top: a bar or a dot at its value, its interval, and a text behind both.

    Args:
        axes: to draw on.
        names: of the rows.
        values: one a row; NaN draws nothing.
        texts: one a row.
        intervals: (rows, 2) low and high ends; NaN draws nothing.
        colors: of the bars or dots, one or one a row.
        dots: draw dots in place of bars.
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
        axes.annotate(
            text,
            (end, row),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            bbox=PAPER,
            zorder=4,
        )
    name_rows(axes, names)


def dumbbell(axes: Axes, names: Sequence[str], series: Mapping[str, Sequence[float]], colors: Sequence[str]) -> None:
    """A row a name, from the top: a dot of each series, joined by a line.

    Args:
        axes: to draw on.
        names: of the rows.
        series: name (for a legend) to its values, one a row; NaN leaves a dot out.
        colors: one a series.
    """
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
    """Shares from 0 to 1 as a heat map with a color bar; of more than 16 columns, without the texts.

    Args:
        axes: to draw on.
        table: the shares, with the names of rows and columns.
        texts: (rows, columns) text of each cell.
        label: of the color bar.
        cmap: name of the color map.
    """
    many = table.shape[1] > 16
    heatmap(
        table, ax=axes, vmin=0, vmax=1, cmap=cmap, linewidths=0.5, linecolor="white", annot=False if many else texts,
        fmt="", annot_kws={"fontsize": 8.5}, cbar_kws={"label": label, "pad": 0.01, "aspect": 5 * len(table)},
    )  # fmt: skip
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
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = sorted(axis.get_view_interval())
    decades = np.log10(high / low)
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1, 3) if decades < 4 else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_formatter(NullFormatter())


def percent_tick(value: float) -> str:
    """0.005 to "0.5%"."""
    return f"{100 * value:g}%"


def spread(positions: Sequence[float], gap: float) -> np.ndarray:
    """Move positions apart, as little as possible, until neighbors are at least `gap` apart.

    Pools neighbors that clash and centers each pool on its mean (the pool-adjacent-violators algorithm).
    """
    wanted = np.asarray(positions, dtype=float)
    order = np.argsort(wanted, kind="stable")
    pools: list[tuple[float, int]] = []  # (center, size)
    for center in wanted[order]:
        size = 1
        while pools and center - pools[-1][0] < gap * (size + pools[-1][1]) / 2 - 1e-12:
            left, number = pools.pop()
            center, size = (left * number + center * size) / (number + size), number + size
        pools.append((center, size))
    placed = [center + gap * (place - (size - 1) / 2) for center, size in pools for place in range(size)]
    result = np.empty_like(wanted)
    result[order] = placed
    return result


def write_names(
    axes: Axes, labels: Sequence[tuple[str, float, float, str]], beside: bool = False, size: float = 8.5
) -> None:
    """Write each curve's name outside the axes at its right end, or each point's beside it, without overlaps.

    Call it last: the axis limits must be final.

    Args:
        axes: linear or logarithmic in y.
        labels: (text, x, y, color) of each point, or of each curve's last one.
        beside: write inside the axes, right of each point.
        size: font size in points.
    """
    if not labels:
        return
    height = axes.get_position().height * axes.figure.get_figheight() * 72
    axes.get_ylim()  # brings pending autoscaling up to date
    ends = axes.yaxis.get_transform().transform(np.array([y for _, _, y, _ in labels], dtype=float))
    level = [axes.transLimits.transform((0, end))[1] for end in ends]
    places = spread(np.clip(level, 0, 1), 1.35 * size / max(height, 1))
    places -= max(places.max() - 1, 0)  # a crowd at the top moves down, off the title
    right_of_point = offset_copy(axes.get_xaxis_transform(), axes.figure, x=8, units="points")
    for (text, x, y, color), place in zip(labels, places, strict=True):
        style = {"color": color, "fontsize": size, "va": "center"}
        if beside:
            axes.text(x, place, text, transform=right_of_point, bbox=PAPER, **style)
        else:
            line = {
                "arrowstyle": "-",
                "color": color,
                "linewidth": 0.6,
                "alpha": 0.5,
                "shrinkA": 1,
                "shrinkB": 2,
            }
            axes.annotate(text, (x, y), (1.02, place), textcoords="axes fraction", arrowprops=line, **style)
