"""Figures about training: loss, metrics and learning rate by epoch, stages, the range test."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seg_helpers.figures.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    VERMILLION,
    WIDTH,
    count_of,
    describe,
    epoch_axis,
    join_words,
    label_ends,
    line_style,
    log_axis,
    new_figure,
    themed,
)

METRIC_NAMES = {
    "mean_iou": "mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_dice": "mean Dice",
    "mean_class_accuracy": "mean class recall",
    "frequency_weighted_iou": "frequency-weighted IoU",
    "loss": "loss",
}
SIDE_COLOURS = {"train": BLUE, "val": VERMILLION}


def best_epoch(history: pd.DataFrame) -> tuple[int, float]:
    """Epoch and value of the best validation mean IoU: the first where several are equal.

    Raises:
        ValueError: if no epoch was validated.
    """
    known = history.dropna(subset=["val_mean_iou"])
    if known.empty:
        raise ValueError(
            "the history holds no validation mean IoU: train with validation, or plot the loss only"
        )
    row = known.loc[known["val_mean_iou"].idxmax()]
    return int(row["epoch"]), float(row["val_mean_iou"])


@themed
def training_curves(history: pd.DataFrame, stage_names: Sequence[str] = ()) -> Figure:
    """Loss (left) and metrics (right) against the epoch, the best epoch marked in both.

    Args:
        history: a row an epoch: `epoch`, `train_loss`, `val_loss`, `val_mean_iou`, and where known
            `val_pixel_accuracy`, `val_mean_dice`, `train_mean_iou`, `stage`.
        stage_names: names for stages 1, 2, … if there are several.
    """
    figure = new_figure(WIDTH, 3.7)
    left, right = figure.subplots(1, 2)
    epoch, value = best_epoch(history)
    ends = []
    for side, name in (("train", "training"), ("val", "validation")):
        ends += _draw(left, history, f"{side}_loss", name, color=SIDE_COLOURS[side])
    lines = [
        ("val_pixel_accuracy", "val pixel acc.", {"color": GREEN, "linestyle": (0, (5, 1.5))}),
        ("val_mean_dice", "val Dice", {"color": PURPLE, "linestyle": (0, (5, 1.5))}),
        ("val_mean_iou", "val mean IoU", {"color": VERMILLION}),
        ("train_mean_iou", "train mean IoU", {"color": BLUE}),
    ]
    metric_ends = [
        end for column, name, style in lines for end in _draw(right, history, column, name, **style)
    ]
    low = min(line.get_ydata().min() for line in right.lines)
    right.set_ylim(max(0.0, np.floor(10 * low) / 10), 1.0)
    right.plot(epoch, value, marker="*", markersize=14, color=VERMILLION, markeredgecolor="white", zorder=5)
    for axes in (left, right):
        epoch_axis(axes)
        axes.axvline(epoch, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        _mark_stages(axes, history, [str(number + 1) for number in range(len(stage_names))])
    left.set_ylim(bottom=0) if left.get_ylim()[0] < 0.35 * left.get_ylim()[1] else None
    staged = "stage" in history and history["stage"].nunique() > 1
    left.set_title("Loss", pad=16 if staged else 6)
    right.set_title(f"Metrics · best mean IoU {value:.3f} (epoch {epoch})", pad=16 if staged else 6)
    label_ends(left, ends)
    label_ends(right, metric_ends)
    first, last = history.iloc[0], history.iloc[-1]
    stages = (
        f" Stages: {join_words([f'{number} {name}' for number, name in enumerate(stage_names, 1)])}."
        if staged
        else ""
    )
    return describe(
        figure,
        f"Loss and metrics over {count_of(len(history), 'epoch')}. Training loss {first['train_loss']:.3f} to "
        f"{last['train_loss']:.3f}; validation mean IoU peaks at {value:.3f} in epoch {epoch}.",
        f"Loss and metrics against the epoch, for training and validation. The dotted line and the star mark the best "
        f"epoch, {epoch} of {int(history['epoch'].max())}, with a validation mean IoU of {value:.3f}.{stages}",
    )


@themed
def stage_curves(history: pd.DataFrame, stage_names: Sequence[str]) -> Figure:
    """Loss, mean IoU and learning rate of a staged run below each other, with the stages' boundaries.

    Args:
        history: as for `training_curves`, with `stage` and `learning_rate`.
        stage_names: one a stage, in order.
    """
    figure = new_figure(WIDTH, 6.4)
    panels = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.6))
    epoch, value = best_epoch(history)
    ends = [[], [], []]
    for side, name in (("train", "training"), ("val", "validation")):
        ends[0] += _draw(panels[0], history, f"{side}_loss", name, color=SIDE_COLOURS[side])
        ends[1] += _draw(panels[1], history, f"{side}_mean_iou", name, color=SIDE_COLOURS[side])
    _draw(panels[2], history, "learning_rate", "", color=ORANGE)
    panels[1].plot(
        epoch, value, marker="*", markersize=14, color=VERMILLION, markeredgecolor="white", zorder=5
    )
    for axes, title in zip(panels, ("Loss", "Mean IoU", "Learning rate at the epoch's end"), strict=True):
        axes.set_title(title, pad=16 if axes is panels[0] else 6)
        _mark_stages(axes, history, stage_names if axes is panels[0] else ())
    epoch_axis(panels[2])
    for axes, labels in zip(panels, ends, strict=True):
        label_ends(axes, labels)
    parts = []
    for (_, part), name in zip(history.groupby("stage", sort=True), stage_names, strict=False):
        known = part["val_mean_iou"].dropna()
        reach = f", validation mean IoU up to {known.max():.3f}" if len(known) else ""
        parts.append(f"{name}: epochs {int(part['epoch'].min())} to {int(part['epoch'].max())}{reach}")
    return describe(
        figure,
        f"Loss, mean IoU and learning rate by epoch with {count_of(len(parts), 'stage')}. {'; '.join(parts)}.",
        f"The stages on one time axis. {'; '.join(parts)}. The star marks the best epoch, {epoch}.",
    )


@themed
def variant_curves(
    histories: Mapping[str, pd.DataFrame], column: str = "val_mean_iou", title: str = ""
) -> Figure:
    """One curve a run, named at its end.

    Args:
        histories: name of a run to its history.
        column: of the histories.
        title: above the axes; by default says what the column is.
    """
    figure = new_figure(WIDTH, 3.2 + 0.15 * len(histories))
    axes = figure.subplots()
    ends, words = [], []
    side, metric = column.split("_", 1)
    name_of = (
        f"{ {'val': 'validation', 'train': 'training'}.get(side, side) } {METRIC_NAMES.get(metric, metric)}"
    )
    for index, (name, history) in enumerate(histories.items()):
        ends += _draw(
            axes, history, column, name, linewidth=1.8 if len(histories) < 7 else 1.3, **line_style(index)
        )
        known = history.dropna(subset=[column])
        if known.empty:
            continue
        where = known[column].idxmin() if metric == "loss" else known[column].idxmax()
        axes.plot(
            known.loc[where, "epoch"],
            known.loc[where, column],
            "o",
            markersize=5,
            color=line_style(index)["color"],
        )
        words.append((float(known.loc[where, column]), name, int(known.loc[where, "epoch"])))
    words.sort(reverse=metric != "loss")
    epoch_axis(axes)
    axes.set_title(title or name_of[0].upper() + name_of[1:])
    label_ends(axes, ends)
    best = "; ".join(f"{name} {value:.3f} (epoch {epoch})" for value, name, epoch in words)
    word = "lowest" if metric == "loss" else "best"
    return describe(
        figure,
        f"{name_of[0].upper() + name_of[1:]} by epoch for {count_of(len(histories), 'run')}, {word} value of each: {best}.",
        f"{name_of[0].upper() + name_of[1:]} against the epoch; a dot marks each run's {word} epoch: {best}.",
    )


@themed
def learning_rate_curve(history: pd.DataFrame, stage_names: Sequence[str] = ()) -> Figure:
    """The learning rate against the epoch."""
    figure = new_figure(WIDTH * 0.8, 2.4)
    axes = figure.subplots()
    _draw(axes, history, "learning_rate", "", color=ORANGE)
    axes.set_title("Learning rate", pad=16 if stage_names else 6)
    epoch_axis(axes)
    _mark_stages(axes, history, stage_names)
    rate = history["learning_rate"]
    peak = int(history.loc[rate.idxmax(), "epoch"])
    return describe(
        figure,
        f"Learning rate by epoch, between {rate.min():.1e} and {rate.max():.1e}, highest in epoch {peak}.",
        f"The learning rate against the epoch: highest ({rate.max():.1e}) in epoch {peak}, {rate.iloc[-1]:.1e} at the end.",
    )


@themed
def range_test_curve(curve: pd.DataFrame, suggestion: float, reason: str) -> Figure:
    """Loss against the learning rate of a range test, with the suggested value.

    Args:
        curve: a row a step: `learning_rate`, `loss`, `smoothed_loss`.
        suggestion: the learning rate to use.
        reason: why, in a sentence.
    """
    return range_test_curves({"": (curve, suggestion, reason)})


@themed
def range_test_curves(tests: Mapping[str, tuple[pd.DataFrame, float, str]]) -> Figure:
    """Range tests side by side, such as one before each stage.

    Args:
        tests: title to (curve, suggestion, reason) as for `range_test_curve`.
    """
    figure = new_figure(WIDTH if len(tests) > 1 else WIDTH * 0.8, 3.2)
    panels = figure.subplots(1, len(tests), squeeze=False)[0]
    for axes, (title, (curve, suggestion, _)) in zip(panels, tests.items(), strict=True):
        rate = curve["learning_rate"]
        axes.plot(rate, curve["loss"], color=BLUE, alpha=0.35, linewidth=1.2, label="each step")
        axes.plot(rate, curve["smoothed_loss"], color=BLUE, linewidth=2, label="smoothed")
        log_axis(axes.xaxis, "{:.0e}".format)
        axes.xaxis.get_major_locator().set_params(subs=(1,))
        low, high = curve["smoothed_loss"].min(), curve["loss"].iloc[: max(len(curve) // 2, 1)].max()
        axes.set_ylim(max(low - 0.25 * (high - low), 0), high + 0.35 * (high - low))
        axes.axvline(suggestion, color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
        axes.annotate(
            f"suggested\n{suggestion:.1e}", (suggestion, 1), (-5, -4), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=VERMILLION, fontsize=8.5, ha="right", va="top",
        )  # fmt: skip
        axes.set_xlabel("Learning rate (log scale)")
        axes.set_title(title or "Loss while the learning rate rises")
    panels[0].set_ylabel("Loss")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=2)
    words = [(f"{title}: " if title else "") + reason for title, (_, _, reason) in tests.items()]
    rates = [
        f"{(title + ' ') if title else ''}{suggestion:.1e}" for title, (_, suggestion, _) in tests.items()
    ]
    return describe(
        figure,
        f"Loss against a rising learning rate, with the suggested value: {join_words(rates)}.",
        f"Learning-rate range test. Suggested: {join_words(rates)}. {'. '.join(words)}.",
    )


def _draw(
    axes: Axes, history: pd.DataFrame, column: str, name: str, **style
) -> list[tuple[str, float, float, str]]:
    """Draw a column where it is known; returns its end for `label_ends`."""
    if column not in history or history[column].isna().all():
        return []
    known = history.dropna(subset=[column])
    marker = "o" if len(known) < 3 else None
    axes.plot(known["epoch"], known[column], marker=marker, markersize=5, **style)
    return [(name, float(known["epoch"].iloc[-1]), float(known[column].iloc[-1]), style["color"])]


def _mark_stages(axes: Axes, history: pd.DataFrame, names: Sequence[str]) -> None:
    """Shade every second stage and name each above the axes."""
    if "stage" not in history or history["stage"].nunique() < 2:
        return
    spans = history.groupby("stage", sort=True)["epoch"].agg(["min", "max"])
    for index, (first, last) in enumerate(spans.itertuples(index=False)):
        if index % 2:
            axes.axvspan(first - 0.5, last + 0.5, color="#f0f2f4", zorder=0, linewidth=0)
        if index:
            axes.axvline(first - 0.5, color=INK, linewidth=1, zorder=1)
        if index < len(names):
            axes.annotate(
                names[index], ((first + last) / 2, 1), (0, 3), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=MUTED,
            )  # fmt: skip
