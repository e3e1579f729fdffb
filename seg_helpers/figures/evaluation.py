"""Figures about a trained model: scores by class, confusions, and frames beside their truth."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from seaborn import heatmap

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.evaluation.metrics import compute_metrics, tabulate_classes
from seg_helpers.evaluation.statistics import bootstrap_classes
from seg_helpers.figures.style import (
    BLACK,
    BLUE,
    INK,
    ORANGE,
    PAPER,
    VERMILLION,
    WIDTH,
    class_legend,
    count_of,
    describe,
    join_words,
    new_figure,
    percent,
    plain_image,
    resize_label,
    show_table,
    themed,
)
from seg_helpers.figures.training import METRIC_NAMES

CORRECT, WRONG, NOT_SCORED = (226, 230, 233), (213, 94, 0), (0, 0, 0)


# ---------------------------------------------------------------- scores


def show_metrics(
    metrics: Mapping[str, float], intervals: Mapping[str, Sequence[float]], caption: str
) -> None:
    """Display each metric with its 95% interval where one is known.

    Args:
        metrics: metric to score, as from `compute_metrics`.
        intervals: metric to (low, high).
        caption: above the table.
    """
    rows = [
        (
            METRIC_NAMES.get(name, name),
            float(value),
            "{:.3f} to {:.3f}".format(*intervals[name]) if name in intervals else "",
        )
        for name, value in metrics.items()
        if name in METRIC_NAMES
    ]
    table = pd.DataFrame(rows, columns=["metric", "score", "95% interval"])
    show_table(table, caption, {"score": "{:.4f}"})


def tabulate_scores(confusions: np.ndarray, classes: ClassSet, samples: int = 1000) -> pd.DataFrame:
    """A row a class: `class`, iou with its 95% interval (`low`, `high`), dice, accuracy, precision, pixel share.

    Args:
        confusions: (frames, C, C) pixel counts, rows the truth.
        classes: C names.
        samples: of the bootstrap over frames.
    """
    table = tabulate_classes(confusions.sum(0), classes.names).reset_index()
    table[["low", "high"]] = bootstrap_classes(confusions, samples)
    return table


def show_class_table(scores: pd.DataFrame, classes: ClassSet, caption: str) -> None:
    """Display `tabulate_scores` with each class's colour beside its name."""
    table = scores.assign(
        interval=[
            f"{a:.3f} to {b:.3f}" if np.isfinite(a) else "–" for a, b in scores[["low", "high"]].to_numpy()
        ]
    )
    table = table[["class", "iou", "interval", "dice", "accuracy", "precision", "pixel_share"]]
    names = {
        "iou": "IoU", "interval": "95% interval", "dice": "Dice", "accuracy": "recall", "pixel_share": "share of pixels",
    }  # fmt: skip
    decimals = dict.fromkeys(("IoU", "Dice", "recall", "precision"), "{:.3f}")
    swatches = dict(zip(classes.names, classes.colours.tolist(), strict=True))
    show_table(
        table.rename(columns=names), caption, {**decimals, "share of pixels": percent}, swatches=swatches
    )


@themed
def class_bars(scores: pd.DataFrame, title: str = "IoU of each class, with its 95% interval") -> Figure:
    """IoU of each class with its interval, best first, and the mean as a line.

    Args:
        scores: from `tabulate_scores`.
        title: above the axes.
    """
    table = scores.sort_values("iou", ascending=False, na_position="last").reset_index(drop=True)
    mean = float(table["iou"].mean())
    figure = new_figure(WIDTH, 0.29 * len(table) + 1.1)
    axes = figure.subplots()
    place = np.arange(len(table))
    axes.barh(place, table["iou"], height=0.66, color=np.where(table["iou"] >= mean, BLUE, "#9fb8c8"))
    reach = np.clip(
        np.nan_to_num(np.stack([table["iou"] - table["low"], table["high"] - table["iou"]])), 0, None
    )
    axes.errorbar(table["iou"], place, xerr=reach, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5)
    for row, (iou, high, share) in enumerate(table[["iou", "high", "pixel_share"]].to_numpy(dtype=float)):
        text = (
            f"{iou:.2f}  ({percent(share)} of pixels)"
            if np.isfinite(iou)
            else "in neither truth nor prediction"
        )
        end = np.nanmax([iou, high, 0]) if np.isfinite(iou) else 0
        axes.annotate(
            text,
            (end, row),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            zorder=4,
            bbox=PAPER,
        )
    axes.axvline(mean, color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)), zorder=2)
    axes.annotate(
        f"mean {mean:.3f}", (mean, 0), (4, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=VERMILLION, fontsize=8.5,
    )  # fmt: skip
    axes.set_yticks(place, table["class"])
    axes.set_ylim(len(table) - 0.5, -0.6)
    axes.set_xlim(0, 1.18)
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    axes.set_title(title)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    known = table.dropna(subset=["iou"])
    listed = [f"{name} {iou:.2f}" for name, iou in zip(known["class"], known["iou"], strict=True)]
    return describe(
        figure,
        f"Bars of IoU by class, best first: {join_words(listed)}; mean {mean:.3f}.",
        f"IoU of each class with its bootstrap 95% interval over frames; dark bars lie above the mean of {mean:.3f}. "
        f"Best: {listed[0]}; worst: {listed[-1]}.",
    )


# ---------------------------------------------------------------- confusions


@themed
def confusion_matrix(confusion: np.ndarray, classes: ClassSet) -> Figure:
    """Confusions normalised by the truth: each row says where a class's pixels went.

    Args:
        confusion: (C, C) pixel counts, rows the truth.
        classes: C names; classes without a pixel in truth and prediction are left out.
    """
    present = np.flatnonzero((confusion.sum(0) + confusion.sum(1)) > 0)
    counts = confusion[np.ix_(present, present)].astype(float)
    names = [classes.names[i] for i in present]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / counts.sum(1, keepdims=True)
    side = min(max(0.47 * len(names) + 1.7, 4.5), 8.7)
    figure = new_figure(min(side + 1.3, WIDTH), side)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    small = len(names) > 16
    text = np.where(
        np.isnan(shares), "", np.where(shares >= 0.005, np.char.mod("%.0f", np.nan_to_num(100 * shares)), "")
    )
    heatmap(
        shares, ax=axes, vmin=0, vmax=1, cmap="cividis", square=True, linewidths=0.5, linecolor="white",
        annot=False if small else text, fmt="", annot_kws={"fontsize": 8.5}, xticklabels=names, yticklabels=names,
        cbar_kws={"shrink": 0.7, "label": "share of the true class's pixels", "format": lambda x, _: f"{100 * x:.0f}%"},
    )  # fmt: skip
    axes.collections[0].colorbar.outline.set_visible(False)
    axes.set_xticks(axes.get_xticks(), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(axes.get_yticks(), names, rotation=0)
    axes.tick_params(length=0, labelsize=7 if small else 9)
    axes.set_xlabel("Prediction")
    axes.set_ylabel("Truth")
    pairs = largest_confusions(confusion, classes, 3)
    listed = [f"{percent(row.share)} of {row.truth} as {row.prediction}" for row in pairs.itertuples()]
    caption = "Confusion matrix in per cent of the true class's pixels (rows sum to 100; below 0.5 left blank)."
    if listed:
        wrong = counts - np.diag(np.diagonal(counts))
        both = wrong + wrong.T
        pair = join_words([names[index] for index in np.unravel_index(both.argmax(), both.shape)])
        caption += f" Largest confusions: {join_words(listed)}. Of all wrong pixels, "
        caption += f"{percent(both.max() / wrong.sum())} confuse {pair}."
    found = [
        f"{name} {percent(share)}"
        for name, share in zip(names, np.diagonal(shares), strict=True)
        if np.isfinite(share)
    ]
    return describe(
        figure,
        f"Confusion matrix of {len(names)} classes, each row summing to 100%. Found of each class: {join_words(found)}.",
        caption,
    )


def largest_confusions(confusion: np.ndarray, classes: ClassSet, number: int = 5) -> pd.DataFrame:
    """The confusions that take the largest share of a true class.

    Args:
        confusion: (C, C) pixel counts, rows the truth.
        classes: C names.
        number: rows at the most.

    Returns:
        `truth`, `prediction`, `share` (of the true class's pixels), `pixels`, largest share first.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.nan_to_num(confusion / confusion.sum(1, keepdims=True).astype(float))
    np.fill_diagonal(shares, 0)
    order = np.argsort(-shares, axis=None, kind="stable")[:number]
    rows = [
        (classes.names[t], classes.names[p], shares[t, p], int(confusion[t, p]))
        for t, p in zip(*np.unravel_index(order, shares.shape), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["truth", "prediction", "share", "pixels"])
    return table[table["share"] > 0].reset_index(drop=True)


# ---------------------------------------------------------------- frames


def map_errors(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Correct, wrong and not scored pixels in colour: (H, W, 3) uint8."""
    prediction = resize_label(prediction, label.shape)
    picture = np.empty((*label.shape, 3), dtype=np.uint8)
    picture[:] = CORRECT
    picture[label != prediction] = WRONG
    picture[label == VOID] = NOT_SCORED
    return picture


@themed
def prediction_panels(frames: Sequence[Mapping], classes: ClassSet) -> Figure:
    """Input, truth, prediction and error map of each frame, a row a frame.

    Args:
        frames: mappings with `image` (H, W, 3) uint8, `label` and `prediction` (H, W) uint8, `name`,
            `kind` (such as "median", "lowest") and `mean_iou` (of the frame alone).
        classes: palette and names.
    """
    height, width = frames[0]["image"].shape[:2]
    figure = new_figure(WIDTH, len(frames) * (WIDTH / 4 * height / width + 0.3) + 1.0)
    axes = figure.subplots(len(frames), 4, squeeze=False)
    words = []
    for row, frame in zip(axes, frames, strict=True):
        label, prediction = frame["label"], resize_label(frame["prediction"], frame["label"].shape)
        scored = label != VOID
        wrong = float((label != prediction)[scored].mean()) if scored.any() else 0.0
        plain_image(row[0], frame["image"], f"{frame['kind']} · IoU {frame['mean_iou']:.2f}")
        plain_image(row[1], classes.colourise(label), "truth")
        plain_image(row[2], classes.colourise(prediction), "prediction")
        plain_image(row[3], map_errors(label, prediction), f"errors · {percent(wrong)} wrong")
        words.append(
            f"{frame['kind']} {frame['name']}, mean IoU {frame['mean_iou']:.2f}, {percent(wrong)} of its pixels wrong"
        )
    class_legend(figure, classes, [frame[key] for frame in frames for key in ("label", "prediction")])
    handles = [
        Patch(facecolor=np.divide(colour, 255), edgecolor="#777777", linewidth=0.5, label=name)
        for colour, name in ((CORRECT, "correct"), (WRONG, "wrong"), (NOT_SCORED, "void: not scored"))
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=3, handlelength=1.1, handleheight=1.1)
    figure.seg_colours += [CORRECT, WRONG]
    return describe(
        figure,
        f"{count_of(len(frames), 'frame')} in rows, each as input, truth, prediction and error map: {'; '.join(words)}.",
        f"Input, truth, prediction and error map. {'; '.join(words)}. Each mean IoU is the frame's own, over the classes in "
        "its truth or prediction; the split's score pools the pixels of all frames.",
    )


@themed
def frame_scores(confusions: np.ndarray, marked: Mapping[str, float] | None = None) -> Figure:
    """Histogram of the mean IoU of single frames, with some marked.

    Args:
        confusions: (frames, C, C) pixel counts.
        marked: a short text to the mean IoU of a frame that is shown.
    """
    scores = compute_metrics(confusions)["mean_iou"]
    scores = scores[np.isfinite(scores)]
    figure = new_figure(WIDTH * 0.8, 2.7)
    axes = figure.subplots()
    counts, _, _ = axes.hist(
        scores, bins=int(np.clip(len(scores) / 3, 4, 30)), color="#7fb8d8", edgecolor="white", linewidth=0.5
    )
    axes.set_ylim(0, 1.25 * counts.max())
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.axvline(float(np.median(scores)), color=BLACK, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.annotate(
        f"median {np.median(scores):.2f}", (float(np.median(scores)), 1), (4, -4), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", fontsize=8.5,
    )  # fmt: skip
    marked = sorted((marked or {}).items(), key=lambda mark: mark[1])
    for index, (name, score) in enumerate(marked):
        axes.plot(
            score, 0, marker="^", markersize=9, color=ORANGE, markeredgecolor=INK, clip_on=False, zorder=5
        )
        axes.annotate(
            name, (score, 0), (0, 10 + 12 * (index % 2)), textcoords="offset points", ha="center", fontsize=8.5,
            bbox=PAPER,
        )  # fmt: skip
    axes.set_xlabel("Mean IoU of one frame, over the classes in it")
    axes.set_ylabel("Frames")
    low, middle, high = np.percentile(scores, [10, 50, 90])
    return describe(
        figure,
        f"Histogram of the mean IoU of {count_of(len(scores), 'frame')}: median {middle:.2f}, 80% between {low:.2f} and {high:.2f}.",
        f"Mean IoU of each of {count_of(len(scores), 'frame')} by itself: median {middle:.2f}, 80% between {low:.2f} and "
        f"{high:.2f}, lowest {scores.min():.2f}."
        + (" Triangles mark the frames shown, by percentile." if marked else ""),
    )
