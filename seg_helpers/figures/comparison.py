"""Figures that set models beside each other: scores, classes, costs, frames, paired differences, speed.

Curves of several runs on one axis are `training.variant_curves`.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from seaborn import heatmap

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.figures.style import (
    BLUE,
    INK,
    MARKERS,
    MUTED,
    OKABE_ITO,
    VERMILLION,
    WIDTH,
    class_legend,
    count_of,
    describe,
    join_words,
    label_ends,
    line_style,
    log_axis,
    new_figure,
    place_labels,
    plain_image,
    resize_label,
    show_table,
    themed,
    write_count,
)
from seg_helpers.progress import format_seconds

COST_NAMES = {
    "parameters": "parameters",
    "multiply_adds": "multiply-adds for one image",
    "latency_milliseconds": "milliseconds for one image",
}


def show_summary(runs: pd.DataFrame, caption: str) -> None:
    """Display the table of runs, best mean IoU first, the best of each column in bold.

    Args:
        runs: a row a run: `title`, `mean_iou`, `mean_iou_low`, `mean_iou_high`, `pixel_accuracy`, `mean_dice`,
            `val_mean_iou`, `parameters`, `multiply_adds`, `epochs`, `training_seconds`, `latency_milliseconds`;
            `multiscale_mean_iou`, `size` and `start` where known.
        caption: above the table.
    """
    table = runs.sort_values("mean_iou", ascending=False)
    table = table.assign(
        interval=[f"{a:.3f} to {b:.3f}" for a, b in table[["mean_iou_low", "mean_iou_high"]].to_numpy()]
    )
    names = {
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
    table = table[[column for column in names if column in table and table[column].notna().any()]].rename(
        columns=names
    )
    scores = ["mean IoU", "multi-scale mean IoU", "pixel accuracy", "mean Dice", "val mean IoU"]
    counts = {"parameters": write_count, "multiply-adds": write_count, "training time": format_seconds}
    show_table(
        table,
        caption,
        {**dict.fromkeys(scores, "{:.3f}"), **counts, "ms an image": "{:.0f}"},
        best_high=scores,
        best_low=["parameters", "multiply-adds", "ms an image"],  # training time may be of several machines
    )


@themed
def class_scores_map(scores: pd.DataFrame, classes: ClassSet | None = None) -> Figure:
    """IoU of each class (columns) by each model (rows) as a heat map, best model on top.

    Args:
        scores: models as rows, classes as columns.
        classes: unused classes are left out and the order is the class set's; None keeps the columns.
    """
    if classes is not None:
        scores = scores[[name for name in classes.names if name in scores and scores[name].notna().any()]]
    scores = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index]
    many = scores.shape[1] > 16
    figure = new_figure(WIDTH, 0.34 * len(scores) + 1.7)
    axes = figure.subplots()
    heatmap(
        scores, ax=axes, vmin=0, vmax=1, cmap="viridis", linewidths=0.5, linecolor="white", annot=not many, fmt=".2f",
        annot_kws={"fontsize": 8.5}, cbar_kws={"label": "IoU", "pad": 0.01, "aspect": 16},
    )  # fmt: skip
    axes.collections[0].colorbar.outline.set_visible(False)
    axes.set_xticks(axes.get_xticks(), scores.columns, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(axes.get_yticks(), scores.index, rotation=0)
    axes.tick_params(length=0, labelsize=7 if many else 9)
    axes.set(xlabel="", ylabel="")
    spread = (scores.max() - scores.min()).sort_values(ascending=False)
    hard, easy = scores.mean().idxmin(), scores.mean().idxmax()
    winners = [f"{name}: {scores[name].idxmax()} {scores[name].max():.2f}" for name in scores]
    return describe(
        figure,
        f"Heat map of IoU for {count_of(len(scores), 'model')} and {scores.shape[1]} classes. Best model by class: {'; '.join(winners)}.",
        f"IoU of each class by each model, ordered by mean. Over the models, the mean is highest for {easy} ({scores[easy].mean():.2f}) and "
        f"lowest for {hard} ({scores[hard].mean():.2f}); they differ most on {spread.index[0]} (by {spread.iloc[0]:.2f}).",
    )


@themed
def accuracy_cost(runs: pd.DataFrame, cost: str = "latency_milliseconds") -> Figure:
    """Mean IoU with its interval against a cost; the line joins the models that no other beats in both.

    Args:
        runs: as for `show_summary`; a row's place gives its color and marker, as in `variant_curves`.
        cost: a key of `COST_NAMES`.
    """
    table = runs.assign(place=range(len(runs))).dropna(subset=[cost, "mean_iou"]).sort_values(cost)
    figure = new_figure(WIDTH, 4.6)
    axes = figure.subplots()
    front = table[table["mean_iou"] > table["mean_iou"].cummax().shift(fill_value=-np.inf)]
    axes.step(
        front[cost],
        front["mean_iou"],
        where="post",
        color=MUTED,
        linewidth=1.2,
        linestyle=(0, (4, 2)),
        zorder=1,
    )
    points = []
    for row in table.itertuples():
        colour = OKABE_ITO[row.place % len(OKABE_ITO)]
        x = getattr(row, cost)
        axes.plot([x, x], [row.mean_iou_low, row.mean_iou_high], color=colour, linewidth=1.6, alpha=0.45)
        axes.plot(
            x,
            row.mean_iou,
            MARKERS[row.place % len(MARKERS)],
            color=colour,
            markersize=8,
            markeredgecolor="white",
        )
        points.append((x, row.mean_iou, row.title, colour))
    log_axis(axes.xaxis, write_count if cost in ("parameters", "multiply_adds") else "{:g}".format)
    axes.set_xlim(table[cost].min() / 1.5, table[cost].max() * 1.9)
    name = COST_NAMES[cost]
    axes.set_xlabel(f"{name[0].upper()}{name[1:]} (log scale)")
    axes.set_title("Mean IoU, with its 95% interval")
    place_labels(axes, points)
    listed = [
        f"{row.title} {row.mean_iou:.3f} at {write_count(getattr(row, cost))}" for row in table.itertuples()
    ]
    return describe(
        figure,
        f"Mean IoU against {name}: {join_words(listed)}.",
        f"Accuracy against cost ({name}). On the dashed line no model is both cheaper and better: {join_words(list(front['title']))}.",
    )


@themed
def prediction_wall(
    images: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    predictions: Mapping[str, Sequence[np.ndarray]],
    classes: ClassSet,
    frames: Sequence[str],
) -> Figure:
    """The same frames predicted by every model: a column a frame, a row a model, image and truth on top.

    Args:
        images: (H, W, 3) uint8 RGB each.
        labels: (H, W) uint8 indices each, void 255.
        predictions: model to (H, W) uint8 predictions, as many as images.
        classes: palette and names.
        frames: their names.
    """
    height, width = images[0].shape[:2]
    names = [textwrap.fill(name, 18) for name in ("input", "truth", *predictions)]  # a row is this high at 4 frames
    margin = 0.05 + 0.17 * max(name.count("\n") + 1 for name in names)  # inches, for lines that are turned
    figure = new_figure(WIDTH, len(names) * ((WIDTH - margin) / len(images) * height / width + 0.02) + 1.0)
    axes = figure.subplots(len(names), len(images), squeeze=False)
    figure.get_layout_engine().set(h_pad=0.02, w_pad=0.02, rect=(margin / WIDTH, 0, 1 - margin / WIDTH, 1))
    accuracy = {}
    for column, (image, label, name) in enumerate(zip(images, labels, frames, strict=True)):
        plain_image(axes[0, column], image, name)
        plain_image(axes[1, column], classes.colourise(label))
        for row, (model, found) in enumerate(predictions.items(), 2):
            prediction = resize_label(found[column], label.shape)
            plain_image(axes[row, column], classes.colourise(prediction))
            scored = label != VOID
            accuracy.setdefault(model, []).append(
                float((prediction == label)[scored].mean()) if scored.any() else np.nan
            )
    for row, name in enumerate(names):
        axes[row, 0].annotate(
            name, (0, 0.5), (-4, 0), xycoords="axes fraction", textcoords="offset points", rotation=90, ha="right",
            va="center", multialignment="center", fontsize=8.5, fontweight="bold",
        ).set_in_layout(False)  # fmt: skip
    class_legend(figure, classes, [*labels, *(array for found in predictions.values() for array in found)])
    means = sorted(((float(np.nanmean(values)), model) for model, values in accuracy.items()), reverse=True)
    listed = [f"{model} {value:.3f}" for value, model in means]
    return describe(
        figure,
        f"{count_of(len(images), 'frame')} ({join_words(list(frames))}) in columns: input, truth, then the prediction of "
        f"{count_of(len(predictions), 'model')}. Pixel accuracy on them: {join_words(listed)}.",
        f"The same frames predicted by every model, chosen without looking at any of them. Pixel accuracy on these: {join_words(listed)}.",
    )


@themed
def difference_forest(table: pd.DataFrame, title: str, unit: str = "mean IoU") -> Figure:
    """Paired differences with their 95% intervals; the ones that leave zero out are dark.

    Args:
        table: `name`, `difference`, `low`, `high`.
        title: above the axes, such as "U-Net minus …".
        unit: of the difference.
    """
    table = table.sort_values("difference", ascending=False).reset_index(drop=True)
    figure = new_figure(WIDTH * 0.9, 0.36 * len(table) + 1.2)
    axes = figure.subplots()
    clear = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    axes.axvline(0, color=VERMILLION, linewidth=1.4)
    for row, entry in enumerate(table.itertuples()):
        colour = BLUE if clear[row] else "#9aa0a6"
        axes.plot([entry.low, entry.high], [row, row], color=colour, linewidth=2.2)
        axes.plot(entry.difference, row, "o", color=colour, markersize=7.5, markeredgecolor="white")
        axes.annotate(
            f"{entry.difference:+.3f}", (max(entry.high, entry.difference), row), (6, 0), textcoords="offset points",
            va="center", fontsize=8.5, color=INK if clear[row] else MUTED,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},  # it may stand on the line at zero
        )  # fmt: skip
    axes.set_yticks(range(len(table)), table["name"])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.margins(x=0.12)
    axes.set_xlabel(f"Difference in {unit} on the same frames, with its 95% interval")
    axes.set_title(title)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    listed = [
        f"{name} {difference:+.3f} ({low:+.3f} to {high:+.3f})"
        for name, difference, low, high in zip(*map(table.get, ("name", "difference", "low", "high")), strict=True)
    ]
    return describe(
        figure,
        f"{title}: paired differences in {unit}: {join_words(listed)}.",
        f"{title}: paired bootstrap over the frames, each network trained once. {int(clear.sum())} of {len(table)} "
        "intervals leave zero out.",
    )


@themed
def latency_by_size(table: pd.DataFrame) -> Figure:
    """Milliseconds for one image against its size, a curve a model.

    Args:
        table: `name`, `height`, `width`, `milliseconds`.
    """
    table = table.assign(pixels=table["height"] * table["width"]).sort_values("pixels")
    figure = new_figure(WIDTH, 3.8)
    axes = figure.subplots()
    ends, words = [], []
    for index, (name, part) in enumerate(table.groupby("name", sort=False)):
        style = line_style(index)
        axes.plot(part["pixels"], part["milliseconds"], marker="o", markersize=5, **style)
        last = part.iloc[-1]
        ends.append((name, last["pixels"], last["milliseconds"], style["color"]))
        words.append(
            f"{name}: {part['milliseconds'].iloc[0]:.0f} ms at {part['height'].iloc[0]}×{part['width'].iloc[0]}, "
            f"{last['milliseconds']:.0f} ms ({1000 / last['milliseconds']:.1f} frames a second) at {last['height']}×{last['width']}"
        )
    axes.set_xscale("log")
    log_axis(axes.yaxis)
    sizes = table.drop_duplicates("pixels")
    axes.set_xticks(sizes["pixels"], [f"{h}×{w}" for h, w in sizes[["height", "width"]].to_numpy()])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("Input size (height × width, log scale of pixels)")
    axes.set_title("Milliseconds for one image (log scale)")
    for rate in (10, 30):
        low, high = axes.get_ylim()
        if low < 1000 / rate < high:
            axes.axhline(1000 / rate, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
            axes.annotate(
                f"{rate} frames a second", (0.005, 1000 / rate), (0, 3), xycoords=("axes fraction", "data"),
                textcoords="offset points", fontsize=8, color=MUTED,
            )  # fmt: skip
    label_ends(axes, ends)
    return describe(
        figure,
        f"Latency by input size. {'; '.join(words)}.",
        f"Latency of one image by its size. {'; '.join(words)}.",
    )
