"""A network's diagram and layer table, drawn from the network itself, and what its parts see of an image."""

import inspect
import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.prediction import predict_logits
from seg_helpers.experiments import Run
from seg_helpers.experiments.preparation import PreparedData
from seg_helpers.figures.display import PictureGrid, ReportFigure
from seg_helpers.figures.plots import picture_rows
from seg_helpers.figures.style import BAND, INK, MUTED, OKABE_ITO, ON_TINT, VERMILLION, WIDTH, new_figure, themed
from seg_helpers.figures.tables import say, show_table
from seg_helpers.figures.words import join_words, write_count
from seg_helpers.models.summary import ModelSummary

# Tints of Okabe-Ito colors, by what a block does, and what its name holds then.
ROLES = {  # the first that fits is taken
    "input": ("#ececec", ("input",)),
    "classifier": ("#f9dfc4", ("classif", "head", "score", "logits", "segmentation", "atrous")),
    "context": ("#f0d9e6", ("pyramid", "aspp", "ppm", "psp", "context", "global")),
    "encoder": ("#cfe3f1", ("encoder", "downsample", "stem", "stage", "backbone", "bottleneck")),
    "decoder": ("#cdebe1", ("",)),
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
    rows: dict[int, float] = field(default_factory=dict)  # center of its box, by stride


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
        axes.axhspan(top, bottom, color=BAND, linewidth=0)
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
    handles = [Patch(facecolor=ROLES[role][0], edgecolor="#7d8388", label=role) for role in roles]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(roles), handlelength=1.1, handleheight=1.1)
    skips = [f"{a} to {b}" for a, b in edges if blocks[b].column - blocks[a].column > 1]
    return ReportFigure(
        figure,
        f"{title}, drawn from the network itself: execution to the right, resolution downwards, with the channels and "
        "parameters of each block; one that gives out several resolutions has a box in each. "
        f"Connections that skip blocks: {join_words(skips).replace('_', ' ') or 'none'}.",
    )


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
            role = next(role for role, (_, words) in ROLES.items() if any(word in part.name.lower() for word in words))
            blocks[part.name] = Block(part.name, role, part.parameters, channels)
    last = [start for start, end in edges if end == "logits"]
    if len(last) == 1 and blocks[last[0]].channels == blocks["logits"].channels:
        blocks.pop("logits")  # the last part gives the logits as they are
    return blocks, [edge for edge in dict.fromkeys(edges) if edge[1] in blocks]


def _arrange(blocks: dict[str, Block], edges: list[tuple[str, str]]) -> dict[int, tuple[float, float]]:
    """Places blocks in the column of the longest way to them; returns top and bottom of each stride's band of rows."""
    for name, block in blocks.items():  # in the order of execution
        block.column = max((blocks[start].column + 1 for start, end in edges if end == name), default=0)
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
        look = {"color": VERMILLION, "linewidth": 1.3} if skip else {"color": INK, "linewidth": 1.1}
        axes.add_patch(
            FancyArrowPatch(a, b, connectionstyle=style, arrowstyle="-|>", mutation_scale=9, zorder=2, **look)
        )


def _draw_block(axes: Axes, block: Block, room: float) -> None:
    """One box a resolution; the finest says how many parameters all hold. `room` is the width of a box in points."""
    words = textwrap.wrap(block.name.replace("_", " "), 10, break_long_words=False)
    size = min(8.5, room / (0.65 * max(map(len, words))))  # no wider than the box
    for stride, y in block.rows.items():
        facts = [f"{block.channels[stride]} ch"]
        if block.parameters and stride == min(block.rows):
            facts.append(write_count(block.parameters))
        corner, shape = (block.column - BOX[0] / 2, y - BOX[1] / 2), "round,pad=0,rounding_size=0.05"
        look = {"facecolor": ROLES[block.role][0], "edgecolor": "#7d8388", "linewidth": 0.8, "zorder": 3}
        axes.add_patch(FancyBboxPatch(corner, *BOX, boxstyle=shape, **look))
        axes.text(
            block.column,
            y,
            "\n".join([*words, *facts]),
            ha="center",
            va="center",
            fontsize=size,
            color=ON_TINT,
            zorder=4,
        )


def show_source(*parts: object) -> None:
    """Displays the source of classes and functions."""
    source = "\n\n".join(textwrap.dedent(inspect.getsource(part)) for part in parts)
    say(f"```python\n{source}```")


def show_layer_table(summary: ModelSummary, title: str) -> None:
    """Displays a network's parts with shapes, parameters and MACs."""
    table = summary.parts.rename(columns={"multiply_adds": "MACs"})
    table["stride"] = table["stride"].map("1/{:g}".format)
    table["output"] = table["output"].str.replace("x", "×")
    caption = (
        f"Parts of {title} at {summary.size[0]}×{summary.size[1]}: {summary.parameters:,} parameters, "
        f"{write_count(summary.multiply_adds)} MACs (multiply-accumulates)."
    )
    show_table(table, caption, {"parameters": "{:,.0f}", "channels": "{:.0f}", "MACs": write_count})


def show_branches(run: Run, data: PreparedData, modules: Mapping[str, str]) -> None:
    """Displays what modules (title to name) of a run's network give for the first frame that every run is shown on."""
    if not run.weights.is_file():
        say(f"**{run.title}'s weights are not in {run.path.name}/**: its feature maps cannot be drawn here.")
        return
    network, found = run.network(), {}
    for name in modules.values():
        keep = lambda module, _inputs, output: found.update({module: output[0].float().numpy()})  # noqa: E731
        network.get_submodule(name).register_forward_hook(keep)
    frame = run.examples.loc[run.examples["kind"] == "shared", "frame"].iloc[0]
    predict_logits(network, unpack_batch(next(data.frames_of(run.final_split, [data.find(frame)])))[0])
    branches = {title: found[network.get_submodule(name)] for title, name in modules.items()}
    display(branch_features(data.image(frame), branches))


def branch_features(image: np.ndarray, branches: Mapping[str, np.ndarray], channels: int = 4) -> PictureGrid:
    """Mean strength of each branch's features (C, h, w) on one image (H, W, 3), and the channels that vary most."""
    panels = []
    for name, features in branches.items():
        depth, height, width = features.shape
        chosen = np.argsort(-features.std(axis=(1, 2)))[:channels]
        maps = {f"mean of {depth}\n{height}×{width}": np.abs(features).mean(axis=0)}
        maps |= {f"channel {channel}": features[channel] for channel in chosen}
        panels.append((textwrap.fill(name, 16), image))
        for title, values in maps.items():
            low, high = np.percentile(values, [1, 99])
            panels.append((title, (values - low) / max(high - low, 1e-6)))
    caption = (
        "What the branches compute on one frame: mean strength, then the channels that vary most (brighter is stronger, "
        "each map on its own scale)."
    )
    return picture_rows(panels, channels + 2, caption)


def atrous_rates(image: np.ndarray, rates: Sequence[int], output_stride: int) -> PictureGrid:
    """The nine taps of a 3×3 atrous convolution on an image (H, W, 3), a panel a rate, at an output stride in px."""
    cells = -(-np.array(image.shape[:2]) // output_stride)
    steps = np.array(list(itertools.product((-1, 0, 1), repeat=2)))
    panels = []
    for rate, color in zip(rates, OKABE_ITO, strict=False):
        taps = cells // 2 + rate * steps
        inside = taps[((taps >= 0) & (taps < cells)).all(axis=1)]
        picture = (255 - (255 - image.astype(float)) * 0.55).astype(np.uint8)
        for row, column in inside * output_stride:
            picture[row : row + output_stride, column : column + output_stride] = 255 * np.array(to_rgb(color))
        panels.append(
            (f"rate {rate} · spans {(2 * rate + 1) * output_stride} px · {len(inside)} of 9 taps inside", picture)
        )
    caption = (
        f"What the atrous rates see at one pixel, at output stride {output_stride} (each square is one cell of the feature "
        "map). Taps outside meet padding."
    )
    return picture_rows(panels, 2, caption)
