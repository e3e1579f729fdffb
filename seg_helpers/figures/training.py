"""Figures about training: loss, metrics and learning rate by epoch, runs beside each other, the range test."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from seg_helpers.config import StageConfig
from seg_helpers.experiments import Run
from seg_helpers.figures import style
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import epoch_axis, log_axis, note, write_names

# Column of a history to its curve's name, color and dashes.
LOSSES = {"train_loss": ("training", style.BLUE, "-"), "val_loss": ("validation", style.VERMILLION, "-")}
METRICS = {
    "val_pixel_accuracy": ("val pixel acc.", style.GREEN, style.DASHES[1]),
    "val_mean_dice": ("val Dice", style.PURPLE, style.DASHES[1]),
    "val_mean_iou": ("val mean IoU", style.VERMILLION, "-"),
    "train_mean_iou": ("train mean IoU", style.BLUE, "-"),
}
RATES = {"learning_rate": ("rate", style.ORANGE, "-")}


def best_epoch(history: pd.DataFrame) -> tuple[int, float]:
    """Epoch and value of the best validation mean IoU: the first where several are equal."""
    row = history.loc[history["val_mean_iou"].idxmax()]
    return int(row["epoch"]), float(row["val_mean_iou"])


def stage_titles(run: Run) -> list[str]:
    """A short name for each stage of a staged run, e.g. `half size, encoder frozen`; none for a plain run."""
    stages = run.config.planned_stages()
    return [_stage_title(stage) for stage in stages] if len(stages) > 1 else []


def _stage_title(stage: StageConfig) -> str:
    size = {1.0: "full size", 0.5: "half size"}.get(stage.scale, f"{stage.scale:g} of full size")
    return size + {"all": "", 0: ", encoder frozen"}.get(stage.unfreeze, f", top {stage.unfreeze} stages")


@style.themed
def training_curves(run: Run) -> ReportFigure:
    """Loss and metrics against the epoch, with the best epoch and the stages' boundaries.

    A run whose learning rates were looked for shows them too, below the others, and the stages by name; the curves of
    any other stand side by side.
    """
    history, titles = run.history, stage_titles(run)
    epoch, value = best_epoch(history)
    panels: dict[str, dict] = {"Loss": LOSSES, f"Metrics · best mean IoU {value:.3f} (epoch {epoch})": METRICS}
    if run.range_tests:
        panels["Learning rate at the epoch's end"] = RATES
        figure = style.new_figure(height=6.6)
        axes = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.6))
        names = [titles, [], []]
    else:
        figure = style.new_figure(height=3.7)
        axes = figure.subplots(1, 2)
        names = [[str(number) for number, _ in enumerate(titles, 1)]] * 2
    for panel, (title, curves), stages in zip(axes, panels.items(), names, strict=True):
        ends = [end for column, look in curves.items() for end in _draw(panel, history, column, *look)]
        bottom, top = panel.get_ylim()
        if curves is METRICS:
            panel.plot(epoch, value, "*", markersize=14, color=style.VERMILLION, markeredgecolor="white", zorder=5)
            panel.set_ylim(max(0.0, np.floor(10 * history.filter(METRICS).min(axis=None)) / 10), 1.0)
        elif bottom < 0.35 * top:
            panel.set_ylim(bottom=0)
        panel.axvline(epoch, color=style.MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        _mark_stages(panel, history, stages)
        panel.set_title(title, pad=16 if stages else 6)
        epoch_axis(panel)
        if run.range_tests:
            panel.label_outer()
        write_names(panel, ends)
    told = "; ".join(f"{number} {title}" for number, title in enumerate(titles, 1))
    first, last = history["train_loss"].iloc[[0, -1]]
    return ReportFigure(
        figure,
        f"Loss and metrics against the epoch, for training and validation. The training loss goes from {first:.3f} to "
        f"{last:.3f}; the dotted line and the star mark the best epoch, {epoch} of {len(history)}, with a validation mean "
        f"IoU of {value:.3f}." + (f" Stages: {told}." if told else ""),
    )


def _draw(
    axes: Axes, history: pd.DataFrame, column: str, name: str, color: str, dashes, width: float = 1.8
) -> list[tuple[str, float, float, str]]:
    """Draw a column where it is known; returns its end for `write_names`."""
    if column not in history or history[column].isna().all():
        return []
    known = history.dropna(subset=[column])
    marker = "o" if len(known) < 3 else None
    axes.plot(
        known["epoch"], known[column], marker=marker, markersize=5, color=color, linestyle=dashes, linewidth=width
    )
    return [(name, float(known["epoch"].iloc[-1]), float(known[column].iloc[-1]), color)]


def _mark_stages(axes: Axes, history: pd.DataFrame, names: Sequence[str]) -> None:
    """Shade every second stage, and write the names above the axes; one stage alone is not marked."""
    spans = history.groupby("stage")["epoch"].agg(["min", "max"])
    for index, (first, last) in enumerate(spans.itertuples(index=False)):
        if index % 2:
            axes.axvspan(first - 0.5, last + 0.5, color="#f0f2f4", zorder=0, linewidth=0)
        if index:
            axes.axvline(first - 0.5, color=style.INK, linewidth=1, zorder=1)
        if index < len(names):
            where = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom", "color": style.MUTED}
            note(axes, names[index], ((first + last) / 2, 1), (0, 3), **where)


@style.themed
def variant_curves(runs: Sequence[Run]) -> ReportFigure:
    """Validation mean IoU by epoch: one curve a run, in its network's color, named at its end."""
    figure = style.new_figure(height=3.2 + 0.15 * len(runs))
    axes = figure.subplots()
    looks = style.network_styles([run.title for run in runs])
    ends, best = [], []
    for run in runs:
        color, dashes, marker = looks[run.title]
        ends += _draw(axes, run.history, "val_mean_iou", run.title, color, dashes, 1.8 if len(runs) < 7 else 1.3)
        epoch, value = best_epoch(run.history)
        axes.plot(epoch, value, marker, markersize=5, color=color)
        best.append((value, f"{run.title} {value:.3f} (epoch {epoch})"))
    epoch_axis(axes)
    axes.set_title("Validation mean IoU")
    write_names(axes, ends)
    ranked = "; ".join(text for _, text in sorted(best, reverse=True))
    return ReportFigure(figure, f"Validation mean IoU against the epoch; a mark shows each run's best epoch: {ranked}.")


@style.themed
def range_test_curves(run: Run) -> ReportFigure:
    """Loss against the learning rate of the run's range tests side by side, one before each stage."""
    titles = stage_titles(run) or [run.title]
    figure = style.new_figure(style.WIDTH * (1 if len(run.range_tests) > 1 else 0.8), 3.2)
    panels = figure.subplots(1, len(run.range_tests), squeeze=False)[0]
    reasons = []
    for axes, (stage, test) in zip(panels, run.range_tests.items(), strict=True):
        curve = pd.DataFrame(test["curve"])
        rate = curve["learning_rate"]
        axes.plot(rate, curve["loss"], color=style.BLUE, alpha=0.35, linewidth=1.2, label="each step")
        axes.plot(rate, curve["smoothed_loss"], color=style.BLUE, linewidth=2, label="smoothed")
        log_axis(axes.xaxis, "{:.0e}".format)
        axes.xaxis.get_major_locator().set_params(subs=(1,))
        low, high = curve["smoothed_loss"].min(), curve["loss"].iloc[: max(len(curve) // 2, 1)].max()
        axes.set_ylim(max(low - 0.25 * (high - low), 0), high + 0.35 * (high - low))
        axes.axvline(test["rate"], color=style.VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
        where = {"xycoords": ("data", "axes fraction"), "color": style.VERMILLION, "ha": "right", "va": "top"}
        note(axes, f"suggested\n{test['rate']:.1e}", (test["rate"], 1), (-5, -4), **where)
        axes.set_xlabel("Learning rate (log scale)")
        axes.set_title(f"stage {stage + 1}: {titles[stage]}")
        reasons.append(f"Stage {stage + 1}: {test['rate']:.1e}, {test['reason']}")
    panels[0].set_ylabel("Loss")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return ReportFigure(figure, f"Learning-rate range test before each stage. {'. '.join(reasons)}.")
