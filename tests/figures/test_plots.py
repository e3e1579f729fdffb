"""The shapes that figures share."""

import numpy as np
import pandas as pd

from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import heat_map, label_rows, name_rows, note
from seg_helpers.figures.style import new_figure


def test_rows_are_named_from_the_top_and_their_texts_stand_behind_them():
    axes = new_figure(5, 3).subplots()
    label_rows(axes, ["a", "b", "c"], [0.6, 0.4, 0.3], ["x", "y", "z"])
    assert [text.xy for text in axes.texts] == [(0.6, 0), (0.4, 1), (0.3, 2)]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]
    bottom, top = axes.get_ylim()
    assert bottom > top


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
    label_rows(left, ["a", "b"], [0.5, 0.2], ["x", "y"])
    name_rows(right, ["a", "b"])
    right.scatter([1, 2], [0, 1], label="before")
    right.scatter([3, 0.25], [0, 1], label="after")
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
    label_rows(axes, ["a", "b"], [0.5, 0.2], ["x", "y"])
    note(axes, "mean 0.35", (0.35, 0), (1, 1), xycoords=("data", "axes fraction"))
    assert ReportFigure(axes.figure, "bars").alt == "a x, b y, mean 0.35"
