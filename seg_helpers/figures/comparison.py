"""Figures that set models beside each other: scores, classes, costs, frames, paired differences, speed.

Curves of several runs on one axis are `training.variant_curves`.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.display import ReportFigure, show_table
from seg_helpers.figures.pictures import class_legend, image_grid, resize_label
from seg_helpers.figures.plots import heat_map, log_axis, row_plot, write_names
from seg_helpers.figures.style import (
    BLUE,
    INK,
    MUTED,
    PALE_BLUE,
    VERMILLION,
    WIDTH,
    network_styles,
    new_figure,
    themed,
)
from seg_helpers.figures.words import count_of, join_words, write_count
from seg_helpers.progress import format_seconds

COST_AXES = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds for one image",
    "latency_milliseconds": "Milliseconds for one image",
}
SUMMARY_COLUMNS = {
    "title": "model",
    "size": "input",
    "start": "start",
    "mean_iou": "mean IoU",
    "interval": "95% interval",
    "multiscale_mean_iou": "multi-scale mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_dice": "mean Dice",
    "val_mean_iou": "val mean IoU",
    "parameters": "parameters",
    "multiply_adds": "multiply-adds",
    "epochs": "epochs",
    "training_seconds": "training time",
    "latency_milliseconds": "ms an image",
}


def show_summary(runs: pd.DataFrame, caption: str) -> None:
    """Display the table of runs, best mean IoU first, the best of each column in bold.

    Args:
        runs: a row a run, as from `tabulate_runs`: `mean_iou_low`, `mean_iou_high` and those columns of
            `SUMMARY_COLUMNS` that are known; `interval` is made here.
        caption: above the table.
    """
    table = runs.sort_values("mean_iou", ascending=False)
    ends = table[["mean_iou_low", "mean_iou_high"]].to_numpy()
    table = table.assign(interval=[f"{low:.3f} to {high:.3f}" for low, high in ends])
    known = [column for column in SUMMARY_COLUMNS if column in table and table[column].notna().any()]
    scores = ["mean IoU", "multi-scale mean IoU", "pixel accuracy", "mean Dice", "val mean IoU"]
    counts = {"parameters": write_count, "multiply-adds": write_count, "training time": format_seconds}
    show_table(
        table[known].rename(columns=SUMMARY_COLUMNS),
        caption,
        {**dict.fromkeys(scores, "{:.3f}"), **counts, "ms an image": "{:.0f}"},
        best_high=scores,
        best_low=["parameters", "multiply-adds", "ms an image"],  # training time may be of several machines
    )


@themed
def class_scores_map(scores: pd.DataFrame, classes: ClassSet) -> ReportFigure:
    """IoU of each class (columns) by each model (rows) as a heat map, best model on top.

    Args:
        scores: models as rows, classes as columns.
        classes: gives the order; those without a score are left out.
    """
    scores = scores[[name for name in classes.names if name in scores and scores[name].notna().any()]]
    scores = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index]
    figure = new_figure(height=0.34 * len(scores) + 1.7)
    texts = scores.map("{:.2f}".format, na_action="ignore").fillna("").to_numpy()
    heat_map(figure.subplots(), scores, texts, "IoU")
    spread = (scores.max() - scores.min()).sort_values(ascending=False)
    hard, easy = scores.mean().idxmin(), scores.mean().idxmax()
    winners = [f"{name}: {scores[name].idxmax()} {scores[name].max():.2f}" for name in scores]
    return ReportFigure(
        figure,
        f"Heat map of IoU for {count_of(len(scores), 'model')} and {scores.shape[1]} classes. Best model by class: "
        f"{'; '.join(winners)}.",
        f"IoU of each class by each model, ordered by mean. Over the models, the mean is highest for {easy} "
        f"({scores[easy].mean():.2f}) and lowest for {hard} ({scores[hard].mean():.2f}); they differ most on "
        f"{spread.index[0]} (by {spread.iloc[0]:.2f}).",
    )


@themed
def accuracy_cost(runs: pd.DataFrame, cost: str = "latency_milliseconds") -> ReportFigure:
    """Mean IoU with its interval against a cost; the line joins the models that no other beats in both.

    Args:
        runs: as for `show_summary`.
        cost: a key of `COST_AXES`.
    """
    styles = network_styles(runs["title"])
    table = runs.dropna(subset=[cost, "mean_iou"]).sort_values(cost)
    front = table[table["mean_iou"] > table["mean_iou"].cummax().shift(fill_value=-np.inf)]
    figure = new_figure(height=4.4)
    axes = figure.subplots()
    line = {"color": MUTED, "linewidth": 1.2, "linestyle": (0, (4, 2)), "zorder": 1}
    axes.step(front[cost], front["mean_iou"], where="post", **line)
    points = []
    for row in table.itertuples():
        color, marker, x = styles[row.title]["color"], styles[row.title]["marker"], getattr(row, cost)
        axes.plot([x, x], [row.mean_iou_low, row.mean_iou_high], color=color, linewidth=1.6, alpha=0.45)
        axes.plot(x, row.mean_iou, marker, color=color, markersize=8, markeredgecolor="white", zorder=4)
        points.append((row.title, x, row.mean_iou, INK))
    counted = cost in ("parameters", "multiply_adds")
    log_axis(axes.xaxis, write_count if counted else "{:g}".format)
    axes.set_xlabel(f"{COST_AXES[cost]} (log scale)")
    axes.set_title("Mean IoU, with its 95% interval")
    axes.set_xlim(table[cost].min() / 1.3, table[cost].max() * 1.9)
    write_names(axes, points, beside=True)
    places = table[["title", "mean_iou", cost]].itertuples(index=False)
    listed = join_words([f"{title} {score:.3f} at {write_count(value)}" for title, score, value in places])
    return ReportFigure(
        figure,
        f"Mean IoU against {COST_AXES[cost].lower()}: {listed}.",
        f"Accuracy against cost ({COST_AXES[cost].lower()}). On the dashed line no model is both cheaper and better: "
        f"{join_words(front['title'])}.",
    )


@themed
def prediction_wall(
    images: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    predictions: Mapping[str, Sequence[np.ndarray]],
    classes: ClassSet,
    frames: Sequence[str],
) -> ReportFigure:
    """The same frames predicted by every model: a column a frame, a row a model, image and target on top.

    Args:
        images: (H, W, 3) uint8 RGB each.
        labels: (H, W) uint8 indices each, void 255.
        predictions: model to (H, W) uint8 predictions, as many as images.
        classes: palette and names.
        frames: their names.
    """
    panels = [*zip(frames, images, strict=True), *(("", classes.colorize(label)) for label in labels)]
    accuracy = {}
    for model, found in predictions.items():
        found = [resize_label(array, label.shape) for array, label in zip(found, labels, strict=True)]
        panels += [("", classes.colorize(array)) for array in found]
        right = [(array == label)[label != VOID] for array, label in zip(found, labels, strict=True)]
        accuracy[model] = np.mean([hits.mean() for hits in right if hits.size])
    names = [textwrap.fill(name, 18) for name in ("input", "target", *predictions)]  # a row is this high at 4 frames
    left = 0.05 + 0.17 * max(name.count("\n") + 1 for name in names)  # inches, for lines that are turned
    figure, axes = image_grid(panels, len(images), left, room=0.8)
    figure.get_layout_engine().set(h_pad=0.02, w_pad=0.02)
    for panel, name in zip(axes[:, 0], names, strict=True):
        panel.annotate(
            name, (0, 0.5), (-4, 0), xycoords="axes fraction", textcoords="offset points", rotation=90, ha="right",
            va="center", multialignment="center", fontsize=8.5, fontweight="bold",
        ).set_in_layout(False)  # fmt: skip
    colors = class_legend(figure, classes, [*labels, *(array for found in predictions.values() for array in found)])
    ranked = sorted(accuracy, key=accuracy.get, reverse=True)
    listed = join_words([f"{model} {accuracy[model]:.3f}" for model in ranked])
    return ReportFigure(
        figure,
        f"{count_of(len(images), 'frame')} ({join_words(frames)}) in columns: input, target, then the prediction of "
        f"{count_of(len(predictions), 'model')}. Pixel accuracy on them: {listed}.",
        f"The same frames predicted by every model, chosen without looking at any of them. Pixel accuracy on these: "
        f"{listed}.",
        colors,
    )


@themed
def difference_forest(table: pd.DataFrame, title: str) -> ReportFigure:
    """Paired differences in mean IoU with their 95% intervals; the ones that leave zero out are dark.

    Args:
        table: `name`, `difference`, `low`, `high`.
        title: above the axes, such as "U-Net minus …".
    """
    table = table.sort_values("difference", ascending=False)
    clear = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    figure = new_figure(WIDTH * 0.9, 0.36 * len(table) + 1.2)
    axes = figure.subplots()
    axes.axvline(0, color=VERMILLION, linewidth=1.4)
    texts = table["difference"].map("{:+.3f}".format)
    intervals = table[["low", "high"]]
    row_plot(
        axes,
        table["name"],
        table["difference"],
        texts,
        intervals,
        np.where(clear, BLUE, "#9aa0a6"),
        dots=True,
    )
    axes.margins(x=0.12)
    axes.set_xlabel("Difference in mean IoU on the same frames, with its 95% interval")
    axes.set_title(title)
    entries = table[["name", "difference", "low", "high"]].itertuples(index=False)
    listed = [f"{name} {difference:+.3f} ({low:+.3f} to {high:+.3f})" for name, difference, low, high in entries]
    return ReportFigure(
        figure,
        f"{title}: paired differences in mean IoU: {join_words(listed)}.",
        f"{title}: paired bootstrap over the frames, each network trained once. {int(clear.sum())} of {len(table)} "
        "intervals leave zero out.",
    )


@themed
def cost_bars(table: pd.DataFrame, columns: Mapping[str, str], caption: str, highlight: str = "") -> ReportFigure:
    """Small multiples of bars: one panel a quantity, one bar a row of the table, in its order.

    Args:
        table: `name` and the columns named in `columns`.
        columns: column to title, such as {"parameters": "Parameters"}.
        caption: what is compared, as a sentence.
        highlight: name of the row whose bars are dark; all are by default.
    """
    figure = new_figure(WIDTH if len(columns) > 1 else 0.8 * WIDTH, 0.36 * len(table) + 0.9)
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    colors = [BLUE if name == highlight or not highlight else PALE_BLUE for name in table["name"]]
    words = []
    for panel, (column, title) in zip(panels, columns.items(), strict=True):
        texts = [_write_cost(value) for value in table[column]]
        row_plot(panel, table["name"], table[column], texts, colors=colors)
        panel.set_xlim(0, 1.38 * max(table[column].max(), 1e-9))
        panel.set_xticks([])
        panel.set_title(title, fontsize=9.5)
        panel.spines["bottom"].set_visible(False)
        listed = [f"{name} {text}" for name, text in zip(table["name"], texts, strict=True)]
        words.append(f"{title}: {join_words(listed)}.")
    return ReportFigure(figure, f"Bars, a row each. {' '.join(words)}", caption)


def _write_cost(value: float) -> str:
    if np.isnan(value):
        return "–"
    if value >= 1e5:
        return write_count(value)
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3f}" if value < 1 else f"{value:.3g}"
