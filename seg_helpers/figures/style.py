"""One look for every figure: colors, the theme, and which network is drawn how.

Curves use the Okabe-Ito palette (Okabe and Ito, "Color Universal Design", 2008), maps viridis or cividis, label masks
the data set's own palette with a named legend. The rest of the look is in `report.mplstyle`.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path

from matplotlib import rc_params_from_file, style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
# Their yellow is too pale for a line on white.
OKABE_ITO = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "osD^v<>XP"
INK, MUTED, FAINT = "#1a1a1a", "#5f6368", "#d5d8dc"
BAND = "#f6f7f8"
ON_TINT = "#1b1b1b"  # words on a light tint, which stay dark on a dark page
PAPER = "#fffffe"  # of gaps around marks; pure white is the white of what is drawn
SPLIT_COLORS = {"train": BLUE, "val": ORANGE, "test": GREEN, "gap": "#b0b4b9", "bracketed": PURPLE}
SPLIT_NAMES = {
    "train": "training",
    "val": "validation",
    "test": "test",
    "gap": "gap (unused)",
    "bracketed": "validation of the data set",  # where a held-out clip takes its place
}
# A network has its color and marker on all pages: its place here.
NETWORKS = (
    *("FCN-8s", "U-Net", "PSPNet", "DeepLabV3+", "Fast-SCNN"),
    *("Mini-HRNet 3 (lighter block)", "Mini U-Net", "SegNet", "DeepLabV3", "DeepLabV2", "SegFormer-B0"),
    *("HRNet-W18-small-v1", "Mini-HRNet 1 (no stage 4)", "Mini-HRNet 2 (fewer modules)"),
)

# What a page, light or dark, draws these in; the names are those of its style sheet.
PAGE_COLORS = {
    INK: "currentColor",
    BLACK: "currentColor",
    MUTED: "var(--muted, #5f6368)",
    "#8a8f94": "var(--muted, #8a8f94)",  # axes, as report.mplstyle has them
    "#e6e8ea": "var(--line, #e6e8ea)",  # grid
    PAPER: "var(--paper, #ffffff)",
    BAND: "var(--surface, #f6f7f8)",
}

WIDTH = 10.0  # inches: the full width of a report's column

THEME = rc_params_from_file(Path(__file__).with_name("report.mplstyle"), use_default_template=False)
themed = style.context(THEME)  # a decorator for whatever draws: the caller's own settings are left alone


def new_figure(width: float = WIDTH, height: float = 4.0) -> Figure:
    """A figure of `width` x `height` inches outside pyplot: nothing is shown twice, nothing leaks."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def network_styles(titles: Iterable[str]) -> dict[str, tuple]:
    """Color, dashes and marker of each network: its own if it is one of `NETWORKS`, else one that is free.

    Figures that show the same networks in another order draw them alike.
    """
    titles = set(titles)
    indices = {title: NETWORKS.index(title) for title in titles if title in NETWORKS}
    free = (place for place in itertools.count() if place not in list(indices.values()))
    indices |= zip(sorted(titles - indices.keys()), free, strict=False)
    looks = [(color, dashes) for dashes in DASHES for color in OKABE_ITO]  # told apart without color too
    return {title: (*looks[index % len(looks)], MARKERS[index % len(MARKERS)]) for title, index in indices.items()}
