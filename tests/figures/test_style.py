import base64
import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from PIL import Image

import seg_helpers
from seg_helpers import figures
from seg_helpers.figures import tables
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import epoch_axis, overlay, picture_rows
from seg_helpers.figures.style import INK, NETWORKS, network_styles, new_figure


def read_pictures(grid):
    """The pictures of a grid as a browser decodes them, (H, W, 3) each."""
    sources = [image["src"] for image in BeautifulSoup(grid._repr_html_(), "html.parser").find_all("img")]
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGB"))
        for source in sources
    ]


def test_masks_are_stored_exactly_and_photographs_nearly(frame, classes):
    image, mask = np.kron(frame[0][:6, :8], np.ones((20, 20, 1), np.uint8)), classes.colorize(frame[1])
    image = (image.astype(float) + np.arange(160)[:, None] / 4).clip(0, 255).astype(np.uint8)
    shown, same = read_pictures(picture_rows([("photo", image), ("mask", mask)], 2, "Both."))
    assert (same == mask).all()
    assert np.abs(shown.astype(int) - image).mean() < 8


def test_a_large_picture_is_made_smaller_and_its_colors_stay(classes):
    label = np.kron(np.arange(8, dtype=np.uint8).reshape(2, 4), np.ones((512, 512), np.uint8))
    (shown,) = read_pictures(picture_rows([("mask", classes.colorize(label))], 1, "One."))
    assert shown.shape == (480, 960, 3)
    assert {tuple(color) for color in shown.reshape(-1, 3)} == {tuple(color) for color in classes.colors[:8].tolist()}


def test_every_picture_is_described_and_its_colors_are_named(frame, classes):
    panels = [("first <row>", classes.colorize(frame[1])), ("", frame[0]), ("other", np.eye(4))]
    page = BeautifulSoup(picture_rows(panels, 2, "A & B", classes, [frame[1]])._repr_html_(), "html.parser")
    assert [image["alt"] for image in page.find_all("img")] == ["first <row>", "first <row>", "other"]
    assert [len(row.find_all("img")) for row in page.find_all(class_="row")] == [2, 1]
    assert page.find(class_="legend").get_text(" ", strip=True).split() == [
        "Sky",
        "Building",
        "Road",
        "Car",
        "void",
        "(not",
        "scored)",
    ]
    assert page.figcaption.get_text() == "A & B"


def test_a_plot_shows_itself_as_words_and_lines_in_the_pages_colors():
    drawing = new_figure(1, 1)
    drawing.subplots().set_title("what  it\n shows", loc="left", color=INK)
    shown = BeautifulSoup(ReportFigure(drawing, "what stands below")._repr_html_(), "html.parser")
    assert shown.svg["aria-label"] == "what it shows"
    assert "shows" in shown.svg.get_text()
    assert shown.figcaption.get_text() == "what stands below"
    assert "currentColor" in str(shown.svg)
    assert INK not in str(shown.svg)


def test_a_plot_is_drawn_alike_twice():
    def draw():
        figure = new_figure(2, 2)
        figure.subplots().plot([1, 2], [3, 4], clip_on=True)
        return ReportFigure(figure, "one").render()

    assert draw() == draw()


def test_theme_does_not_leak():
    before = dict(mpl.rcParams)
    figures.class_scores_map(pd.DataFrame({"Car": [0.5]}, ["FCN"])).render()
    assert dict(mpl.rcParams) == before


def test_overlay_leaves_void_as_it_is(frame, classes):
    mixed = overlay(*frame, classes, strength=0.5)
    assert (mixed[:2, :2] == frame[0][:2, :2]).all()
    expected = (frame[0][30, 40].astype(float) + classes.colors[1]) / 2
    assert np.abs(mixed[30, 40] - expected).max() <= 0.5


@pytest.mark.parametrize("epochs", [1, 2, 7, 80])
def test_epoch_axis_has_whole_numbers_only(epochs):
    axes = new_figure(5, 3).subplots()
    axes.plot(range(1, epochs + 1), np.zeros(epochs), marker="o")
    epoch_axis(axes)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)


def test_curves_are_all_different():
    styles = network_styles(map(str, range(28)))
    assert len({(color, str(dashes)) for color, dashes, _ in styles.values()}) == 28


def test_a_network_looks_the_same_beside_any_others():
    alone = network_styles(["PSPNet"])["PSPNet"]
    beside = network_styles(["a", "b", "c", "PSPNet", "U-Net"])
    assert beside["PSPNet"] == alone
    assert len({color for color, _, _ in beside.values()}) == 5
    assert network_styles(["b", "PSPNet", "c", "a", "U-Net"]) == beside


def test_known_networks_are_titles_of_recipes():
    recipes = (Path(seg_helpers.__file__).parent / "recipes").glob("*.yaml")
    assert set(NETWORKS) <= set(re.findall("title: (.+)", "\n".join(path.read_text() for path in recipes)))


def test_words():
    assert [figures.percent(x) for x in (0, 0.273, 0.034, 0.0005, 1e-6)] == [
        "0%",
        "27%",
        "3.4%",
        "0.05%",
        "<0.01%",
    ]
    assert [figures.count_of(x, "frame") for x in (1, 1200)] == ["1 frame", "1,200 frames"]
    plurals = [figures.count_of(2, noun) for noun in ("class", "branch", "epoch")]
    assert plurals == ["2 classes", "2 branches", "2 epochs"]
    assert figures.join_words(["a"]) == "a"
    assert figures.join_words(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("number", "text"),
    [(12_425_028, "12.4 M"), (6640, "6.6 k"), (3.1e9, "3.10 G"), (42, "42"), (47.53, "47.5"), (999.6, "1000")],
)
def test_counts_are_short(number, text):
    assert figures.write_count(number) == text


def test_table_marks_the_best_and_escapes(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", shown.append)
    table = pd.DataFrame({"model": ["a<b", "c"], "score": [0.1, 0.9], "ms": [5.0, np.nan]})
    figures.show_table(table, "two models", {"score": "{:.2f}"}, best_high=["score"], best_low=["ms"])
    html = shown[0].to_html()
    assert "a&lt;b" in html
    assert "two models" in html
    assert "–" in html
    bold = [line for line in html.splitlines() if "font-weight" in line]
    assert len(bold) == 1


def test_names_in_tables_are_text(monkeypatch):
    shown = []
    monkeypatch.setattr(tables, "display", lambda styler: shown.append(styler.to_html()))
    figures.show_table(pd.DataFrame({"<i>": ["<script>"], "b": [1]}), "of <b>me</b> & you")
    assert "<script>" not in shown[0]
    assert "<i>" not in shown[0]
    assert "of &lt;b&gt;me&lt;/b&gt; &amp; you" in shown[0]


@pytest.mark.parametrize("name", ["$a^^b$", "_x_ *y*", "<b>`c`</b>", "[l](http://x) ~~d~~", 'back\\slash & "q"'])
def test_a_plain_name_is_what_markdown_shows(name):
    html = markdown2html_mistune(f"see {figures.plain(name)} there")
    assert BeautifulSoup(html, "html.parser").get_text().strip() == f"see {name} there"
    assert html.count("<") == 2  # the paragraph's own
    assert figures.plain("0001TP_006690, Seq05VD-f1.png") == "0001TP_006690, Seq05VD-f1.png"
