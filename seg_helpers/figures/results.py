"""Figures about what runs score: classes, confusions and frames of one; scores, costs and frames of several."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import PercentFormatter

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.experiments import Run, final_scores
from seg_helpers.experiments.preparation import PreparedData
from seg_helpers.figures import plots, style
from seg_helpers.figures.display import PictureGrid, ReportFigure
from seg_helpers.figures.plots import heat_map, resize_label
from seg_helpers.figures.tables import COSTS, find_front, show_table
from seg_helpers.figures.words import count_of, join_words, percent, write_count

CORRECT, WRONG, NOT_SCORED = (226, 230, 233), (213, 94, 0), (0, 0, 0)
# What `choose_examples` picks of each kind, by the frame's own mean IoU.
RANKS = {
    "good": ("90th percentile", "80th percentile"),
    "typical": ("median", "45th percentile"),
    "worst": ("lowest", "5th percentile"),
}


def show_class_table(run: Run, classes: ClassSet) -> None:
    """Displays what the run's final split gives each class, best IoU first, with the class's color beside its name."""
    table = pd.DataFrame.from_dict(final_scores(run)["per_class"], orient="index")
    ends = table.pop("iou_interval")
    table = table.astype(float)
    table.insert(1, "95% interval", ["–" if None in pair else "{:.3f} to {:.3f}".format(*pair) for pair in ends])
    names = {"iou": "IoU", "dice": "Dice", "pixel_share": "share of pixels"}
    table = table.rename(columns=names).rename_axis("class").reset_index().sort_values("IoU", ascending=False)
    formats = dict.fromkeys(("IoU", "Dice", "recall", "precision"), "{:.3f}") | {"share of pixels": percent}
    swatches = dict(zip(classes.names, classes.colors.tolist(), strict=True))
    show_table(table, f"{run.title} by class on the {run.final_split} split", formats, swatches=swatches)


@style.themed
def confusion_matrix(confusion: np.ndarray, classes: ClassSet) -> ReportFigure:
    """Confusions (C, C) as shares of their rows, the target; classes in neither target nor prediction are left out."""
    present = np.flatnonzero((confusion.sum(0) + confusion.sum(1)) > 0)
    counts = confusion[np.ix_(present, present)].astype(float)
    names = [classes.names[index] for index in present]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = counts / counts.sum(1, keepdims=True)
    side = min(max(0.47 * len(names) + 1.7, 4.5), 8.7)
    figure = style.new_figure(min(side + 1.3, style.WIDTH), side)
    figure.set_layout_engine("compressed")
    axes = figure.subplots()
    texts = np.where(shares >= 0.005, np.char.mod("%.0f", 100 * shares), "")
    table = pd.DataFrame(shares, names, names)
    heat_map(axes, table, texts, "share of the target class's pixels", "cividis")
    axes.collections[0].colorbar.ax.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(aspect="equal", xlabel="Prediction", ylabel="Target")
    largest = table.where(~np.eye(len(names), dtype=bool)).stack().nlargest(3)
    listed = [f"{percent(share)} of {target} as {found}" for (target, found), share in largest.items() if share > 0]
    caption = "Confusion matrix in per cent of the target class's pixels (rows sum to 100; below 0.5 left blank)."
    caption += f" Largest confusions: {join_words(listed)}." if listed else ""
    return ReportFigure(figure, caption)


def map_errors(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Correct, wrong and not scored pixels of two (H, W) maps in color: (H, W, 3) uint8."""
    picture = np.where((label == prediction)[..., None], CORRECT, WRONG)
    return np.where((label == VOID)[..., None], NOT_SCORED, picture).astype(np.uint8)


def read_mask(run: Run, frame: str, label: np.ndarray) -> np.ndarray:
    """A kept prediction of a frame, at the size of its label (H, W)."""
    return resize_label(run.read_prediction(frame), label.shape)


def opening_pictures(run: Run, data: PreparedData, count: int = 3) -> PictureGrid:
    """Input, target and prediction of the brightest of the frames that every run is shown on."""
    shown = run.examples[run.examples["kind"] == "shared"].set_index("frame")["mean_iou"]
    frames = sorted(shown.index, key=lambda name: -data.image(name).mean())[:count]
    panels, masks = [], []
    for name in frames:
        label = data.label(name)
        prediction = read_mask(run, name, label)
        drawn = [data.classes.colorize(mask) for mask in (label, prediction)]
        panels += zip(
            ("input", "target", f"prediction, IoU {shown[name]:.2f}"), [data.image(name), *drawn], strict=True
        )
        masks += [label, prediction]
    caption = f"Input, target and prediction of {run.title} on frames that were chosen before it was trained."
    return plots.picture_rows(panels, 3, caption, data.classes, masks)


def judge_panels(title: str, image, label, prediction, classes: ClassSet) -> list[tuple[str, np.ndarray]]:
    """Input (H, W, 3), under this title, target, prediction, both (H, W), and errors as panels for `picture_rows`."""
    scored = label != VOID
    wrong = percent((label != prediction)[scored].sum() / max(scored.sum(), 1))
    target, found = classes.colorize(label), classes.colorize(prediction)
    errors = f"errors · {wrong} wrong", map_errors(label, prediction)
    return [(title, image), ("target", target), ("prediction", found), errors]


def example_panels(run: Run, data: PreparedData) -> PictureGrid:
    """Input, target, prediction and errors of the frames that a run keeps, by rank; none whose label is suspect."""
    shown = run.examples[run.examples["kind"].isin(RANKS)]
    places = zip(shown["kind"], shown.groupby("kind").cumcount(), strict=True)
    shown = shown.assign(rank=[RANKS[kind][place] for kind, place in places]).drop_duplicates("frame")
    panels, words, masks = [], [], []
    for frame in shown[~shown["frame"].isin(run.suspect_frames)].itertuples():
        label = data.label(frame.frame)
        prediction = read_mask(run, frame.frame, label)
        title = f"{frame.rank} · IoU {frame.mean_iou:.2f}"
        panels += judge_panels(title, data.image(frame.frame), label, prediction, data.classes)
        masks += [label, prediction]
        words.append(f"{frame.rank} {frame.frame}")
    scores = compute_metrics(run.sound_confusions)["mean_iou"]
    low, median, high = np.nanpercentile(scores, [10, 50, 90])
    caption = (
        f"Input, target, prediction and errors (wrong pixels orange, void black): {'; '.join(words)}. Each mean IoU is the "
        "frame's own, over the classes in its target or prediction; the split's score pools the pixels of all frames. Of "
        f"{count_of(len(scores), 'frame')}, the median has {median:.2f}, and 80% lie between {low:.2f} and {high:.2f}."
    )
    return plots.picture_rows(panels, 4, caption, data.classes, masks)


def class_iou(runs: Sequence[Run]) -> pd.DataFrame:
    """IoU by run title (rows) and class (columns), the mean over seeds; NaN for a class that a split does not hold."""
    rows = [{name: scores["iou"] for name, scores in final_scores(run)["per_class"].items()} for run in runs]
    index = pd.MultiIndex.from_tuples([(run.name, run.title) for run in runs], names=[None, None])
    table = pd.DataFrame(rows, index=index).astype(np.float64)
    return table.groupby(level=[0, 1], sort=False).mean().droplevel(0)


@style.themed
def class_scores_map(scores: pd.DataFrame) -> ReportFigure:
    """IoU of each class (columns) by each run (rows), of `class_iou`, as a heat map, best run on top."""
    scores = scores.dropna(axis=1, how="all")
    scores = scores.loc[scores.mean(axis=1).sort_values(ascending=False).index]
    figure = style.new_figure(height=0.34 * len(scores) + 1.7)
    texts = scores.map("{:.2f}".format, na_action="ignore").fillna("").to_numpy()
    heat_map(figure.subplots(), scores, texts, "IoU")
    return ReportFigure(figure, "IoU of each class by each model, the best mean on top.")


@style.themed
def accuracy_cost(runs: pd.DataFrame, cost: str = "latency_milliseconds") -> ReportFigure:
    """Mean IoU with its interval against a cost (of `COSTS`); a line joins the models that none beats in both."""
    styles, (name, write) = style.network_styles(runs["title"]), COSTS[cost]
    table, front = runs.dropna(subset=[cost, "mean_iou"]), find_front(runs, cost)
    figure = style.new_figure(height=4.4)
    axes = figure.subplots()
    line = {"color": style.MUTED, "linewidth": 1.2, "linestyle": (0, (4, 2)), "zorder": 1}
    axes.step(front[cost], front["mean_iou"], where="post", **line)
    for row in table.sort_values("mean_iou", ascending=False).itertuples():
        (color, _, marker), x = styles[row.title], getattr(row, cost)
        axes.plot([x, x], [row.mean_iou_low, row.mean_iou_high], color=color, linewidth=1.6, alpha=0.45)
        look = {
            "color": color,
            "markersize": 8,
            "markeredgecolor": style.PAPER,
            "linestyle": "none",
            "label": row.title,
        }
        axes.plot(x, row.mean_iou, marker, zorder=4, **look)
    plots.log_axis(axes.xaxis, write)
    axes.set_xlabel(f"{name} (log scale)")
    axes.set_title("Mean IoU, with its 95% interval")
    figure.legend(loc="outside right upper")
    return ReportFigure(
        figure,
        f"Accuracy against cost ({name.lower()}). On the dashed line no model is both cheaper and better: "
        f"{join_words(front['title'])}.",
    )


@style.themed
def reliability_diagram(runs: Sequence[Run]) -> ReportFigure:
    """How much oftener than it believed each network was right, against its confidence, of `count_confidence`."""
    looks = style.network_styles([run.title for run in runs])
    figure = style.new_figure(height=4.4)
    axes = figure.subplots()
    axes.axhline(0, color=style.MUTED, linewidth=1.2, linestyle=(0, (4, 2)))
    for run in runs:
        bins = run.counts[run.final_split]["confidence"].sum(0)
        pixels, right, confidence = bins[bins[:, 0] > 0.001 * bins[:, 0].sum()].T  # a few pixels say nothing
        color, dashes, marker = looks[run.title]
        look = {"color": color, "linestyle": dashes, "marker": marker, "markersize": 5, "label": run.title}
        axes.plot(confidence / pixels, (right - confidence) / pixels, **look)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.set(xlabel="Confidence of the answer")
    axes.set_title("Share of right pixels less confidence")
    figure.legend(loc="outside right upper")
    return ReportFigure(
        figure,
        "Reliability: below the dashed line a network is surer than it is right, above it less sure. Bins with less than "
        "a thousandth of the pixels are left out.",
    )


def prediction_wall(runs: Sequence[Run], data: PreparedData, most: int = 4) -> PictureGrid:
    """Frames that all runs keep a prediction of, at `most` so many: a column a frame, a row a run below the target."""
    kept = [run.examples.loc[run.examples["kind"] == "shared", "frame"].tolist() for run in runs]
    frames = [name for name in kept[0] if all(name in other for other in kept)][:most]
    labels = [data.label(name) for name in frames]
    masks = {"target": labels}
    for run in runs:
        masks[run.title] = [read_mask(run, name, label) for name, label in zip(frames, labels, strict=True)]
    panels = [(name, data.image(name)) for name in frames]
    for title, row in masks.items():
        panels += [("" if column else title, data.classes.colorize(mask)) for column, mask in enumerate(row)]
    every = [mask for row in masks.values() for mask in row]
    caption = "The same frames predicted by every model, chosen without looking at any of them."
    return plots.picture_rows(panels, len(frames), caption, data.classes, every)


@style.themed
def difference_forest(table: pd.DataFrame, title: str) -> ReportFigure:
    """Differences of `compare_runs` with their 95% intervals and each seed's, best first; clear ones are dark."""
    table = table.sort_values("difference", ascending=False)
    clear, seeds = table["clear"].to_numpy(), max(map(len, table["each"]))
    figure = style.new_figure(style.WIDTH * 0.9, 0.36 * len(table) + 1.2)
    axes = figure.subplots()
    axes.axvline(0, color=style.VERMILLION, linewidth=1.4)
    place, look = np.arange(len(table)), {"color": np.where(clear, style.BLUE, "#9aa0a6")}
    axes.scatter(table["difference"], place, s=56, zorder=3, **look)
    axes.hlines(place, table["low"], table["high"], linewidth=2.2, **look)
    for row, each in enumerate(table["each"] if seeds > 1 else []):
        axes.plot(each, [row] * len(each), "|", markersize=11, color=style.INK)
    plots.label_rows(axes, table["name"], table["high"], table["difference"].map("{:+.3f}".format))
    axes.margins(x=0.12)
    axes.set_xlabel("Difference in mean IoU on the same frames, with its 95% interval")
    axes.set_title(title)
    return ReportFigure(
        figure,
        f"{title}: {'the mean over seeds, each of which is a tick' if seeds > 1 else 'each network trained once'}. "
        f"Intervals by a paired bootstrap over blocks of {join_words(map(str, sorted(set(table['block']))))} frames. Dark "
        f"({int(clear.sum())} of {len(table)}): p below 0.05 by Holm's correction for all of these, and all seeds agree.",
    )


@style.themed
def cost_bars(table: pd.DataFrame, columns: Mapping[str, str], caption: str) -> ReportFigure:
    """Bars of a table's `columns` (name to title), a panel each, and a row each of its rows, called by their `name`."""
    figure = style.new_figure(height=0.36 * len(table) + 0.9)
    panels = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for panel, (column, title) in zip(panels, columns.items(), strict=True):
        panel.barh(range(len(table)), table[column], height=0.64, color=style.BLUE)
        plots.label_rows(panel, table["name"], table[column], table[column].map(write_count))
        panel.set(xlim=(0, 1.38 * table[column].max()), xticks=[])
        panel.set_title(title, fontsize=9.5)
    return ReportFigure(figure, caption)
