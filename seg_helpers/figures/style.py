"""One look for every figure: fonts, colours, legends, alt text, captions, and display in a notebook.

Curves use the Okabe-Ito palette (Okabe and Ito, "Color Universal Design", 2008), maps viridis or cividis,
label masks the data set's own palette with a named legend. The background is opaque white, so that a page in
dark mode shows the figure as it was drawn.
"""

import base64
import html
import io
import re
from collections.abc import Callable, Iterable, Sequence
from functools import wraps

import matplotlib as mpl
import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox
from PIL import Image
from scipy.spatial import cKDTree

from seg_helpers.classes import VOID, ClassSet

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK, YELLOW = "#E69F00", "#56B4E9", "#000000", "#F0E442"
OKABE_ITO = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # yellow is too pale for a line on white
_OKABE_RGB = [[round(255 * value) for value in mpl.colors.to_rgb(name)] for name in OKABE_ITO]
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "osD^v<>hp"
INK, MUTED, FAINT = "#1a1a1a", "#5f6368", "#d5d8dc"
SPLIT_COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN, "guard": "#b0b4b9"}

PAPER = {
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.85,
    "pad": 1.0,
}  # keeps words readable over marks

WIDTH = 10.0  # inches: the full width of a report's column
DPI = 110

THEME = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that every machine draws the same picture
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # names of files and classes are no formulas, whatever `$` and `^` they hold
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8a8f94",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": mpl.cycler(color=OKABE_ITO),
    "grid.color": "#e6e8ea",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "image.interpolation": "antialiased",
    "image.cmap": "viridis",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
}


def themed(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Run a figure function under `THEME`, leaving the caller's matplotlib settings alone."""

    @wraps(draw)
    def wrapper(*args, **kwargs) -> Figure:
        with mpl.rc_context(THEME):
            return draw(*args, **kwargs)

    return wrapper


def new_figure(width: float = WIDTH, height: float = 4.0) -> Figure:
    """A figure of `width` x `height` inches outside pyplot: nothing is shown twice, nothing leaks."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def describe(figure: Figure, alt: str, caption: str) -> Figure:
    """Attach what a screen reader says (`alt`) and what stands below the figure (`caption`).

    Raises:
        ValueError: if either text is empty.
    """
    if not alt.strip() or not caption.strip():
        raise ValueError("a figure needs an alt text and a caption; give both as sentences about its data")
    figure.seg_alt, figure.seg_caption = " ".join(alt.split()), " ".join(caption.split())
    return figure


def render_png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as an opaque PNG of at most 256 colours, about a third of the size of a true-colour one."""
    buffer, smaller = io.BytesIO(), io.BytesIO()
    with mpl.rc_context(THEME):
        figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    pixels = np.asarray(Image.open(buffer).convert("RGB"))
    indices, palette = _reduce_colours(pixels, [*_OKABE_RGB, *getattr(figure, "seg_colours", ())])
    picture = Image.fromarray(indices)
    picture.putpalette(palette.tobytes())
    picture.save(smaller, format="png", optimize=True)
    return smaller.getvalue()


def _reduce_colours(
    pixels: np.ndarray, pinned: Sequence = (), exact: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Indices (H, W) and palette (<= 256, 3) of a picture (H, W, 3), all uint8.

    Pinned colours (a legend's) and the most frequent ones (paper, ink, masks) stay as they are; median cut finds
    the others, undithered: Pillow's own quantiser shifts white and speckles flat masks.
    """
    codes = _pack(pixels.reshape(-1, 3))
    unique, where, counts = np.unique(codes, return_inverse=True, return_counts=True)
    colours = np.stack([unique >> 16, unique >> 8 & 255, unique & 255], axis=1).astype(np.uint8)
    if len(unique) <= 256:
        return where.reshape(pixels.shape[:2]).astype(np.uint8), colours
    kept = np.isin(unique, _pack(np.asarray(pinned).reshape(-1, 3)))
    kept[np.argsort(-counts, kind="stable")[:exact]] = True
    free = 256 - int(kept.sum())
    others = pixels.reshape(-1, 3)[~kept[where.ravel()]]
    sample = Image.fromarray(others[:: max(len(others) // 60_000, 1)][None])
    cut = sample.quantize(free, method=Image.Quantize.MEDIANCUT, kmeans=1).getpalette()
    palette = np.concatenate([colours[kept], np.asarray(cut[: 3 * free], dtype=np.uint8).reshape(-1, 3)])
    nearest = cKDTree(palette).query(colours)[1].astype(np.uint8)
    return nearest[where].reshape(pixels.shape[:2]), palette


def _pack(colours: np.ndarray) -> np.ndarray:
    """(N, 3) RGB to (N,) integers."""
    return colours.astype(np.uint32) @ np.asarray([65536, 256, 1], dtype=np.uint32)


def show(figure: Figure, dpi: int = DPI) -> None:
    """Display a described figure in a notebook; the report's template reads alt text and caption.

    Raises:
        ValueError: if `describe` was not called on the figure.
    """
    if not hasattr(figure, "seg_alt"):
        raise ValueError(
            "the figure has no alt text: call describe(figure, alt, caption) before show(figure)"
        )
    bundle = {
        "image/png": base64.b64encode(render_png(figure, dpi)).decode(),
        "text/plain": f"{figure.seg_caption}",
    }
    metadata = {"image/png": {"alt": figure.seg_alt, "caption": figure.seg_caption}}
    display(bundle, metadata=metadata, raw=True)


def say(text: str) -> None:
    """Display a finding, as Markdown; nothing where there is nothing to say."""
    if text:
        display(Markdown(text))


def show_table(
    table: pd.DataFrame,
    caption: str,
    formats: dict[str, str | Callable] | None = None,
    best_high: Iterable[str] = (),
    best_low: Iterable[str] = (),
    swatches: dict[str, Sequence[int]] | None = None,
) -> None:
    """Display a table with a caption; the best cells of chosen columns are bold.

    Args:
        table: shown without its index; reset it first if it is to be seen.
        caption: stands above the table.
        formats: column to format string or function; missing values are shown as an en dash.
        best_high: columns whose largest value is set in bold.
        best_low: columns whose smallest value is set in bold.
        swatches: text of a first-column cell to RGB (0-255), drawn as a small square before it.
    """
    formats = {column: how for column, how in (formats or {}).items() if column in table}
    styler = (
        table.reset_index(drop=True).style.hide(axis="index").set_caption(html.escape(caption, quote=False))
    )
    styler = (
        styler.format(formats, na_rep="–", escape="html").format_index(escape="html", axis=1).set_uuid("t")
    )
    for columns, highlight in ((best_high, styler.highlight_max), (best_low, styler.highlight_min)):
        columns = [column for column in columns if column in table]
        if columns and len(table) > 1:
            highlight(subset=columns, props="font-weight: bold")
    styler.set_table_attributes('class="dataframe"')
    numeric = [column for column in table if pd.api.types.is_numeric_dtype(table[column])]
    words = [column for column in table if column not in numeric]
    styler.set_properties(subset=numeric, **{"text-align": "right"})
    styler.set_properties(subset=words, **{"text-align": "left"})
    if swatches:
        styler.map(lambda cell: _swatch(swatches.get(cell)), subset=[table.columns[0]])
    display(styler)


def _swatch(colour: Sequence[int] | None) -> str:
    """CSS for a left border in a class's colour."""
    return (
        ""
        if colour is None
        else "border-left: 1.1em solid rgb({}, {}, {}); padding-left: .5em".format(*colour)
    )


# ---------------------------------------------------------------- masks


def overlay(image: np.ndarray, label: np.ndarray, classes: ClassSet, strength: float = 0.55) -> np.ndarray:
    """Blend a label's colours over its image; void pixels show the image alone.

    Args:
        image: (H, W, 3) uint8 RGB.
        label: (h, w) uint8 indices; resized to the image by nearest neighbour where sizes differ.
        classes: the class set of the label.
        strength: share of the label's colour, 0 to 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    label = resize_label(label, image.shape[:2])
    weight = np.where(label == VOID, 0.0, strength)[..., None]
    return (image * (1 - weight) + classes.colourise(label) * weight).round().astype(np.uint8)


def resize_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest-neighbour copy of an (H, W) label at `size` (height, width)."""
    if label.shape == tuple(size):
        return label
    return np.asarray(Image.fromarray(label).resize(size[::-1], Image.Resampling.NEAREST))


def class_legend(
    figure: Figure, classes: ClassSet, labels: Iterable[np.ndarray] = (), loc: str = "outside lower center"
) -> None:
    """Add the named legend of a mask's palette, in index order, void last.

    Args:
        figure: gets the legend outside its axes.
        classes: names and colours.
        labels: (H, W) index arrays; with any given, the legend names only the classes that they hold.
    """
    found = [np.unique(label) for label in labels]
    present = set(np.concatenate(found).tolist()) if found else {*range(classes.num_classes), VOID}
    handles = [
        Patch(facecolor=np.asarray(colour) / 255, edgecolor="#777777", linewidth=0.5, label=name)
        for index, (name, colour) in enumerate(zip(classes.names, classes.colours, strict=True))
        if index in present
    ]
    if VOID in present:
        void = np.asarray(classes.void_colour) / 255
        handles.append(Patch(facecolor=void, edgecolor="#777777", linewidth=0.5, label="void (not scored)"))
    rows = -(-len(handles) // (8 if len(handles) <= 16 else 7))
    columns = -(-len(handles) // rows)
    figure.legend(
        handles=handles, loc=loc, ncols=columns, handlelength=1.1, handleheight=1.1, columnspacing=1.4
    )
    figure.seg_colours = [*classes.colours.tolist(), list(classes.void_colour)]


def plain_image(axes: Axes, picture: np.ndarray, title: str = "", **kwargs) -> None:
    """Draw a picture or a map without ticks, spines or grid."""
    axes.imshow(picture, **kwargs)
    axes.set_axis_off()
    if title:
        axes.set_title(title, fontsize=9.5)


# ---------------------------------------------------------------- curves


def line_style(index: int) -> dict:
    """Colour and dashes of the `index`-th curve: 28 distinct ones, told apart without colour too."""
    return {
        "color": OKABE_ITO[index % len(OKABE_ITO)],
        "linestyle": DASHES[index // len(OKABE_ITO) % len(DASHES)],
    }


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
    """Move positions apart, as little as possible, until neighbours are at least `gap` apart.

    Pools neighbours that clash and centres each pool on its mean (the pool-adjacent-violators algorithm).
    """
    wanted = np.asarray(positions, dtype=float)
    order = np.argsort(wanted, kind="stable")
    pools: list[list[float]] = []  # [centre, size]
    for value in wanted[order]:
        pools.append([value, 1])
        while (
            len(pools) > 1 and pools[-1][0] - pools[-2][0] < gap * (pools[-1][1] + pools[-2][1]) / 2 - 1e-12
        ):
            (right, n), (left, m) = pools.pop(), pools.pop()
            pools.append([(left * m + right * n) / (m + n), m + n])
    placed = np.concatenate(
        [centre + gap * (np.arange(size) - (size - 1) / 2) for centre, size in pools] or [np.empty(0)]
    )
    result = np.empty_like(placed)
    result[order] = placed
    return result


def label_ends(axes: Axes, labels: Sequence[tuple[str, float, float, str]], size: float = 8.5) -> None:
    """Write each curve's name at its right end, outside the data, without overlaps.

    Call it last: the axis limits must be final.

    Args:
        axes: linear or logarithmic in y.
        labels: (text, x of the last point, y of the last point, colour).
        size: font size in points.
    """
    labels = [entry for entry in labels if np.isfinite(entry[2])]
    if not labels:
        return
    height = axes.get_position().height * axes.figure.get_figheight() * 72
    axes.get_ylim()  # brings pending autoscaling up to date
    to_axes = axes.transLimits.transform
    scale = axes.yaxis.get_transform()
    level = [to_axes((0, float(scale.transform(np.asarray([y]))[0])))[1] for _, _, y, _ in labels]
    level = np.clip(level, 0, 1)
    places = spread(level, 1.35 * size / max(height, 1))
    places -= max(places.max() - 1, 0)  # a crowd at the top moves down, off the title
    for (text, x, y, colour), place in zip(labels, places, strict=True):
        axes.annotate(
            text,
            xy=(x, y),
            xytext=(1.02, place),
            textcoords="axes fraction",
            color=colour,
            fontsize=size,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "linewidth": 0.6,
                "alpha": 0.5,
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def place_labels(axes: Axes, points: Sequence[tuple[float, float, str, str]], size: float = 8.5) -> None:
    """Name the points of a scatter plot so that no name covers another name or a point.

    Each name takes the free place nearest its point, of a ring of candidates. Call it last.

    Args:
        axes: its limits must be final.
        points: (x, y, text, colour).
        size: font size in points.
    """
    axes.figure.draw_without_rendering()  # the layout must stand before boxes can be measured
    renderer = axes.figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    taken = [
        Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in axes.transData.transform([p[:2] for p in points])
    ]
    ring = [
        (radius, angle)
        for radius in (8, 14, 22, 32, 44, 58)
        for angle in (0, 180, 45, -45, 135, -135, 90, -90)
    ]
    for x, y, text, colour in sorted(points, key=lambda point: -point[1]):
        tried = []
        for radius, angle in ring:
            dx, dy = radius * np.cos(np.radians(angle)), radius * np.sin(np.radians(angle))
            note = axes.annotate(
                text,
                (x, y),
                (dx, dy),
                textcoords="offset points",
                fontsize=size,
                ha="left" if dx > 1 else "right" if dx < -1 else "center",
                va="center",
                bbox=PAPER,
                arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6} if radius > 8 else None,
            )
            note.update_positions(renderer)
            box = Text.get_window_extent(note, renderer)  # the words without the arrow
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            tried.append((box.count_overlaps(taken) + 3 * (not inside), len(tried), note, box))
            if tried[-1][0] == 0:
                break
        best = min(tried, key=lambda entry: entry[:2])
        for _, _, note, _ in tried:
            if note is not best[2]:
                note.remove()
        taken.append(best[3])
        best[2].set_in_layout(False)


# ---------------------------------------------------------------- words


def percent(share: float) -> str:
    """A share as a percentage with as many decimals as it needs: 27%, 3.4%, 0.05%, <0.01%."""
    value = 100 * share
    if 0 < value < 0.005:
        return "<0.01%"
    decimals = 0 if abs(value) >= 10 or value == 0 else 1 if abs(value) >= 1 else 2
    return f"{value:.{decimals}f}%"


def plain(name: str) -> str:
    """A name from the data, such that Markdown and HTML show its characters and do not act on them."""
    return re.sub(r"[^\w\s.,:;/()%=+-]|(?<!\w)_|_(?!\w)", lambda mark: f"&#{ord(mark[0])};", name)


def join_words(words: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def count_of(number: int, noun: str) -> str:
    """ "1 frame", "90 frames", "2 classes"."""
    hissing = noun.endswith(("s", "ch")) and noun != "epoch"
    return f"{number:,} {noun}" + ("" if number == 1 else "es" if hissing else "s")


def write_count(number: float) -> str:
    """12,425,028 to "12.4 M"; 6,640 to "6.6 k"; 3.1e9 to "3.10 G"."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.{2 if value < 10 and unit != 'k' else 1 if value < 100 else 0}f} {unit}"
    return f"{number:.0f}"
