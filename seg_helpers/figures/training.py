"""Figures about training: loss and metrics by epoch, runs beside each other, the range test."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from seg_helpers.experiments import Run
from seg_helpers.figures import style
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import epoch_axis, log_axis, note

# Column of a history to its curve's name, color and dashes.
LOSSES: dict[str, tuple] = {
    "train_loss": ("training", style.BLUE, "-"),
    "val_loss": ("validation", style.VERMILLION, "-"),
}
METRICS: dict[str, tuple] = {
    "val_pixel_accuracy": ("val pixel acc.", style.GREEN, style.DASHES[1]),
    "val_mean_dice": ("val Dice", style.PURPLE, style.DASHES[1]),
    "val_mean_iou": ("val mean IoU", style.VERMILLION, "-"),
    "train_mean_iou": ("train mean IoU", style.BLUE, "-"),
}


def best_epoch(history: pd.DataFrame) -> tuple[int, float]:
    """Epoch and value of the best validation mean IoU: the first where several are equal."""
    row = history.loc[history["val_mean_iou"].idxmax()]
    return int(row["epoch"]), float(row["val_mean_iou"])


def stage_titles(run: Run) -> list[str]:
    """A short name for each stage of a staged run, e.g. `half size, encoder frozen`; none for a plain run."""
    stages, titles = run.config.planned_stages(), []
    for stage in stages if len(stages) > 1 else []:
        size = {1.0: "full size", 0.5: "half size"}.get(stage.scale, f"{stage.scale:g} of full size")
        titles.append(size + {"all": "", 0: ", encoder frozen"}.get(stage.unfreeze, f", top {stage.unfreeze} stages"))
    return titles


@style.themed
def training_curves(run: Run) -> ReportFigure:
    """Loss and metrics against the epoch, with the best epoch, and with the stages by name where there are several."""
    history, titles = run.history, stage_titles(run)
    epoch, value = best_epoch(history)
    figure = style.new_figure(height=5.6 if titles else 3.7)
    panels = figure.subplots(2, 1, sharex=True) if titles else figure.subplots(1, 2)
    for axes, curves in zip(panels, (LOSSES, METRICS), strict=True):
        for column, (name, color, dashes) in curves.items():
            _draw(axes, history, column, label=name, color=color, linestyle=dashes)
        axes.axvline(epoch, color=style.MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        for first in history.groupby("stage")["epoch"].min()[1:]:
            axes.axvline(first - 0.5, color=style.INK, linewidth=1, zorder=1)
        epoch_axis(axes)
        axes.legend()
    losses, metrics = panels
    metrics.plot(epoch, value, "*", markersize=14, color=style.VERMILLION, markeredgecolor=style.PAPER, zorder=5)
    for title, middle in zip(titles, history.groupby("stage")["epoch"].mean(), strict=False):
        where = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom", "color": style.MUTED}
        note(losses, title, (middle, 1), (0, 3), **where)
    losses.set_title("Loss", pad=16 if titles else 6)
    metrics.set_title(f"Metrics · best mean IoU {value:.3f} (epoch {epoch})")
    first, last = history["train_loss"].iloc[[0, -1]]
    return ReportFigure(
        figure,
        f"Loss and metrics against the epoch, for training and validation. The training loss goes from {first:.3f} to "
        f"{last:.3f}; the dotted line and the star mark the best epoch, {epoch} of {len(history)}, with a validation mean "
        f"IoU of {value:.3f}.",
    )


def _draw(axes: Axes, history: pd.DataFrame, column: str, **look) -> None:
    """Draw a column of a history over the epochs for which it is known."""
    known = history.dropna(subset=[column])
    axes.plot(known["epoch"], known[column], marker="o" if len(known) < 3 else None, markersize=5, **look)


@style.themed
def variant_curves(runs: Sequence[Run]) -> ReportFigure:
    """Validation mean IoU by epoch: one curve a run, in its network's color; the legend names the best one first."""
    figure = style.new_figure(height=3.2 + 0.15 * len(runs))
    axes = figure.subplots()
    looks = style.network_styles([run.title for run in runs])
    for run in sorted(runs, key=lambda run: -best_epoch(run.history)[1]):
        (color, dashes, marker), (epoch, value) = looks[run.title], best_epoch(run.history)
        label = f"{run.title}: {value:.3f}, epoch {epoch}"
        _draw(axes, run.history, "val_mean_iou", color=color, linestyle=dashes, linewidth=1.8 if len(runs) < 7 else 1.3)
        axes.plot(epoch, value, marker, markersize=5, color=color, linestyle=dashes, label=label)
    epoch_axis(axes)
    axes.set_title("Validation mean IoU")
    figure.legend(loc="outside right upper")
    return ReportFigure(
        figure, "Validation mean IoU against the epoch; a mark shows each run's best epoch, the legend both."
    )


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
        axes.set_ylim(max(1.25 * low - 0.25 * high, 0), 1.35 * high - 0.35 * low)  # the loss may explode at the end
        axes.axvline(test["rate"], color=style.VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)))
        where = {"xycoords": ("data", "axes fraction"), "color": style.VERMILLION, "ha": "right", "va": "top"}
        note(axes, f"suggested\n{test['rate']:.1e}", (test["rate"], 1), (-5, -4), **where)
        axes.set_xlabel("Learning rate (log scale)")
        axes.set_title(f"stage {stage + 1}: {titles[stage]}")
        reasons.append(f"Stage {stage + 1}: {test['rate']:.1e}, {test['reason']}")
    panels[0].set_ylabel("Loss")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return ReportFigure(figure, f"Learning-rate range test before each stage. {'. '.join(reasons)}.")
