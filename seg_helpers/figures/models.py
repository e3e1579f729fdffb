"""Figures about what the parts of a network see. Networks' diagrams are in `architecture`, their costs in `comparison`."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.pictures import image_grid
from seg_helpers.figures.style import OKABE_ITO, themed
from seg_helpers.figures.words import count_of, join_words, percent, plural, verb


@themed
def branch_features(image: np.ndarray, branches: Mapping[str, np.ndarray], channels: int = 4) -> ReportFigure:
    """Feature maps of a network's branches on one frame: mean strength, then the channels that vary most.

    Args:
        image: (H, W, 3) uint8 RGB, what the branches saw.
        branches: name to (C, h, w) activations.
        channels: maps shown of each branch besides the mean.
    """
    panels, words = [], []
    for name, features in branches.items():
        depth, height, width = features.shape
        stride = 2 ** round(np.log2(image.shape[0] / height))
        shown = {f"mean of {depth}\n{height}×{width}, 1/{stride}": np.abs(features).mean(axis=0)}
        chosen = np.argsort(-features.std(axis=(1, 2)))[:channels]
        shown |= {f"channel {channel}": features[channel] for channel in chosen}
        panels.append((textwrap.fill(name, 16), image))
        panels += [(title, _stretch(values)) for title, values in shown.items()]
        panels += [None] * (channels - len(chosen))
        words.append(f"{name}: {depth} channels of {height}×{width}")
    figure, _ = image_grid(panels, channels + 2)
    return ReportFigure(
        figure,
        f"Feature maps of {count_of(len(branches), 'branch')} on one frame. {'; '.join(words)}.",
        f"What the branches compute on one frame: mean strength, then the channels that vary most (brighter is stronger, "
        f"each map on its own scale). {'; '.join(words)}.",
    )


def _stretch(values: np.ndarray) -> np.ndarray:
    """Values scaled to 0 to 1, from their 1st to their 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1)


@themed
def atrous_rates(image: np.ndarray, rates: Sequence[int], output_stride: int) -> ReportFigure:
    """Where the nine taps of a 3×3 atrous convolution at the middle fall on the image, a panel a rate.

    Args:
        image: (H, W, 3) uint8 RGB.
        rates: dilation of each branch; 1 is a plain convolution.
        output_stride: pixels of the image to a cell of the feature map.
    """
    height, width = image.shape[:2]
    cells = np.array([-(-height // output_stride), -(-width // output_stride)])
    center = np.array([height // 2, width // 2]) // output_stride
    steps = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    faded = (255 - (255 - image.astype(float)) * 0.55).astype(np.uint8)
    panels, taps, words = [], [], []
    for rate in rates:
        found = center + rate * steps
        taps.append(found[((found >= 0) & (found < cells)).all(axis=1)])
        span, inside = (2 * rate + 1) * output_stride, f"{len(taps[-1])} of 9 taps inside"
        panels.append((f"rate {rate} · spans {span} px · {inside}", faded))
        words.append(f"rate {rate} spans {span} pixels ({percent(span / width)} of the width), {inside} the image")
    figure, axes = image_grid(panels, 2 if len(rates) in (2, 4) else min(len(rates), 3))
    for panel, rate, found, color in zip(axes.flat, rates, taps, OKABE_ITO, strict=False):
        for row, column in found * output_stride:
            square = {"facecolor": color, "edgecolor": "white", "linewidth": 0.8}
            panel.add_patch(Rectangle((column, row), output_stride, output_stride, **square))
        top, left = (center + 0.5 - rate) * output_stride
        frame = {"fill": False, "edgecolor": color, "linewidth": 1.2, "linestyle": (0, (4, 2))}
        panel.add_patch(Rectangle((left, top), 2 * rate * output_stride, 2 * rate * output_stride, **frame))
        panel.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    return ReportFigure(
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
    branches = "that branch" if len(lost) == 1 else "those branches"
    text += (
        f"{plural(len(lost), 'rate')} {join_words(lost)} {verb(len(lost), 'reach')} beyond the frame from every pixel: "
    )
    text += f"of {branches} only the center is left, a 1×1 convolution."
    if len(lost) == len(rates):
        text += " Of the pyramid, only the image's average looks around a pixel here."
    return text


@themed
def pyramid_bins(image: np.ndarray, bins: Sequence[int]) -> ReportFigure:
    """What pyramid pooling keeps of an image: its averages over 1×1, 2×2, … bins.

    Args:
        image: (H, W, 3) uint8 RGB, standing in for a feature map.
        bins: bins a side at each level.
    """
    height, width = image.shape[:2]
    panels = [("image", image)]
    for count in bins:
        pooled = Image.fromarray(image).resize((count, count), Image.Resampling.BOX)
        panels.append((f"{count}×{count}", np.asarray(pooled.resize((width, height), Image.Resampling.NEAREST))))
    figure, axes = image_grid(panels, len(panels))
    for panel, count in zip(axes[0, 1:], bins, strict=True):
        panel.hlines(np.arange(1, count) * height / count - 0.5, -0.5, width - 0.5, color="white", linewidth=0.8)
        panel.vlines(np.arange(1, count) * width / count - 0.5, -0.5, height - 0.5, color="white", linewidth=0.8)
    shares = join_words([f"{count}×{count} bins of {percent(1 / count**2)} of the area each" for count in bins])
    return ReportFigure(
        figure,
        f"A frame and its averages over {shares}.",
        f"Pyramid pooling, shown on the image's colors in place of features: every pixel also receives the averages over "
        f"{shares}.",
    )
