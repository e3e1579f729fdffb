"""Figures about networks: the diagram drawn from the network itself, its layers, features, rates, bins and costs."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch, Rectangle
from PIL import Image

from seg_helpers.figures.style import (
    BLUE,
    INK,
    MUTED,
    OKABE_ITO,
    VERMILLION,
    WIDTH,
    count_of,
    describe,
    join_words,
    new_figure,
    percent,
    plain_image,
    show_table,
    themed,
)

# Tints of Okabe-Ito colours, by what a block does.
ROLES = {
    "input": "#ececec",
    "encoder": "#cfe3f1",
    "context": "#f0d9e6",
    "decoder": "#cdebe1",
    "classifier": "#f9dfc4",
}
ROLE_WORDS = {
    "classifier": ("classif", "head", "score", "logits", "segmentation"),
    "context": ("pyramid", "aspp", "atrous", "ppm", "psp", "context", "global"),
    "encoder": ("encoder", "downsample", "stem", "stage", "backbone", "bottleneck"),
}
BOX = (0.78, 0.86)  # width and height of a block, in columns and rows


def write_count(number: float) -> str:
    """12,425,028 to "12.4 M"; 6,640 to "6.6 k"; 3.1e9 to "3.10 G"."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.{2 if value < 10 and unit != 'k' else 1 if value < 100 else 0}f} {unit}"
    return f"{number:.0f}"


# ---------------------------------------------------------------- the network as a ladder of resolutions


@themed
def architecture_diagram(
    layers: pd.DataFrame, edges: Sequence[tuple[str, str]], title: str, size: tuple[int, int]
) -> Figure:
    """The network as a ladder: time to the right, resolution downwards, one box a block, one arrow a connection.

    Args:
        layers: a row a block in the order of execution: `name`, `stride` (input size over output size),
            `channels`, `parameters`; a `role` column ("encoder", "decoder", "classifier") colours the boxes.
        edges: (from, to) names of blocks; "input" stands for the image.
        title: the network's name.
        size: (height, width) of the input for which the sizes are given.

    Raises:
        ValueError: if an edge names a block that is not in `layers`.
    """
    names = list(layers["name"])
    strange = {end for edge in edges for end in edge} - {*names, "input"}
    if strange:
        raise ValueError(f"edges name {sorted(strange)}, which the layer table lacks; it holds {names}")
    nodes = layers.set_index("name")[["stride", "channels", "parameters"]].to_dict("index")
    roles = dict(zip(names, layers["role"] if "role" in layers else map(_guess_role, names), strict=True))
    if any("input" in edge for edge in edges):
        nodes = {"input": {"stride": 1, "channels": 3, "parameters": 0}, **nodes}
        roles["input"] = "input"
    column = _depths(list(nodes), edges)
    strides = sorted({node["stride"] for node in nodes.values()})
    level, heights, base = {}, {}, 0.0
    for stride in strides:  # blocks of one column and stride stand above each other
        cells: dict[int, list[str]] = {}
        for name, node in nodes.items():
            if node["stride"] == stride:
                cells.setdefault(column[name], []).append(name)
        heights[stride] = max(map(len, cells.values()))
        for stack in cells.values():
            for row, name in enumerate(stack):
                level[name] = base + (heights[stride] - len(stack)) / 2 + row + 0.5
        base += heights[stride] + 0.25
    width = max(column.values()) + 1
    figure = new_figure(WIDTH, 0.74 * base + 0.9)
    axes = figure.subplots()
    margin = 0.45 + 0.95 * width / WIDTH  # room for the sizes at the left
    axes.set_xlim(-margin, width - 0.5)
    axes.set_ylim(base, -0.12)
    axes.set_axis_off()
    top = 0.0
    for stride in strides:
        axes.axhspan(top, top + heights[stride], color="#f6f7f8", linewidth=0)
        text = f"1/{stride:g}\n{_divide(size[0], stride)}×{_divide(size[1], stride)}"
        axes.text(-margin + 0.05, top + heights[stride] / 2, text, va="center", fontsize=8, color=MUTED)
        top += heights[stride] + 0.25
    room = WIDTH * 72 / (width + margin) * BOX[0]  # points across a box
    occupied = {(round(level[name], 3), column[name]) for name in nodes}
    for start, end in edges:
        _connect(axes, (column[start], level[start]), (column[end], level[end]), occupied)
    for name, node in nodes.items():
        x, y = column[name], level[name]
        axes.add_patch(
            FancyBboxPatch(
                (x - BOX[0] / 2, y - BOX[1] / 2), *BOX, boxstyle="round,pad=0,rounding_size=0.05",
                facecolor=ROLES[roles[name]], edgecolor="#7d8388", linewidth=0.8, zorder=3,
            )
        )  # fmt: skip
        words, font = _fit(name.replace("_", " "), room)
        facts = f"{node['channels']:g} ch" + (
            f"\n{write_count(node['parameters'])}" if node["parameters"] else ""
        )
        axes.text(
            x, y - BOX[1] / 2 + 0.06, words, ha="center", va="top", fontsize=font, fontweight="bold", zorder=4
        )
        axes.text(
            x,
            y + BOX[1] / 2 - 0.06,
            facts,
            ha="center",
            va="bottom",
            fontsize=min(font, 7.5),
            color="#3c4043",
            zorder=4,
        )
    axes.set_title(f"{title} at {size[0]}×{size[1]}")
    present = [role for role in ROLES if role in roles.values()]
    figure.legend(
        handles=[Patch(facecolor=ROLES[role], edgecolor="#7d8388", label=role) for role in present],
        loc="outside lower right", ncols=len(present), handlelength=1.1, handleheight=1.1,
    )  # fmt: skip
    skips = [(start, end) for start, end in edges if column[end] - column[start] > 1]
    total = float(layers["parameters"].sum())
    heavy = layers.loc[layers["parameters"].idxmax()]
    listed = [f"{start} to {end}" for start, end in skips]
    deep = max(strides)
    shares = (
        f"{heavy['name']} holds {percent(heavy['parameters'] / total)} of {write_count(total)} parameters"
        if total
        else "no parameters"
    )
    blocks = [
        f"{name} ({node['channels']:g} channels at 1/{node['stride']:g})" for name, node in nodes.items()
    ]
    return describe(
        figure,
        f"Block diagram of {title}: {join_words(blocks)}."
        + (f" Skip connections: {join_words(listed)}." if skips else " No skip connections."),
        f"{title}, drawn from the network itself: execution to the right, resolution downwards to 1/{deep:g} of the input; "
        f"output channels and parameters of each block. {shares}; {count_of(len(skips), 'skip connection')}.",
    )


def _guess_role(name: str) -> str:
    """Role of a block by its name, for tables without a role column."""
    return next(
        (role for role, words in ROLE_WORDS.items() if any(word in name.lower() for word in words)), "decoder"
    )


def _fit(text: str, points: float) -> tuple[str, float]:
    """The text on two lines at most, and the font size at which it is no wider than `points`."""
    for size in (8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0):
        lines = textwrap.wrap(text, max(int(points / (0.7 * size)), 1), break_long_words=False)
        if len(lines) <= 2 and max(map(len, lines)) * 0.7 * size <= points:
            break
    return "\n".join(lines), size


def _depths(names: list[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Length of the longest path to each block; blocks come in the order of execution."""
    depth = dict.fromkeys(names, 0)
    for name in names:
        before = [depth[start] for start, end in edges if end == name]
        depth[name] = max(before) + 1 if before else 0
    return depth


def _divide(side: int, stride: float) -> int:
    return -(-side // int(stride)) if stride >= 1 else int(side / stride)


def _connect(axes: Axes, start: tuple[float, float], end: tuple[float, float], occupied: set) -> None:
    """Arrow between two boxes; one that skips blocks is coloured, and bows round boxes in its way."""
    half, rise = BOX[0] / 2, BOX[1] / 2
    skip = end[0] - start[0] > 1
    blocked = any((round(start[1], 3), x) in occupied for x in range(int(start[0]) + 1, int(end[0])))
    style, a, b = "arc3,rad=0", (start[0] + half, start[1]), (end[0] - half, end[1])
    if skip and blocked:
        style, a, b = (
            "arc3,rad=-0.2",
            (start[0] + half / 2, start[1] - rise),
            (end[0] - half / 2, end[1] - rise),
        )
    elif skip and start[1] != end[1]:  # along the source's level, then up or down into the target
        style, b = "angle,angleA=0,angleB=90,rad=6", (end[0], end[1] + rise * np.sign(start[1] - end[1]))
    axes.add_patch(
        FancyArrowPatch(
            a, b, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0,
            color=VERMILLION if skip else INK, linewidth=1.3 if skip else 1.1, zorder=2,
        )
    )  # fmt: skip


def show_layer_table(layers: pd.DataFrame, title: str) -> None:
    """Display a network's layer table with totals in its caption.

    Args:
        layers: `name`, `type`, `output shape`, `stride`, `channels`, `parameters`, `multiply_adds`.
        title: the network's name.
    """
    wanted = ["name", "type", "output shape", "stride", "channels", "parameters", "multiply_adds"]
    table = layers[[column for column in wanted if column in layers]].copy()
    if "stride" in table:
        table["stride"] = [f"1/{value:g}" for value in table["stride"]]
    if "output shape" in table:
        table["output shape"] = [
            " × ".join(map(str, shape)) if not isinstance(shape, str) else shape
            for shape in table["output shape"]
        ]
    caption = f"Layers of {title}: {layers['parameters'].sum():,} parameters"
    if "multiply_adds" in layers:
        caption += f", {write_count(float(layers['multiply_adds'].sum()))} multiply-adds"
    table = table.rename(columns={"multiply_adds": "multiply-adds"})
    show_table(table, caption, {"parameters": "{:,.0f}", "channels": "{:g}", "multiply-adds": write_count})


# ---------------------------------------------------------------- what a part of a network sees


@themed
def branch_features(image: np.ndarray, branches: Mapping[str, np.ndarray], channels: int = 4) -> Figure:
    """Feature maps of a network's branches on one frame: mean strength, then the channels that vary most.

    Args:
        image: (H, W, 3) uint8 RGB, what the branches saw.
        branches: name to (C, h, w) activations.
        channels: maps shown of each branch besides the mean.
    """
    height, width = image.shape[:2]
    columns = channels + 2
    figure = new_figure(WIDTH, len(branches) * (WIDTH / columns * height / width + 0.42) + 0.2)
    axes = figure.subplots(len(branches), columns, squeeze=False)
    words = []
    for row, (name, features) in zip(axes, branches.items(), strict=True):
        depth, h, w = features.shape
        spread = features.reshape(depth, -1).std(axis=1)
        chosen = np.argsort(-spread)[:channels]
        quiet = float((spread < 0.05 * spread.max()).mean()) if spread.max() else 1.0
        plain_image(row[0], image, textwrap.fill(name, 16))
        plain_image(
            row[1],
            np.abs(features).mean(axis=0),
            f"mean of {depth}\n{h}×{w}, 1/{2 ** round(np.log2(height / h))}",
            cmap="viridis",
        )
        for panel, channel in zip(row[2:], chosen, strict=False):
            low, high = np.percentile(features[channel], [1, 99])
            plain_image(
                panel,
                features[channel],
                f"channel {channel}",
                cmap="viridis",
                vmin=low,
                vmax=max(high, low + 1e-6),
            )
        for panel in row[2 + len(chosen) :]:
            panel.set_axis_off()
        words.append(f"{name}: {depth} channels of {h}×{w}, {percent(quiet)} of them almost flat")
    return describe(
        figure,
        f"Feature maps of {count_of(len(branches), 'branch').replace('branchs', 'branches')} on one frame. {'; '.join(words)}.",
        f"What the branches compute on one frame: mean strength, then the channels that vary most (brighter is stronger, "
        f"each map on its own scale). {'; '.join(words)}.",
    )


@themed
def atrous_rates(
    image: np.ndarray, rates: Sequence[int], output_stride: int, centre: tuple[int, int] | None = None
) -> Figure:
    """Where the nine taps of a 3×3 atrous convolution fall on the image, a panel a rate.

    Args:
        image: (H, W, 3) uint8 RGB.
        rates: dilation of each branch; 1 is a plain convolution.
        output_stride: pixels of the image to a cell of the feature map.
        centre: (row, column) of the pixel that is being classified; the middle by default.
    """
    height, width = image.shape[:2]
    row, column = centre or (height // 2, width // 2)
    cell_row, cell_column = row // output_stride, column // output_stride
    cells = (-(-height // output_stride), -(-width // output_stride))
    columns = min(len(rates), 3 if len(rates) not in (2, 4) else 2)
    rows = -(-len(rates) // columns)
    figure = new_figure(WIDTH, rows * (WIDTH / columns * height / width + 0.32))
    panels = figure.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        panel.set_axis_off()
    faded = (255 - (255 - image.astype(float)) * 0.55).astype(np.uint8)
    words = []
    for index, (panel, rate) in enumerate(zip(panels.flat, rates, strict=False)):
        colour = OKABE_ITO[index % len(OKABE_ITO)]
        inside = 0
        panel.imshow(faded)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                y, x = cell_row + dy * rate, cell_column + dx * rate
                if 0 <= y < cells[0] and 0 <= x < cells[1]:
                    inside += 1
                    corner = (x * output_stride, y * output_stride)
                    panel.add_patch(
                        Rectangle(
                            corner,
                            output_stride,
                            output_stride,
                            facecolor=colour,
                            edgecolor="white",
                            linewidth=0.8,
                        )
                    )
        reach = rate * output_stride
        left, top = (cell_column + 0.5) * output_stride - reach, (cell_row + 0.5) * output_stride - reach
        panel.add_patch(
            Rectangle(
                (left, top),
                2 * reach,
                2 * reach,
                fill=False,
                edgecolor=colour,
                linewidth=1.2,
                linestyle=(0, (4, 2)),
            )
        )
        panel.set_xlim(-0.5, width - 0.5)
        panel.set_ylim(height - 0.5, -0.5)
        span = (2 * rate + 1) * output_stride
        panel.set_title(f"rate {rate} · spans {span} px · {inside} of 9 taps inside", fontsize=9.5)
        words.append(
            f"rate {rate} spans {span} pixels ({percent(span / width)} of the width), {inside} of 9 taps inside the image"
        )
    return describe(
        figure,
        f"Taps of a 3×3 atrous convolution at output stride {output_stride} drawn on one frame: {'; '.join(words)}.",
        f"What the atrous rates see at one pixel, at output stride {output_stride} (each square is one cell of the feature "
        f"map): {'; '.join(words)}. Taps outside meet padding.",
    )


@themed
def pyramid_bins(image: np.ndarray, bins: Sequence[int]) -> Figure:
    """What pyramid pooling keeps of an image: its averages over 1×1, 2×2, … bins.

    Args:
        image: (H, W, 3) uint8 RGB, standing in for a feature map.
        bins: bins a side at each level.
    """
    height, width = image.shape[:2]
    figure = new_figure(WIDTH, WIDTH / (len(bins) + 1) * height / width + 0.45)
    panels = figure.subplots(1, len(bins) + 1, squeeze=False)[0]
    plain_image(panels[0], image, "feature map")
    for panel, count in zip(panels[1:], bins, strict=True):
        pooled = np.asarray(Image.fromarray(image).resize((count, count), Image.Resampling.BOX))
        plain_image(
            panel,
            pooled,
            f"{count}×{count}",
            extent=(0, width, height, 0),
            interpolation="nearest",
            aspect="equal",
        )
        panel.hlines(np.arange(1, count) * height / count, 0, width, color="white", linewidth=0.8)
        panel.vlines(np.arange(1, count) * width / count, 0, height, color="white", linewidth=0.8)
    shares = [f"{count}×{count} bins of {percent(1 / count**2)} of the area each" for count in bins]
    return describe(
        figure,
        f"A frame and its averages over {join_words(shares)}.",
        f"Pyramid pooling, shown on the image's colours in place of features: every pixel also receives the averages over "
        f"{join_words(shares)}.",
    )


# ---------------------------------------------------------------- costs


@themed
def cost_bars(table: pd.DataFrame, columns: Mapping[str, str], highlight: str = "") -> Figure:
    """Small multiples of bars: one panel a quantity, one bar a model, in the table's order.

    Args:
        table: `name` and the columns named in `columns`.
        columns: column to title, such as {"parameters": "Parameters"}.
        highlight: name of the model whose bars are dark.
    """
    figure = new_figure(WIDTH, 0.36 * len(table) + 0.9)
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    place = np.arange(len(table))
    colours = [BLUE if name == highlight or not highlight else "#9fb8c8" for name in table["name"]]
    words = []
    for panel, (column, title) in zip(panels, columns.items(), strict=True):
        values = table[column].to_numpy(dtype=float)
        panel.barh(place, np.nan_to_num(values), height=0.62, color=colours)
        for row, value in enumerate(values):
            text = (
                "–"
                if not np.isfinite(value)
                else write_count(value)
                if value >= 1000
                else f"{value:.3f}"
                if value < 1
                else f"{value:.3g}"
            )
            panel.annotate(
                text,
                (np.nan_to_num(value), row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )
        panel.set_xlim(0, np.nanmax([*values, 1e-9]) * 1.38)
        panel.set_xticks([])
        panel.set_title(title, fontsize=9.5)
        panel.grid(visible=False)
        panel.spines["bottom"].set_visible(False)
        panel.tick_params(axis="y", length=0)
        known = table.assign(value=values).dropna(subset=["value"]).sort_values("value")
        if len(known):
            words.append(f"{title}: from {known['name'].iloc[0]} (least) to {known['name'].iloc[-1]} (most)")
    panels[0].set_yticks(place, table["name"])
    panels[0].set_ylim(len(table) - 0.5, -0.5)
    return describe(
        figure,
        f"Bars for {join_words(list(table['name']))}. {'; '.join(words)}.",
        f"Costs and scores of {count_of(len(table), 'model')}. {'; '.join(words)}.",
    )
