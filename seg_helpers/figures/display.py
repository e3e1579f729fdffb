"""Figures and pictures with their words, as a notebook and its page display them: HTML that needs nothing else."""

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from PIL import Image

from seg_helpers.figures.style import PAGE_COLORS, themed

MOST_WORDS = 60  # in a panel's description; a heat map's cells would be more
LARGEST_SIDE = 960  # pixels of a picture on a page


@dataclass
class ReportFigure:
    """A plot and its caption; it shows itself as vectors, in the colors of the page that it stands on."""

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
    def render(self) -> str:
        """The drawing as SVG whose words stay words and whose ink is the page's."""
        buffer = io.StringIO()
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": self.caption}):
            self.figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
        svg = buffer.getvalue()[buffer.getvalue().index("<svg ") :]
        for color, of_page in PAGE_COLORS.items():
            svg = svg.replace(color, of_page)
        return svg.replace(
            "<svg ", f'<svg role="img" aria-label="{html.escape(self.alt)}" style="max-width:100%;height:auto" ', 1
        )

    def _repr_html_(self) -> str:
        return f'<figure class="plate"><div class="scroll">{self.render()}</div>{_caption(self.caption)}</figure>'


@dataclass
class PictureGrid:
    """Pictures in rows, each above its title, a legend of their colors, and a caption.

    Attributes:
        rows: of (title, picture) each; a picture is (H, W, 3) uint8 RGB.
        caption: of the grid.
        legend: name to RGB (0-255).
    """

    rows: Sequence[Sequence[tuple[str, np.ndarray]]]
    caption: str
    legend: dict[str, Sequence[int]]

    def _repr_html_(self) -> str:
        columns = max(map(len, self.rows))
        rows = "".join(
            f'<div class="row" style="{_ROW.format(columns=columns)}">{_row(row)}</div>' for row in self.rows
        )
        swatches = "".join(
            _SWATCH.format("{},{},{}".format(*color), html.escape(name)) for name, color in self.legend.items()
        )
        legend = f'<p class="legend">{swatches}</p>' if swatches else ""
        return f'<figure class="pictures">{rows}{legend}{_caption(self.caption)}</figure>'


# as many columns as asked for, fewer on a narrow screen; a notebook has no style sheet of ours
_ROW = "display:grid;gap:.5rem;grid-template-columns:repeat(auto-fill,minmax(max(9rem,calc((100% - {columns} * .5rem)/{columns})),1fr))"
_SWATCH = '<span style="display:inline-block;margin-right:1em"><i style="display:inline-block;width:1em;height:.75em;outline:1px solid #8888;background:rgb({})"></i> {}</span>'


def _row(panels: Sequence[tuple[str, np.ndarray]]) -> str:
    found, last = [], ""
    for title, picture in panels:
        last = title or last
        source, (height, width) = encode_picture(picture), picture.shape[:2]
        image = f'<img src="{source}" alt="{html.escape(last)}" width="{width}" height="{height}" style="width:100%;height:auto">'
        found.append(
            f'<div class="panel">{image}<p style="margin:0;font-size:.8em;white-space:pre-line">{html.escape(title)}</p></div>'
        )
    return "".join(found)


def _caption(text: str) -> str:
    return f"<figcaption>{html.escape(text, quote=False)}</figcaption>"


def encode_picture(picture: np.ndarray) -> str:
    """A data address of a picture (H, W, 3) uint8 as WebP: exact where it has few colors, as masks have, else a photograph."""
    image, buffer = Image.fromarray(picture), io.BytesIO()
    drawn = image.getcolors(256) is not None
    if max(image.size) > LARGEST_SIDE:
        scale = LARGEST_SIDE / max(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.NEAREST if drawn else Image.Resampling.BOX)
    image.save(buffer, "webp", lossless=drawn, quality=82)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


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
