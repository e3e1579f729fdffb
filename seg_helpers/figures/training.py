"""Figures about training: loss, metrics and learning rate by epoch, runs beside each other, the range test."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import epoch_axis, log_axis, write_names
from seg_helpers.figures.style import (
    BLUE,
    DASHES,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    VERMILLION,
    WIDTH,
    network_styles,
    new_figure,
    themed,
)
from seg_helpers.figures.words import count_of, join_words

# Column of a history to its curve's name and style.
LOSS_CURVES = {
    "train_loss": ("training", {"color": BLUE}),
    "val_loss": ("validation", {"color": VERMILLION}),
}
METRIC_CURVES = {
    "val_pixel_accuracy": ("val pixel acc.", {"color": GREEN, "linestyle": DASHES[1]}),
    "val_mean_dice": ("val Dice", {"color": PURPLE, "linestyle": DASHES[1]}),
    "val_mean_iou": ("val mean IoU", {"color": VERMILLION}),
    "train_mean_iou": ("train mean IoU", {"color": BLUE}),
}
RATE_CURVES = {"learning_rate": ("rate", {"color": ORANGE})}


def best_epoch(history: pd.DataFrame) -> tuple[int, float]:
    """Epoch and value of the best validation mean IoU: the first where several are equal.

    Raises:
        ValueError: if no epoch was validated.
    """
    known = history.dropna(subset=["val_mean_iou"])
    if known.empty:
        raise ValueError("the history holds no validation mean IoU: train with validation, or plot the loss only")
    row = known.loc[known["val_mean_iou"].idxmax()]
    return int(row["epoch"]), float(row["val_mean_iou"])


@themed
def training_curves(
    history: pd.DataFrame, stage_names: Sequence[str] = (), learning_rate: bool = False
) -> ReportFigure:
    """Loss and metrics against the epoch, with the best epoch and the stages' boundaries.

    Args:
        history: a row an epoch: `epoch`, `train_loss`, `val_loss`, `val_mean_iou`, and where known
            `val_pixel_accuracy`, `val_mean_dice`, `train_mean_iou`, `stage`, `learning_rate`.
        stage_names: one a stage, in order, if there are several.
        learning_rate: show it too, below the others; they then stand below each other instead of side by side.
    """
    epoch, value = best_epoch(history)
    panels = {"Loss": LOSS_CURVES, f"Metrics · best mean IoU {value:.3f} (epoch {epoch})": METRIC_CURVES}
    if learning_rate:
        panels["Learning rate at the epoch's end"] = RATE_CURVES
        figure = new_figure(WIDTH, 6.6)
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.6))
        stage_labels = [stage_names, [], []]
    else:
        figure = new_figure(WIDTH, 3.7)
        axes = figure.subplots(1, 2)
        stage_labels = [[str(number) for number, _ in enumerate(stage_names, 1)]] * 2
    lowest = history[[column for column in METRIC_CURVES if column in history]].min(axis=None)
    star = {"marker": "*", "markersize": 14, "color": VERMILLION, "markeredgecolor": "white", "zorder": 5}
    for panel, (title, curves), labels in zip(axes, panels.items(), stage_labels, strict=True):
        ends = []
        for column, (name, style) in curves.items():
            ends += _draw(panel, history, column, name, **style)
        bottom, top = panel.get_ylim()
        if curves is METRIC_CURVES:
            panel.plot(epoch, value, **star)
            panel.set_ylim(max(0.0, np.floor(10 * lowest) / 10), 1.0)
        elif bottom < 0.35 * top:
            panel.set_ylim(bottom=0)
        panel.axvline(epoch, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        _mark_stages(panel, history, labels)
        panel.set_title(title, pad=16 if labels else 6)
        epoch_axis(panel)
        write_names(panel, ends)
    if learning_rate:
        axes[0].set_xlabel("")
        axes[1].set_xlabel("")
    first, last = history.iloc[0], history.iloc[-1]
    stages = _describe_stages(history, stage_names)
    return ReportFigure(
        figure,
        f"{join_words(['Loss', 'metrics', 'learning rate'][: len(axes)])} over {count_of(len(history), 'epoch')}. "
        f"Training loss {first['train_loss']:.3f} to {last['train_loss']:.3f}; validation mean IoU peaks at {value:.3f} "
        f"in epoch {epoch}.{stages}",
        f"Loss and metrics against the epoch, for training and validation. The dotted line and the star mark the best "
        f"epoch, {epoch} of {int(history['epoch'].max())}, with a validation mean IoU of {value:.3f}.{stages}",
    )


def _describe_stages(history: pd.DataFrame, names: Sequence[str]) -> str:
    """The stages' epochs and best scores as a sentence that begins with a space; empty where there is one stage."""
    if len(names) < 2 or "stage" not in history:
        return ""
    parts = []
    for name, (number, part) in zip(names, history.groupby("stage", sort=True), strict=False):
        text = f"{number} {name}, epochs {int(part['epoch'].min())} to {int(part['epoch'].max())}"
        known = part["val_mean_iou"].dropna()
        if len(known):
            text += f", validation mean IoU up to {known.max():.3f}"
        parts.append(text)
    return f" Stages: {'; '.join(parts)}."


@themed
def variant_curves(histories: Mapping[str, pd.DataFrame]) -> ReportFigure:
    """Validation mean IoU by epoch: one curve a run, in its network's color, named at its end.

    Args:
        histories: title of a run to its history.
    """
    figure = new_figure(WIDTH, 3.2 + 0.15 * len(histories))
    axes = figure.subplots()
    ends, words = [], []
    for (name, style), history in zip(network_styles(histories).items(), histories.values(), strict=True):
        line = {key: style[key] for key in ("color", "linestyle")}
        ends += _draw(axes, history, "val_mean_iou", name, linewidth=1.8 if len(histories) < 7 else 1.3, **line)
        if history["val_mean_iou"].notna().any():
            epoch, value = best_epoch(history)
            axes.plot(epoch, value, style["marker"], markersize=5, color=style["color"])
            words.append((value, f"{name} {value:.3f} (epoch {epoch})"))
    epoch_axis(axes)
    axes.set_title("Validation mean IoU")
    write_names(axes, ends)
    best = "; ".join(text for _, text in sorted(words, reverse=True))
    return ReportFigure(
        figure,
        f"Validation mean IoU by epoch for {count_of(len(histories), 'run')}, best value of each: {best}.",
        f"Validation mean IoU against the epoch; a mark shows each run's best epoch: {best}.",
    )


@themed
def range_test_curves(tests: Mapping[str, tuple[pd.DataFrame, float, str]]) -> ReportFigure:
    """Loss against the learning rate of range tests side by side, such as one before each stage.

    Args:
        tests: title to (curve, suggested learning rate, why in a sentence); a curve has a row a step:
            `learning_rate`, `loss`, `smoothed_loss`.
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
        axes.set_title(title)
    panels[0].set_ylabel("Loss")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower right", ncols=2)
    rates = join_words([f"{title} {suggestion:.1e}" for title, (_, suggestion, _) in tests.items()])
    reasons = ". ".join(f"{title}: {reason}" for title, (_, _, reason) in tests.items())
    return ReportFigure(
        figure,
        f"Loss against a rising learning rate, with the suggested value: {rates}.",
        f"Learning-rate range test. Suggested: {rates}. {reasons}.",
    )


def _draw(axes: Axes, history: pd.DataFrame, column: str, name: str, **style) -> list[tuple[str, float, float, str]]:
    """Draw a column where it is known; returns its end for `write_names`."""
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
