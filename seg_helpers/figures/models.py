"""Figures about networks: what their parts see and what they cost. Their diagrams are in `architecture`."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from seg_helpers.figures.style import (
    BLUE,
    OKABE_ITO,
    WIDTH,
    count_of,
    describe,
    join_words,
    new_figure,
    percent,
    plain_image,
    themed,
    write_count,
)

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
        words.append(f"{name}: {depth} channels of {h}×{w}")
    return describe(
        figure,
        f"Feature maps of {count_of(len(branches), 'branch')} on one frame. {'; '.join(words)}.",
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


def atrous_finding(size: tuple[int, int], rates: Sequence[int], output_stride: int) -> str:
    """Which rates can reach another pixel at all at a network's input of (height, width), as Markdown."""
    height, width = size
    cells = max(-(-height // output_stride), -(-width // output_stride))
    lost = [str(rate) for rate in rates if rate >= cells]
    text = f"At {height}×{width}, the input that this page's run is given, "
    if not lost:
        return f"{text}every rate reaches other pixels of the frame."
    one = len(lost) == 1
    text += f"rate{'s' * (not one)} {join_words(lost)} reach{'es' * one} beyond the frame from every pixel: of "
    text += f"{'that branch' if one else 'those branches'} only the centre is left, a 1×1 convolution."
    if len(lost) == len(rates):
        text += " Of the pyramid, only the image's average looks around a pixel here."
    return text


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
    plain_image(panels[0], image, "image")
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
        f"Costs of {count_of(len(table), 'model')}. {'; '.join(words)}.",
    )
