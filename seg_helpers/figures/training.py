"""Figures about training: loss and metrics by epoch, runs beside each other, the range test."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
from IPython.display import display
from matplotlib.axes import Axes
from torch import nn

from seg_helpers.config import ExperimentConfig, StageConfig, resolve
from seg_helpers.errors import SegError
from seg_helpers.experiments import Run
from seg_helpers.experiments.networks import build_configured
from seg_helpers.experiments.preparation import PreparedData
from seg_helpers.experiments.runner import try_learning_rates
from seg_helpers.figures import style
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import epoch_axis, log_axis, note

CURVES = {"loss": "Loss", "mean_iou": "Mean IoU", "pixel_accuracy": "Pixel accuracy"}
SIDES = {"train": ("training", style.BLUE), "val": ("validation", style.VERMILLION)}


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
    """Loss, mean IoU and pixel accuracy of training and validation against the epoch; the best one; stages by name."""
    history, titles = run.history, stage_titles(run)
    epoch, value = best_epoch(history)
    figure = style.new_figure(height=7.2 if titles else 3.4)
    panels = figure.subplots(3, 1, sharex=True) if titles else figure.subplots(1, 3)
    for axes, (name, title) in zip(panels, CURVES.items(), strict=True):
        for side, (label, color) in SIDES.items():
            _draw(axes, history, f"{side}_{name}", label=label, color=color)
        axes.axvline(epoch, color=style.MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
        for first in history.groupby("stage")["epoch"].min()[1:]:
            axes.axvline(first - 0.5, color=style.INK, linewidth=1, zorder=1)
        epoch_axis(axes)
        axes.set_title(title)
    losses, iou, _ = panels
    if len(history) > 5:  # a spike of the first epochs would flatten all that follows
        losses.set_ylim(0, 1.1 * history[["train_loss", "val_loss"]].iloc[len(history) // 8 :].max(axis=None))
    losses.legend()
    iou.plot(epoch, value, "*", markersize=14, color=style.VERMILLION, markeredgecolor=style.PAPER, zorder=5)
    for title, middle in zip(titles, history.groupby("stage")["epoch"].mean(), strict=False):
        where = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom", "color": style.MUTED}
        note(losses, title, (middle, 1), (0, 3), **where)
    losses.set_title("Loss", pad=16 if titles else 6)
    return ReportFigure(
        figure,
        "Training and validation, computed alike but for what augmentation does to training frames and that weights "
        f"move while an epoch trains. The dotted line and the star mark the best epoch, {epoch} of {len(history)}, with "
        f"a validation mean IoU of {value:.3f}.",
    )


def _draw(axes: Axes, history: pd.DataFrame, column: str, **look) -> None:
    """Draws a column of a history over the epochs for which it is known."""
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


def find_learning_rate(
    source: Run | nn.Module,
    data: PreparedData | None = None,
    config: ExperimentConfig | None = None,
    weights: str | Path | None = None,
) -> float:
    """The learning rate that a range test on a run's untrained network, or a copy of a network, suggests; shows its curve.

    A run brings its data and settings, `weights` are a local state_dict of its encoder; a network needs `data`, and a
    `config` as a profile's `experiment(NAME)` is.
    """
    if isinstance(source, Run):
        data, config = data or source.data(), config or source.config
        pretrained = {"encoder_weights": config.model.encoder_weights, "weights_file": weights and resolve(weights)}
        source = build_configured(config, data.classes.num_classes, **pretrained)
    if data is None or config is None:
        raise SegError("a network alone is too little: find_learning_rate(network, data, profile.experiment(NAME))")
    stage = StageConfig(epochs=config.epochs, learning_rate="range_test")
    config = config.model_copy(update={"stages": (stage,)})
    test = try_learning_rates(source, data, config)
    display(range_test_curves(SimpleNamespace(title=config.title, config=config, range_tests={0: test})))
    return test["rate"]


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
