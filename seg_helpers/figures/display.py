"""Figures with their words, tables and findings, and how a notebook displays them."""

import base64
import html
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from PIL import Image
from scipy.spatial.distance import cdist

from seg_helpers.figures.style import themed

MOST_WORDS = 60  # in a panel's description; a heat map's cells would be more


@dataclass
class ReportFigure:
    """A figure and its caption; in a notebook it shows itself, and the report's template reads its words."""

    figure: Figure
    caption: str

    @property
    def alt(self) -> str:
        """What a screen reader says: the words of the drawing, panel by panel, so that the two cannot disagree."""
        legends = [*self.figure.legends, *(axes.legend_ for axes in self.figure.axes if axes.legend_)]
        words = [text.get_text() for legend in legends for text in legend.texts]
        panels = [_read_words(axes) for axes in self.figure.axes]
        return " ".join(". ".join(filter(None, [*panels, ", ".join(words)])).split())

    @themed
    def render(self) -> bytes:
        """An opaque PNG of at most 256 colors, about a third of the size of a true-color one."""
        buffer, smaller = io.BytesIO(), io.BytesIO()
        self.figure.savefig(buffer, format="png")
        _reduce_colors(Image.open(buffer).convert("RGB")).save(smaller, format="png", optimize=True)
        return smaller.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        png = base64.b64encode(self.render()).decode()
        words = {"alt": self.alt, "caption": self.caption}
        return {"image/png": png, "text/plain": self.caption}, {"image/png": words}


def _read_words(axes: Axes) -> str:
    """Title and labels of a panel, the names of its rows with the words or the series' values in each, other words."""
    head = ", ".join(filter(None, (axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel())))
    rows = _name_places(axes.yaxis)
    columns = _name_places(axes.xaxis) if any(isinstance(map_, QuadMesh) for map_ in axes.collections) else {}
    words = [] if axes.texts else list(rows.values())
    for text in [text for text in axes.texts if text.get_text()][:MOST_WORDS]:
        x, y = getattr(text, "xy", text.get_position())
        names = [rows.get(y), columns.get(x)] if getattr(text, "xycoords", "data") == "data" else []
        words.append(" ".join(filter(None, [*names, text.get_text()])))
    for series in axes.collections:  # dots of several series have no words of their own
        if rows and isinstance(series, PathCollection) and not str(series.get_label()).startswith("_"):
            values = zip(rows.values(), np.ma.filled(series.get_offsets()[:, 0], np.nan), strict=True)
            words.append(f"{series.get_label()} {', '.join(f'{row} {value:.2g}' for row, value in values)}")
    return ": ".join(filter(None, (head, ", ".join(words))))


def _name_places(axis: Axis) -> dict[float, str]:
    """Where an axis has names in place of numbers, and which."""
    places = axis.get_majorticklocs() if isinstance(axis.get_major_locator(), FixedLocator) else []
    return dict(zip(places, axis.get_major_formatter().format_ticks(places), strict=True))


def _reduce_colors(picture: Image.Image) -> Image.Image:
    """An RGB picture in at most 256 colors, undithered; the most frequent (paper, ink, masks) stay as they are."""
    reduced = picture.quantize(256, kmeans=picture.width * picture.height // 1000)
    palette = np.reshape(reduced.getpalette(), (-1, 3))
    frequent = [color for _, color in sorted(picture.getcolors(picture.width * picture.height))[-64:]]
    palette[cdist(frequent, palette).argmin(axis=1)] = frequent  # of two in one place the last, more frequent one
    reduced.putpalette(palette.astype(np.uint8).tobytes())
    return reduced


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
    """Display a table without its index, its caption above it.

    Args:
        formats: column to format string or function; missing values are shown as an en dash.
        best_high, best_low: columns whose largest or smallest value is bold.
        swatches: text of a first-column cell to the color (RGB, 0-255) of a small square before it.
    """
    formats = {column: how for column, how in (formats or {}).items() if column in table}
    styler = table.reset_index(drop=True).style.hide(axis="index")
    styler.set_caption(html.escape(caption, quote=False))
    styler.format(formats, na_rep="–", escape="html").format_index(escape="html", axis=1)
    styler.set_uuid("t").set_table_attributes('class="dataframe"')
    for columns, highlight in ((best_high, styler.highlight_max), (best_low, styler.highlight_min)):
        columns = [column for column in columns if column in table]
        if columns and len(table) > 1:
            highlight(subset=columns, props="font-weight: bold")
    numeric = [name for name in table if pd.api.types.is_numeric_dtype(table[name]) or name.endswith("interval")]
    styler.set_properties(subset=numeric, **{"text-align": "right", "white-space": "nowrap"})
    styler.set_properties(subset=table.columns.difference(numeric), **{"text-align": "left"})
    styler.map_index(lambda name: f"text-align: {'right' if name in numeric else 'left'}", axis="columns")
    if swatches:
        css = "border-left: 1.1em solid rgb({}, {}, {}); padding-left: .5em"
        marks = {cell: css.format(*color) for cell, color in swatches.items()}
        styler.map(lambda cell: marks.get(cell, ""), subset=[table.columns[0]])
    display(styler)
