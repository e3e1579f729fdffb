"""A network's diagram and layer table, drawn from the network itself, and what its parts see of an image."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch, Rectangle
from PIL import Image

from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.prediction import predict_logits
from seg_helpers.experiments import PreparedData, Run, load_network
from seg_helpers.figures.display import ReportFigure, say, show, show_table
from seg_helpers.figures.plots import image_grid
from seg_helpers.figures.style import INK, MUTED, OKABE_ITO, VERMILLION, WIDTH, new_figure, themed
from seg_helpers.figures.words import join_words, percent, write_count
from seg_helpers.models.summary import ModelSummary

# Tints of Okabe-Ito colors, by what a block does.
ROLES = {
    "input": "#ececec",
    "encoder": "#cfe3f1",
    "context": "#f0d9e6",
    "decoder": "#cdebe1",
    "classifier": "#f9dfc4",
}
ROLE_WORDS = {
    "input": ("input",),
    "classifier": ("classif", "head", "score", "logits", "segmentation", "atrous"),
    "context": ("pyramid", "aspp", "ppm", "psp", "context", "global"),
    "encoder": ("encoder", "downsample", "stem", "stage", "backbone", "bottleneck"),
}
BOX = (0.78, 0.86)  # width and height of a box, in columns and rows


@dataclass
class Block:
    """A part of a network and its place in the diagram: one box for each resolution that it gives out."""

    name: str
    role: str
    parameters: int
    channels: dict[int, int]  # by stride
    column: int = 0
    rows: dict[int, float] | None = None  # center of its box, by stride


@themed
def architecture_diagram(summary: ModelSummary, title: str) -> ReportFigure:
    """The network as a ladder: time to the right, resolution downwards, one box a block, one arrow a connection."""
    blocks, edges = _read_graph(summary)
    bands = _arrange(blocks, edges)
    width = max(block.column for block in blocks.values()) + 1
    height = max(bottom for _, bottom in bands.values())
    figure = new_figure(WIDTH, 0.74 * height + 1.0)
    axes = figure.subplots()
    margin = 0.45 + 0.95 * width / WIDTH  # room for the sizes at the left
    axes.set_xlim(-margin, width - 0.5)
    axes.set_ylim(height + 0.1, -0.12)
    axes.set_axis_off()
    for stride, (top, bottom) in bands.items():
        axes.axhspan(top, bottom, color="#f6f7f8", linewidth=0)
        size = "×".join(str(math.ceil(side / stride)) for side in summary.size)
        words = f"1/{stride}\n{size}"
        axes.text(-margin + 0.05, (top + bottom) / 2, words, va="center", fontsize=8, color=MUTED)
    taken = {(block.column, row) for block in blocks.values() for row in block.rows.values()}
    for start, end in edges:
        _connect(axes, blocks[start], blocks[end], taken)
    for block in blocks.values():
        _draw_block(axes, block, WIDTH * 72 / (width + margin) * BOX[0])
    axes.set_title(f"{title} at {summary.size[0]}×{summary.size[1]}")
    roles = [role for role in ROLES if any(block.role == role for block in blocks.values())]
    handles = [Patch(facecolor=ROLES[role], edgecolor="#7d8388", label=role) for role in roles]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(roles), handlelength=1.1, handleheight=1.1)
    return ReportFigure(figure, _describe(blocks, edges, title, summary.parameters))


def _read_graph(summary: ModelSummary) -> tuple[dict[str, Block], list[tuple[str, str]]]:
    """Blocks and edges to draw: mere transitions become arrows; the logits get a box where sums or upsampling remain."""
    names = ["input", *summary.parts["name"]]
    edges = list(summary.edges)
    for passed in [name for name in names if name.startswith("transition")]:
        before, after = [a for a, b in edges if b == passed], [b for a, b in edges if a == passed]
        edges = [edge for edge in edges if passed not in edge] + [(a, b) for a in before for b in after]
    blocks = {"input": Block("input", "input", 0, {1: 3})}
    for part in summary.parts.itertuples():
        shapes = [tuple(map(int, shape.split("x"))) for shape in part.output.split(", ")]
        channels = {2 ** round(math.log2(summary.size[0] / shape[1])): shape[0] for shape in shapes}
        if not part.name.startswith("transition"):
            blocks[part.name] = Block(part.name, _guess_role(part.name), part.parameters, channels)
    last = [start for start, end in edges if end == "logits"]
    if len(last) == 1 and blocks[last[0]].channels == blocks["logits"].channels:
        blocks.pop("logits")  # the last part gives the logits as they are
    return blocks, [edge for edge in dict.fromkeys(edges) if edge[1] in blocks]


def _guess_role(name: str) -> str:
    return next((role for role, words in ROLE_WORDS.items() if any(word in name.lower() for word in words)), "decoder")


def _arrange(blocks: dict[str, Block], edges: list[tuple[str, str]]) -> dict[int, tuple[float, float]]:
    """Place blocks: a column for each step of the longest way to them, a band of rows for each resolution.

    Returns:
        Top and bottom of each stride's band.
    """
    for name, block in blocks.items():  # in the order of execution
        block.column = max((blocks[start].column + 1 for start, end in edges if end == name), default=0)
        block.rows = {}
    bands, top = {}, 0.0
    for stride in sorted({stride for block in blocks.values() for stride in block.channels}):
        columns: dict[int, list[Block]] = {}
        for block in blocks.values():
            if stride in block.channels:
                columns.setdefault(block.column, []).append(block)
        height = max(map(len, columns.values()))
        for stack in columns.values():
            for row, block in enumerate(stack):
                block.rows[stride] = top + (height - len(stack)) / 2 + row + 0.5
        bands[stride] = (top, top + height)
        top += height + 0.25
    return bands


def _connect(axes: Axes, start: Block, end: Block, taken: set[tuple[int, float]]) -> None:
    """Arrows between two blocks, resolution by resolution; what skips blocks is colored and bows round boxes."""
    if len(end.channels) == 1:
        pairs = [(stride, next(iter(end.channels))) for stride in start.channels]
    else:
        pairs = [(stride if stride in start.channels else max(start.channels), stride) for stride in end.channels]
    half, rise = BOX[0] / 2, BOX[1] / 2
    skip = end.column - start.column > 1
    for stride, target in pairs:
        a_x, a_y, b_x, b_y = start.column, start.rows[stride], end.column, end.rows[target]
        blocked = any((column, a_y) in taken for column in range(a_x + 1, b_x))
        style, a, b = "arc3,rad=0", (a_x + half, a_y), (b_x - half, b_y)
        if skip and blocked and a_y == b_y:
            style, a, b = "arc3,rad=-0.2", (a_x + half / 2, a_y - rise), (b_x - half / 2, b_y - rise)
        elif skip and not blocked and a_y != b_y:  # along the source's row, then up or down into the target
            style, b = "angle,angleA=0,angleB=90,rad=6", (b_x, b_y + math.copysign(rise, a_y - b_y))
        elif skip and blocked:  # up or down at once, then along the target's row
            style, a = "angle,angleA=90,angleB=0,rad=6", (a_x, a_y - math.copysign(rise, a_y - b_y))
        axes.add_patch(
            FancyArrowPatch(
                a, b, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, shrinkA=0, shrinkB=0,
                color=VERMILLION if skip else INK, linewidth=1.3 if skip else 1.1, zorder=2,
            )
        )  # fmt: skip


def _draw_block(axes: Axes, block: Block, room: float) -> None:
    """One box a resolution; the finest carries the name. `room` is the width of a box in points."""
    x, rows = block.column - BOX[0] / 2, block.rows
    if len(rows) > 1:
        span = max(rows.values()) - min(rows.values()) + BOX[1] + 0.1
        frame = {"facecolor": "none", "edgecolor": "#b4b9be", "linestyle": (0, (3, 2)), "zorder": 1.5}
        _add_box(axes, x - 0.05, min(rows.values()) - BOX[1] / 2 - 0.05, BOX[0] + 0.1, span, **frame)
    for stride, y in rows.items():
        face = {"facecolor": ROLES[block.role], "edgecolor": "#7d8388", "linewidth": 0.8, "zorder": 3}
        _add_box(axes, x, y - BOX[1] / 2, *BOX, **face)
        facts, font = {"ha": "center", "color": "#3c4043", "zorder": 4}, 7.5
        if stride != min(rows):
            axes.text(block.column, y, f"{block.channels[stride]} ch", va="center", fontsize=font, **facts)
            continue
        name, size = _fit(block.name.replace("_", " "), room)
        heading = {"ha": "center", "va": "top", "fontsize": size, "fontweight": "bold", "zorder": 4}
        axes.text(block.column, y - BOX[1] / 2 + 0.06, name, **heading)
        text = f"{block.channels[stride]} ch"
        if block.parameters:
            text += f"\n{write_count(block.parameters)}"
        axes.text(block.column, y + BOX[1] / 2 - 0.06, text, va="bottom", fontsize=min(size, font), **facts)


def _add_box(axes: Axes, x: float, y: float, width: float, height: float, **style) -> None:
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.05", **style))


def _fit(text: str, points: float) -> tuple[str, float]:
    """The text on two lines at most, and the font size at which it is no wider than `points`."""
    for size in (8.5, 8.0, 7.5, 7.0, 6.5, 6.0, 5.5, 5.0):
        lines = textwrap.wrap(text, max(int(points / (0.7 * size)), 1), break_long_words=False)
        if len(lines) <= 2 and max(map(len, lines)) * 0.7 * size <= points:
            break
    return "\n".join(lines), size


def _describe(blocks: dict[str, Block], edges: list[tuple[str, str]], title: str, total: int) -> str:
    skips = [f"{a} to {b}" for a, b in edges if blocks[b].column - blocks[a].column > 1]
    heavy = max(blocks.values(), key=lambda block: block.parameters)
    return (
        f"{title}, drawn from the network itself: execution to the right, resolution downwards, with the channels and "
        "parameters of each block; a dashed frame holds one block's outputs at several resolutions. "
        f"{heavy.name.replace('_', ' ')} holds {percent(heavy.parameters / max(total, 1))} of the {write_count(total)} "
        f"parameters. Connections that skip blocks: {join_words(skips).replace('_', ' ') or 'none'}."
    )


def show_layer_table(summary: ModelSummary, title: str) -> None:
    """Display a network's parts with shapes, parameters and multiply-adds."""
    table = summary.parts.rename(columns={"multiply_adds": "multiply-adds"})
    table["stride"] = table["stride"].map("1/{:g}".format)
    table["output"] = table["output"].str.replace("x", "×")
    caption = (
        f"Parts of {title} at {summary.size[0]}×{summary.size[1]}: {summary.parameters:,} parameters, "
        f"{write_count(summary.multiply_adds)} multiply-adds."
    )
    show_table(table, caption, {"parameters": "{:,.0f}", "channels": "{:.0f}", "multiply-adds": write_count})


def show_branches(run: Run, data: PreparedData, modules: dict[str, str]) -> None:
    """Displays what modules (title to name) of a run's network answer to the first frame that every run is shown on.

    Where the run's weights are not in its folder, that is said.
    """
    if not run.weights.is_file():
        say(f"**{run.title}'s weights are not in {run.path.name}/**: its feature maps cannot be drawn here.")
        return
    network = load_network(run)
    frame = run.examples.loc[run.examples["kind"] == "shared", "frame"].iloc[0]
    batch = next(data.frames_of(run.final_split, [data.find(frame)]))
    found: dict[str, np.ndarray] = {}
    for title, name in modules.items():
        keep = lambda _module, _inputs, output, title=title: found.update({title: output[0].float().numpy()})  # noqa: E731
        network.get_submodule(name).register_forward_hook(keep)
    predict_logits(network, unpack_batch(batch)[0])
    show(branch_features(data.image(frame), found))


@themed
def branch_features(image: np.ndarray, branches: Mapping[str, np.ndarray], channels: int = 4) -> ReportFigure:
    """Mean strength of each branch's features (C, h, w) on one image (H, W, 3), and the channels that vary most."""
    panels, words = [], []
    for name, features in branches.items():
        depth, height, width = features.shape
        stride = 2 ** round(np.log2(image.shape[0] / height))
        chosen = np.argsort(-features.std(axis=(1, 2)))[:channels]
        panels.append((textwrap.fill(name, 16), image))
        panels.append((f"mean of {depth}\n{height}×{width}, 1/{stride}", _stretch(np.abs(features).mean(axis=0))))
        panels += [(f"channel {channel}", _stretch(features[channel])) for channel in chosen]
        panels += [None] * (channels - len(chosen))
        words.append(f"{name}: {depth} channels of {height}×{width}")
    figure, _ = image_grid(panels, channels + 2)
    return ReportFigure(
        figure,
        f"What the branches compute on one frame: mean strength, then the channels that vary most (brighter is stronger, "
        f"each map on its own scale). {'; '.join(words)}.",
    )


def _stretch(values: np.ndarray) -> np.ndarray:
    """Values scaled to 0 to 1, from their 1st to their 99th percentile."""
    low, high = np.percentile(values, [1, 99])
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1)


@themed
def atrous_rates(image: np.ndarray, rates: Sequence[int], output_stride: int) -> ReportFigure:
    """Where the nine taps of a 3×3 atrous convolution at the middle fall on an image (H, W, 3), a panel a rate.

    A rate of 1 is a plain convolution; the output stride is in pixels of the image to a cell of the feature map.
    """
    height, width = image.shape[:2]
    cells = -(-np.array([height, width]) // output_stride)
    center = np.array([height // 2, width // 2]) // output_stride
    steps = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    faded = (255 - (255 - image.astype(float)) * 0.55).astype(np.uint8)
    panels, taps = [], []
    for rate in rates:
        found = center + rate * steps
        taps.append(found[((found >= 0) & (found < cells)).all(axis=1)])
        span, inside = (2 * rate + 1) * output_stride, f"{len(taps[-1])} of 9 taps inside"
        panels.append((f"rate {rate} · spans {span} px · {inside}", faded))
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
        f"What the atrous rates see at one pixel, at output stride {output_stride} (each square is one cell of the feature "
        "map). Taps outside meet padding.",
    )


@themed
def pyramid_bins(image: np.ndarray, bins: Sequence[int]) -> ReportFigure:
    """What pyramid pooling keeps of an image (H, W, 3): its averages over 1×1, 2×2, … bins; it stands in for features."""
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
        f"Pyramid pooling, shown on the image's colors in place of features: every pixel also receives the averages over "
        f"{shares}.",
    )
