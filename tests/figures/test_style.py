import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from IPython.core.formatters import DisplayFormatter
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from PIL import Image

import seg_helpers
from seg_helpers import figures
from seg_helpers.figures import display
from seg_helpers.figures.display import ReportFigure, _reduce_colors
from seg_helpers.figures.plots import epoch_axis, overlay, picture_rows
from seg_helpers.figures.style import NETWORKS, network_styles, new_figure


def _open(figure):
    return Image.open(io.BytesIO(figure.render()))


def test_png_is_opaque_and_keeps_white_and_flat_masks(frame, classes):
    figure = picture_rows([("a", classes.colorize(frame[1]))], 3, "One label.", classes, [frame[1]])
    picture = _open(figure)
    pixels = np.asarray(picture.convert("RGB"))
    assert "transparency" not in picture.info
    assert picture.mode == "P"
    assert pixels[0, -1].tolist() == [255, 255, 255]
    found = {tuple(color) for color in pixels.reshape(-1, 3)}
    for index in (0, 1, 3, 8):
        assert tuple(classes.colors[index]) in found


def test_few_colors_are_stored_exactly():
    pixels = np.array([[[10, 20, 30], [1, 2, 3]], [[255, 255, 255], [10, 20, 30]]], np.uint8)
    assert (np.asarray(_reduce_colors(Image.fromarray(pixels)).convert("RGB")) == pixels).all()


def test_masks_and_paper_beside_a_photo_are_stored_exactly(rng, classes):
    """Noise alone has more colors than a palette, and some of them lie beside those of masks."""
    masks = np.repeat([*classes.colors, (255, 255, 255)], 300, axis=0).reshape(-1, 60, 3).astype(np.uint8)
    photo = rng.integers(0, 256, (200, 60, 3), np.uint8)
    reduced = _reduce_colors(Image.fromarray(np.concatenate([masks, photo])))
    assert len(reduced.getcolors()) <= 256
    assert (np.asarray(reduced.convert("RGB"))[: len(masks)] == masks).all()


def test_a_figure_shows_itself_with_alt_and_caption():
    drawing = new_figure(1, 1)
    drawing.subplots().set_title("what  it\n shows", loc="left")
    figure = ReportFigure(drawing, "what stands below")
    bundle, metadata = DisplayFormatter().format(figure)
    assert metadata["image/png"] == {"alt": "what it shows", "caption": "what stands below"}
    assert bundle["image/png"].startswith("iVBOR")
    assert bundle["text/plain"] == "what stands below"


def test_theme_does_not_leak(frame, classes):
    before = dict(mpl.rcParams)
    figures.sample_overlays({"a": frame}, "one", classes)
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
    monkeypatch.setattr(display, "display", shown.append)
    table = pd.DataFrame({"model": ["a<b", "c"], "score": [0.1, 0.9], "ms": [5.0, np.nan]})
    figures.show_table(table, "two models", {"score": "{:.2f}"}, best_high=["score"], best_low=["ms"])
    html = shown[0].to_html()
    assert "a&lt;b" in html
    assert "two models" in html
    assert "–" in html
    bold = [line for line in html.splitlines() if "font-weight" in line]
    assert len(bold) == 1


def test_columns_of_numbers_and_their_names_are_flush_right(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "display", shown.append)
    columns = {"class": ["sky", "7"], "IoU": [0.9, np.nan], "95% interval": ["0.8 to 1.0", "–"]}
    figures.show_table(pd.DataFrame(columns), "two classes")
    styles = re.findall(r"(#T_t[^{]*) {[^}]*text-align: (\w+)", shown[0].to_html())
    aligned = {cell: side for cells, side in styles for cell in cells.split(", ")}
    for cell in ("level0", "row0", "row1"):
        assert [aligned[f"#T_t_{cell}_col{column}"] for column in range(3)] == ["left", "right", "right"]


def test_names_in_tables_are_text(monkeypatch):
    shown = []
    monkeypatch.setattr(display, "display", lambda styler: shown.append(styler.to_html()))
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
