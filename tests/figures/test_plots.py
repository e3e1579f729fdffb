"""The shapes that figures share."""

import numpy as np
import pandas as pd

from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import dumbbell, heat_map, image_grid, note, row_plot
from seg_helpers.figures.style import new_figure


def test_a_grid_leaves_places_empty_and_keeps_room_for_titles():
    picture = np.zeros((30, 40, 3), np.uint8)
    panels = [("a", picture), None, ("b\nbelow", picture), ("", picture), ("c", picture)]
    figure, axes = image_grid(panels, 3)
    assert [bool(panel.images) for panel in axes.flat] == [True, False, True, True, True, False]
    one_line = image_grid([("a", picture)], 3)[0].get_figheight()
    assert image_grid([("a\nb", picture)], 3)[0].get_figheight() > one_line
    figure.draw_without_rendering()
    for panel in axes.flat:  # no title is cut by the edge or lies on the row above
        assert panel.title.get_window_extent().y1 <= figure.bbox.y1
    assert axes[1, 0]._left_title.get_window_extent().y1 <= axes[0, 0].get_window_extent().y0


def test_rows_are_drawn_from_the_top_at_their_values():
    axes = new_figure(5, 3).subplots()
    row_plot(
        axes,
        ["a", "b", "c"],
        [0.5, np.nan, 0.2],
        ["x", "y", "z"],
        np.array([[0.4, 0.6], [np.nan] * 2, [0.1, 0.3]]),
    )
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0, 0.2]
    assert [text.xy for text in axes.texts] == [(0.6, 0), (0, 1), (0.3, 2)]  # behind the interval
    bottom, top = axes.get_ylim()
    assert bottom > top
    ends = [path.vertices[:, 0].tolist() for path in axes.collections[0].get_paths()]
    assert ends[0] == [0.4, 0.6]


def test_a_dumbbell_joins_the_known_values_of_a_row():
    axes = new_figure(5, 3).subplots()
    dumbbell(axes, ["a", "b"], {"before": [1.0, 2.0], "after": [3.0, np.nan]}, ["red", "blue"])
    lines, before, after = axes.collections
    assert lines.get_paths()[0].vertices[:, 0].tolist() == [1, 3]
    assert before.get_offsets()[:, 0].tolist() == [1, 2]
    assert np.isnan(after.get_offsets().filled(np.nan)[1, 0])
    assert axes.get_legend_handles_labels()[1] == ["before", "after"]


def test_a_wide_heat_map_names_every_column_and_drops_the_texts():
    for width, texts in ((4, 8), (32, 0)):
        axes = new_figure().subplots()
        table = pd.DataFrame(np.full((2, width), 0.5), ["r", "s"], [f"c{index}" for index in range(width)])
        heat_map(axes, table, np.full(table.shape, "t"), "share")
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list(table)
        assert len(axes.texts) == texts


def test_a_description_holds_what_is_drawn():
    figure = new_figure(5, 3)
    left, right = figure.subplots(1, 2)
    row_plot(left, ["a", "b"], [0.5, 0.2], ["x", "y"])
    dumbbell(right, ["a", "b"], {"before": [1.0, 2.0], "after": [3.0, 0.25]}, ["red", "blue"])
    left.set_title("Bars", loc="left")
    right.set_title("Dots", loc="left")
    figure.legend(*right.get_legend_handles_labels())
    expected = "Bars: a x, b y. Dots: a, b, before a 1, b 2, after a 3, b 0.25. before, after"
    assert ReportFigure(figure, "of both").alt == expected


def test_a_description_of_a_map_names_row_and_column_of_each_cell():
    axes = new_figure().subplots()
    table = pd.DataFrame([[0.9, 0.1], [0.2, 0.8]], ["r", "s"], ["c", "d"])
    heat_map(axes, table, np.array([["90", ""], ["20", "80"]]), "share")
    axes.set_ylabel("Target")
    assert ReportFigure(axes.figure, "a map").alt.startswith("Target: r c 90, s c 20, s d 80. share")


def test_words_beside_the_rows_are_of_no_row():
    axes = new_figure().subplots()
    row_plot(axes, ["a", "b"], [0.5, 0.2], ["x", "y"])
    note(axes, "mean 0.35", (0.35, 0), (1, 1), xycoords=("data", "axes fraction"))
    assert ReportFigure(axes.figure, "bars").alt == "a x, b y, mean 0.35"
