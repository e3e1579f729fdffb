import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from PIL import Image

from seg_helpers import figures
from seg_helpers.figures import style
from seg_helpers.figures.style import describe, epoch_axis, new_figure, place_labels, render_png, spread


def _open(figure):
    return Image.open(io.BytesIO(render_png(figure)))


def test_png_is_opaque_and_keeps_white_and_flat_masks(frame, classes):
    figure = figures.sample_grid([frame[0]], [frame[1]], classes, ["train · a"])
    picture = _open(figure)
    pixels = np.asarray(picture.convert("RGB"))
    assert "transparency" not in picture.info
    assert picture.mode == "P"
    assert pixels[0, -1].tolist() == [255, 255, 255]
    found = {tuple(colour) for colour in pixels.reshape(-1, 3)}
    for index in (0, 1, 3, 8):
        assert tuple(classes.colours[index]) in found


def test_few_colours_are_stored_exactly():
    pixels = np.array([[[10, 20, 30], [1, 2, 3]], [[255, 255, 255], [10, 20, 30]]], np.uint8)
    indices, palette = style._reduce_colours(pixels)
    assert (palette[indices] == pixels).all()


def test_show_carries_alt_and_caption(monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", lambda bundle, metadata, raw: shown.append((bundle, metadata)))
    figure = describe(new_figure(1, 1), "what  it\n shows", "what stands below")
    figures.show(figure)
    bundle, metadata = shown[0]
    assert metadata == {"image/png": {"alt": "what it shows", "caption": "what stands below"}}
    assert bundle["image/png"].startswith("iVBOR")


def test_figures_without_words_are_refused():
    with pytest.raises(ValueError, match="call describe"):
        figures.show(new_figure(1, 1))
    with pytest.raises(ValueError, match="alt text and a caption"):
        describe(new_figure(1, 1), "alt", "  ")


def test_theme_does_not_leak(frame, classes):
    before = dict(mpl.rcParams)
    figures.sample_grid([frame[0]], [frame[1]], classes, ["a"])
    assert dict(mpl.rcParams) == before


def test_overlay_leaves_void_as_it_is(frame, classes):
    mixed = figures.overlay(*frame, classes, strength=0.5)
    assert (mixed[:2, :2] == frame[0][:2, :2]).all()
    expected = (frame[0][30, 40].astype(float) + classes.colours[1]) / 2
    assert np.abs(mixed[30, 40] - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("positions", "expected"),
    [([0.1, 0.5, 0.9], [0.1, 0.5, 0.9]), ([0.5, 0.5], [0.45, 0.55]), ([0.6, 0.5, 0.55], [0.65, 0.45, 0.55])],
)
def test_spread_moves_as_little_as_possible(positions, expected):
    assert spread(positions, 0.1) == pytest.approx(expected)


def test_spread_keeps_order_and_gap(rng):
    positions = rng.random(20)
    placed = spread(positions, 0.08)
    assert (np.argsort(placed) == np.argsort(positions)).all()
    assert np.diff(np.sort(placed)).min() >= 0.08 - 1e-9


def test_scatter_labels_do_not_cover_each_other(rng):
    figure = new_figure(8, 4)
    axes = figure.subplots()
    points = [(x, y, f"model {i}", "black") for i, (x, y) in enumerate(rng.random((12, 2)))]
    points += [(0.5, 0.5, "twin a", "black"), (0.5, 0.5, "twin b", "black")]
    axes.scatter(*np.array([p[:2] for p in points]).T)
    place_labels(axes, points)
    renderer = figure.canvas.get_renderer()
    boxes = [mpl.text.Text.get_window_extent(text, renderer) for text in axes.texts]
    assert len(boxes) == len(points)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("epochs", [1, 2, 7, 80])
def test_epoch_axis_has_whole_numbers_only(epochs):
    axes = new_figure(5, 3).subplots()
    axes.plot(range(1, epochs + 1), np.zeros(epochs), marker="o")
    epoch_axis(axes)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == int(tick) and 1 <= tick <= epochs for tick in ticks)


def test_line_styles_are_all_different():
    styles = {str(style.line_style(index)) for index in range(28)}
    assert len(styles) == 28


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
    ("number", "text"), [(12_425_028, "12.4 M"), (6640, "6.6 k"), (3.1e9, "3.10 G"), (42, "42")]
)
def test_counts_are_short(number, text):
    assert figures.write_count(number) == text


def test_table_marks_the_best_and_escapes(monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", shown.append)
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
    monkeypatch.setattr(style, "display", lambda styler: shown.append(styler.to_html()))
    figures.show_table(pd.DataFrame({"<i>": ["<script>"], "b": [1]}), "of <b>me</b> & you")
    assert "<script>" not in shown[0]
    assert "<i>" not in shown[0]
    assert "of &lt;b&gt;me&lt;/b&gt; &amp; you" in shown[0]


@pytest.mark.parametrize(
    "name", ["$a^^b$", "_x_ *y*", "<b>`c`</b>", "[l](http://x) ~~d~~", 'back\\slash & "q"']
)
def test_a_plain_name_is_what_markdown_shows(name):
    html = markdown2html_mistune(f"see {figures.plain(name)} there")
    assert BeautifulSoup(html, "html.parser").get_text().strip() == f"see {name} there"
    assert html.count("<") == 2  # the paragraph's own
    assert figures.plain("0001TP_006690, Seq05VD-f1.png") == "0001TP_006690, Seq05VD-f1.png"
