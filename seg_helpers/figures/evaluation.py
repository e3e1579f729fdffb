"""Figures about a trained model: scores by class, confusions, and frames beside their target."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.evaluation.metrics import compute_metrics, tabulate_classes
from seg_helpers.evaluation.statistics import bootstrap_classes
from seg_helpers.figures.display import ReportFigure, show_table
from seg_helpers.figures.pictures import class_legend, color_patches, image_grid, resize_label
from seg_helpers.figures.plots import PAPER, heat_map, row_plot
from seg_helpers.figures.style import (
    BLACK,
    BLUE,
    INK,
    ORANGE,
    PALE_BLUE,
    VERMILLION,
    WIDTH,
    new_figure,
    themed,
)
from seg_helpers.figures.words import count_of, join_words, percent

CORRECT, WRONG, NOT_SCORED = (226, 230, 233), (213, 94, 0), (0, 0, 0)


# ---------------------------------------------------------------- scores


def tabulate_scores(confusions: np.ndarray, classes: ClassSet, samples: int = 1000) -> pd.DataFrame:
    """A row a class: `class`, iou with its 95% interval (`low`, `high`), dice, accuracy, precision, pixel share.

    Args:
        confusions: (frames, C, C) pixel counts, rows the target.
        classes: C names.
        samples: of the bootstrap over frames.
    """
    table = tabulate_classes(confusions.sum(0), classes.names).reset_index()
    table[["low", "high"]] = bootstrap_classes(confusions, samples)
    return table


def show_class_table(scores: pd.DataFrame, classes: ClassSet, caption: str) -> None:
    """Display `tabulate_scores` with each class's color beside its name."""
    ends = scores[["low", "high"]].to_numpy()
    table = pd.DataFrame(
        {
            "class": scores["class"],
            "IoU": scores["iou"],
            "95% interval": [f"{low:.3f} to {high:.3f}" if np.isfinite(low) else "–" for low, high in ends],
            "Dice": scores["dice"],
            "recall": scores["accuracy"],
            "precision": scores["precision"],
            "share of pixels": scores["pixel_share"],
        }
    )
    formats = dict.fromkeys(("IoU", "Dice", "recall", "precision"), "{:.3f}") | {"share of pixels": percent}
    swatches = dict(zip(classes.names, classes.colors.tolist(), strict=True))
    show_table(table, caption, formats, swatches=swatches)


@themed
def class_bars(scores: pd.DataFrame) -> ReportFigure:
    """IoU of each class with its interval, best first, and the mean as a line.

    Args:
        scores: from `tabulate_scores`.
    """
    table = scores.sort_values("iou", ascending=False, na_position="last")
    mean = float(table["iou"].mean())
    figure = new_figure(height=0.29 * len(table) + 1.1)
    axes = figure.subplots()
    texts = [
        f"{iou:.2f}  ({percent(share)} of pixels)" if np.isfinite(iou) else "in neither target nor prediction"
        for iou, share in table[["iou", "pixel_share"]].to_numpy()
    ]
    colors = np.where(table["iou"] >= mean, BLUE, PALE_BLUE)
    row_plot(axes, table["class"], table["iou"], texts, table[["low", "high"]], colors)
    axes.axvline(mean, color=VERMILLION, linewidth=1.5, linestyle=(0, (4, 2)), zorder=2)
    axes.annotate(
        f"mean {mean:.3f}", (mean, 0), (4, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=VERMILLION, fontsize=8.5,
    )  # fmt: skip
    axes.set_xlim(0, 1.18)
    axes.set_xticks(np.arange(0, 1.01, 0.2))
    axes.set_title("IoU of each class, with its 95% interval")
    known = table.dropna(subset=["iou"])
    listed = [f"{name} {iou:.2f}" for name, iou in zip(known["class"], known["iou"], strict=True)]
    return ReportFigure(
        figure,
        f"Bars of IoU by class, best first: {join_words(listed)}; mean {mean:.3f}.",
        f"IoU of each class with its bootstrap 95% interval over frames; dark bars lie above the mean of {mean:.3f}. "
        f"Best: {listed[0]}; worst: {listed[-1]}.",
    )


# ---------------------------------------------------------------- confusions


@themed
def confusion_matrix(confusion: np.ndarray, classes: ClassSet) -> ReportFigure:
    """Confusions normalized by the target: each row says where a class's pixels went.

    Args:
        confusion: (C, C) pixel counts, rows the target.
        classes: C names; classes without a pixel in target and prediction are left out.
    """
    present = np.flatnonzero((confusion.sum(0) + confusion.sum(1)) > 0)
    counts = confusion[np.ix_(present, present)].astype(float)
    names = [classes.names[index] for index in present]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / counts.sum(1, keepdims=True)
    side = min(max(0.47 * len(names) + 1.7, 4.5), 8.7)
    figure = new_figure(min(side + 1.3, WIDTH), side)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    texts = np.where(shares >= 0.005, np.char.mod("%.0f", 100 * shares), "")
    table = pd.DataFrame(shares, names, names)
    heat_map(axes, table, texts, "share of the target class's pixels", "cividis")
    axes.set_aspect("equal")
    axes.collections[0].colorbar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("Prediction")
    axes.set_ylabel("Target")
    caption = "Confusion matrix in per cent of the target class's pixels (rows sum to 100; below 0.5 left blank)."
    off_diagonal = ~np.eye(len(names), dtype=bool)
    largest = table.where(off_diagonal).stack().nlargest(3)
    listed = [
        f"{percent(share)} of {target} as {prediction}" for (target, prediction), share in largest.items() if share > 0
    ]
    if listed:
        wrong = counts * off_diagonal
        both = wrong + wrong.T
        pair = join_words([names[index] for index in np.unravel_index(both.argmax(), both.shape)])
        caption += f" Largest confusions: {join_words(listed)}. Of all wrong pixels, "
        caption += f"{percent(both.max() / wrong.sum())} confuse {pair}."
    recalls = pd.Series(np.diagonal(shares), names).dropna()
    found = join_words([f"{name} {percent(share)}" for name, share in recalls.items()])
    return ReportFigure(
        figure,
        f"Confusion matrix of {len(names)} classes, each row summing to 100%. Found of each class: {found}.",
        caption,
    )


# ---------------------------------------------------------------- frames


def map_errors(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Correct, wrong and not scored pixels in color: (H, W, 3) uint8."""
    prediction = resize_label(prediction, label.shape)
    picture = np.empty((*label.shape, 3), dtype=np.uint8)
    picture[:] = CORRECT
    picture[label != prediction] = WRONG
    picture[label == VOID] = NOT_SCORED
    return picture


@themed
def prediction_panels(frames: Sequence[Mapping], classes: ClassSet) -> ReportFigure:
    """Input, target, prediction and error map of each frame, a row a frame.

    Args:
        frames: mappings with `image` (H, W, 3) uint8, `label` and `prediction` (H, W) uint8, `name`,
            `kind` (such as "median", "lowest") and `mean_iou` (of the frame alone).
        classes: palette and names.
    """
    panels, words = [], []
    for frame in frames:
        label, prediction = frame["label"], resize_label(frame["prediction"], frame["label"].shape)
        scored = label != VOID
        wrong = percent((label != prediction)[scored].sum() / max(scored.sum(), 1))
        panels += [
            (f"{frame['kind']} · IoU {frame['mean_iou']:.2f}", frame["image"]),
            ("target", classes.colorize(label)),
            ("prediction", classes.colorize(prediction)),
            (f"errors · {wrong} wrong", map_errors(label, prediction)),
        ]
        words.append(f"{frame['kind']} {frame['name']}, mean IoU {frame['mean_iou']:.2f}, {wrong} of its pixels wrong")
    figure, _ = image_grid(panels, 4, room=1.0)
    colors = class_legend(figure, classes, [frame[key] for frame in frames for key in ("label", "prediction")])
    handles = color_patches({"correct": CORRECT, "wrong": WRONG, "void: not scored": NOT_SCORED})
    figure.legend(handles=handles, loc="outside upper right", ncols=3, handlelength=1.1, handleheight=1.1)
    return ReportFigure(
        figure,
        f"{count_of(len(frames), 'frame')} in rows, each as input, target, prediction and error map: {'; '.join(words)}.",
        f"Input, target, prediction and error map. {'; '.join(words)}. Each mean IoU is the frame's own, over the classes in "
        "its target or prediction; the split's score pools the pixels of all frames.",
        [*colors, CORRECT, WRONG],
    )


@themed
def frame_scores(confusions: np.ndarray, marked: Mapping[str, float]) -> ReportFigure:
    """Histogram of the mean IoU of single frames, with some marked.

    Args:
        confusions: (frames, C, C) pixel counts.
        marked: a short text to the mean IoU of a frame that is shown.
    """
    scores = compute_metrics(confusions)["mean_iou"]
    scores = scores[np.isfinite(scores)]
    low, median, high = np.percentile(scores, [10, 50, 90])
    figure = new_figure(WIDTH * 0.8, 2.7)
    axes = figure.subplots()
    bins = int(np.clip(len(scores) / 3, 4, 30))
    counts, _, _ = axes.hist(scores, bins=bins, color="#7fb8d8", edgecolor="white", linewidth=0.5)
    axes.set_ylim(0, 1.25 * counts.max())
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.axvline(median, color=BLACK, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.annotate(
        f"median {median:.2f}", (median, 1), (4, -4), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", fontsize=8.5,
    )  # fmt: skip
    triangle = {
        "marker": "^",
        "markersize": 9,
        "color": ORANGE,
        "markeredgecolor": INK,
        "clip_on": False,
        "zorder": 5,
    }
    for index, (name, score) in enumerate(sorted(marked.items(), key=lambda mark: mark[1])):
        axes.plot(score, 0, **triangle)
        axes.annotate(
            name, (score, 0), (0, 10 + 12 * (index % 2)), textcoords="offset points", ha="center", fontsize=8.5,
            bbox=PAPER,
        )  # fmt: skip
    axes.set_xlabel("Mean IoU of one frame, over the classes in it")
    axes.set_ylabel("Frames")
    frames = count_of(len(scores), "frame")
    return ReportFigure(
        figure,
        f"Histogram of the mean IoU of {frames}: median {median:.2f}, 80% between {low:.2f} and {high:.2f}.",
        f"Mean IoU of each of {frames} by itself: median {median:.2f}, 80% between {low:.2f} and "
        f"{high:.2f}, lowest {scores.min():.2f}. Triangles mark the frames shown, by percentile.",
    )
