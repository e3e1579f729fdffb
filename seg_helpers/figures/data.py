"""Figures and findings about a data set: its samples, classes, clips, splits and problems."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from seg_helpers.classes import ClassSet
from seg_helpers.figures.style import (
    FAINT,
    INK,
    MUTED,
    SPLIT_COLOURS,
    WIDTH,
    class_legend,
    count_of,
    describe,
    join_words,
    log_axis,
    new_figure,
    overlay,
    percent,
    percent_tick,
    plain_image,
    show_table,
    themed,
)

SPLITS = ("train", "val", "test")
SPLIT_NAMES = {"train": "training", "val": "validation", "test": "test", "guard": "guard (unused)"}


def split_counts(frames: pd.DataFrame) -> pd.DataFrame:
    """Frames, labelled frames and clips of each split, as a table for `show_table`."""
    rows = []
    for split in [*SPLITS, *sorted(set(frames["split"]) - set(SPLITS))]:
        part = frames[frames["split"] == split]
        if len(part):
            labelled = int((part["label"] != "").sum())
            rows.append((SPLIT_NAMES.get(split, split), len(part), labelled, part["clip"].nunique()))
    return pd.DataFrame(rows, columns=["split", "frames", "with label", "clips"])


# ---------------------------------------------------------------- samples


@themed
def sample_grid(
    images: Sequence[np.ndarray], labels: Sequence[np.ndarray], classes: ClassSet, titles: Sequence[str]
) -> Figure:
    """Frames in rows; image, label and overlay in columns; the legend names the classes that appear.

    Args:
        images: (H, W, 3) uint8 RGB each.
        labels: (H, W) uint8 indices each, void 255.
        classes: the labels' class set.
        titles: one a frame, such as "train · 0001TP_006690".
    """
    height, width = images[0].shape[:2]
    figure = new_figure(WIDTH, len(images) * (WIDTH / 3 * height / width + 0.28) + 0.6)
    axes = figure.subplots(len(images), 3, squeeze=False)
    for row, image, label, title in zip(axes, images, labels, titles, strict=True):
        plain_image(row[0], image, title)
        plain_image(row[1], classes.colourise(label), "label")
        plain_image(row[2], overlay(image, label, classes), "overlay")
    class_legend(figure, classes, labels)
    present = [
        classes.names[i]
        for i in np.unique(np.concatenate([np.unique(x) for x in labels]))
        if i < len(classes.names)
    ]
    return describe(
        figure,
        f"{count_of(len(images), 'frame')} in rows ({join_words(titles)}), each as image, coloured label and overlay.",
        f"{count_of(len(images), 'frame')} with label and overlay. The labels hold {len(present)} of "
        f"{classes.num_classes} classes: {join_words(present)}.",
    )


# ---------------------------------------------------------------- class balance


def class_shares(counts: np.ndarray, splits: Sequence[str], classes: ClassSet) -> pd.DataFrame:
    """Pixel share and frame presence of each class, by split.

    Args:
        counts: (N, C + 1) pixels of each class in each frame, void last.
        splits: N split names.
        classes: C names.

    Returns:
        A row a split and class: `split`, `class`, `pixels`, `share` (of the split's pixels that are not
        void) and `presence` (share of the split's frames with at least one pixel).
    """
    splits, scored = np.asarray(splits), np.asarray(counts)[:, : classes.num_classes]
    rows = []
    for split in [name for name in SPLITS if (splits == name).any()]:
        part = scored[splits == split]
        total = max(int(part.sum()), 1)
        for index, name in enumerate(classes.names):
            pixels = int(part[:, index].sum())
            rows.append((split, name, pixels, pixels / total, float((part[:, index] > 0).mean())))
    return pd.DataFrame(rows, columns=["split", "class", "pixels", "share", "presence"])


@themed
def class_balance(shares: pd.DataFrame) -> Figure:
    """Pixel share (log axis) and frame presence of each class, a dot a split.

    Args:
        shares: from `class_shares`.
    """
    first = shares["split"].iloc[0]
    order = shares[shares["split"] == first].sort_values("share")["class"].tolist()
    place = {name: row for row, name in enumerate(order)}
    splits = list(dict.fromkeys(shares["split"]))
    figure = new_figure(WIDTH, 0.29 * len(order) + 1.5)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, column in ((left, "share"), (right, "presence")):
        for name, part in shares[shares[column] > 0].groupby("class"):
            axes.plot(
                [part[column].min(), part[column].max()],
                [place[name]] * 2,
                color=FAINT,
                linewidth=3,
                zorder=1,
            )
        for split, marker in zip(splits, "osD", strict=False):
            part = shares[(shares["split"] == split) & ((shares[column] > 0) | (column == "presence"))]
            lift = 0.2 * (splits.index(split) - (len(splits) - 1) / 2)  # equal values stay visible
            axes.scatter(
                part[column], part["class"].map(place) - lift, s=34, marker=marker, color=SPLIT_COLOURS[split],
                zorder=3, edgecolor="white", linewidth=0.6, clip_on=False,
            )  # fmt: skip
        axes.grid(axis="y", visible=False)
    log_axis(left.xaxis, percent_tick)
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent_tick(value)))
    left.set_yticks(range(len(order)), order)
    left.set_ylim(-0.6, len(order) - 0.4)
    left.set_title("Share of labelled pixels (log scale)")
    right.set_title("Share of frames with the class")
    right.set_xlim(-0.02, 1.02)
    right.tick_params(axis="y", length=0)
    handles = [
        Line2D(
            [],
            [],
            marker=marker,
            linestyle="",
            color=SPLIT_COLOURS[split],
            markersize=7,
            label=SPLIT_NAMES[split],
        )
        for split, marker in zip(splits, "osD", strict=False)
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    base = shares[shares["split"] == first].set_index("class")["share"]
    return describe(
        figure,
        "Two dot plots, a row a class: share of labelled pixels on a logarithmic axis and share of frames with the "
        f"class, a dot for each of {join_words([SPLIT_NAMES[s] for s in splits])}. Classes from the most common: "
        f"{join_words([f'{name} {percent(base[name])}' for name in reversed(order)])} of {SPLIT_NAMES[first]} pixels.",
        f"How common each class is, by pixels (left) and by frames (right), ordered by the {SPLIT_NAMES[first]} split. "
        f"{order[-1]} covers {percent(base[order[-1]])} of its labelled pixels, {order[0]} {percent(base[order[0]])}.",
    )


def balance_finding(shares: pd.DataFrame, void_share: float | None = None) -> str:
    """What the class balance means for training, as Markdown.

    Args:
        shares: from `class_shares`.
        void_share: void pixels as a share of all pixels, if known.
    """
    first = shares["split"].iloc[0]
    base = shares[shares["split"] == first].set_index("class")["share"].sort_values(ascending=False)
    held = base[base > 0]
    big = int((base.cumsum() < 0.8).sum()) + 1
    small = base[base < 0.02]
    text = (
        f"**{join_words(base.index[:big])}** make up {percent(base.iloc[:big].sum())} of the labelled {SPLIT_NAMES[first]} "
        f"pixels. {held.index[0]} has {held.iloc[0] / held.iloc[-1]:,.0f} times the pixels of {held.index[-1]}. "
    )
    if len(small):
        text += (
            f"{count_of(len(small), 'class').replace('classs', 'classes')} of {len(base)} "
            f"({join_words(small.index)}) stay{'s' if len(small) == 1 else ''} below 2% each, together "
            f"{percent(small.sum())}: a model that never predicts them loses almost no pixel accuracy but "
            f"{len(small)}/{len(base)} of the mean IoU. "
        )
    wide = shares.pivot(index="class", columns="split", values="share")
    others = [split for split in wide.columns if split != first]
    if others:
        ratio = (wide[others].div(wide[first], axis=0)).stack()
        ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
        name, split = (np.log(ratio).abs()).idxmax()
        factor = ratio[(name, split)]
        more = f"{factor:.1f} times as common in" if factor > 1 else f"{1 / factor:.1f} times rarer in"
        text += (
            f"The splits differ most in {name}: {more} {SPLIT_NAMES[split]} than in {SPLIT_NAMES[first]}. "
        )
    if void_share is not None:
        text += f"Void covers {percent(void_share)} of all pixels; it is neither trained on nor scored."
    return text.strip()


@themed
def class_heatmaps(heatmaps: np.ndarray, classes: ClassSet) -> Figure:
    """Where each class lives in the image.

    Args:
        heatmaps: (C, h, w) share of frames in which a cell (or of pixels within it) is of the class, 0 to 1.
        classes: C names.
    """
    columns = 4 if len(heatmaps) <= 12 else 6
    rows = -(-len(heatmaps) // columns)
    grid_height, grid_width = heatmaps.shape[1:]
    figure = new_figure(WIDTH, rows * (WIDTH / columns * 0.93 * grid_height / grid_width + 0.3) + 0.6)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    mesh = None
    for panel, heat, name in zip(axes.flat, heatmaps, classes.names, strict=False):
        peak = float(heat.max())
        mesh = panel.imshow(
            heat / peak if peak else heat, vmin=0, vmax=1, cmap="viridis", interpolation="nearest"
        )
        panel.set_title(f"{name} · peak {percent(peak)}" if peak else f"{name} · absent", fontsize=9.5)
    bar = figure.colorbar(mesh, ax=axes, orientation="horizontal", fraction=0.03, aspect=60, pad=0.02)
    bar.set_label("share of pixels of the class, relative to the class's own peak")
    bar.outline.set_visible(False)
    heights = mean_heights(heatmaps)
    top, bottom = classes.names[int(np.nanargmin(heights))], classes.names[int(np.nanargmax(heights))]
    return describe(
        figure,
        f"{len(heatmaps)} heat maps of the image plane, one a class, bright where the class is most frequent. "
        f"{top} lies highest, {bottom} lowest in the image.",
        f"Where each class lives in the image, each map scaled to its own peak. {top} lies highest (mean height "
        f"{percent(1 - np.nanmin(heights))} of the image from below), {bottom} lowest ({percent(1 - np.nanmax(heights))}).",
    )


def mean_heights(heatmaps: np.ndarray) -> np.ndarray:
    """Mean vertical position of each class, 0 at the top edge and 1 at the bottom; nan for an absent class."""
    rows = (np.arange(heatmaps.shape[1]) + 0.5) / heatmaps.shape[1]
    mass = heatmaps.sum(axis=2)
    total = mass.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (mass * rows).sum(axis=1) / total, np.nan)


# ---------------------------------------------------------------- clips and splits


@themed
def split_timeline(frames: pd.DataFrame, title: str = "") -> Figure:
    """Each clip as a line of frames coloured by split.

    Args:
        frames: the frames table.
        title: above the axes.
    """
    return split_timelines({title: frames})


@themed
def split_timelines(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """One time line of clips a split strategy, above each other.

    Args:
        tables: title to frames table.
    """
    clips = {title: sorted(table["clip"].unique()) for title, table in tables.items()}
    rows = [len(names) for names in clips.values()]
    figure = new_figure(WIDTH, sum(0.36 * n + 0.5 for n in rows) + 0.8)
    panels = figure.subplots(len(tables), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": rows})[
        :, 0
    ]
    sentences, present = [], []
    for axes, (title, table) in zip(panels, tables.items(), strict=True):
        names = clips[title]
        present += [split for split in SPLIT_COLOURS if (table["split"] == split).any()]
        for row, name in enumerate(names):
            for split, start, width in _bands(table[table["clip"] == name]):
                axes.broken_barh(
                    [(start, width)], (row - 0.34, 0.68), color=SPLIT_COLOURS[split], linewidth=0
                )
        sizes = table["clip"].value_counts()
        axes.set_yticks(range(len(names)), [f"{name}  ({sizes[name]})" for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(title)
        parts = [
            f"{name}: {join_words([f'{n} {SPLIT_NAMES.get(s, s)}' for s, n in table.loc[table['clip'] == name, 'split'].value_counts().items()])}"
            for name in names
        ]
        sentences.append((f"{title}: " if title else "") + "; ".join(parts))
    panels[-1].set_xlabel("Position of the frame in its clip")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    handles = [Patch(color=SPLIT_COLOURS[s], label=SPLIT_NAMES[s]) for s in SPLIT_COLOURS if s in present]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), handlelength=1)
    first = next(iter(tables.values()))
    return describe(
        figure,
        f"Time lines of clips, coloured by split. {'. '.join(sentences)}.",
        f"The clips on a time line, their numbers of frames in brackets: "
        f"{count_of(len(first), 'frame')} of {count_of(first['clip'].nunique(), 'clip')}.",
    )


def _bands(clip: pd.DataFrame) -> list[tuple[str, float, float]]:
    """(split, start, width) of each run of frames of one split without a gap, in one clip."""
    clip = clip.sort_values("number")
    step = clip.groupby("split")["number"].diff().median()
    step = float(step) if step > 0 else 1.0
    breaks = (clip["split"] != clip["split"].shift()) | (clip["number"].diff() > 3 * step)
    return [
        (run["split"].iloc[0], float(run["number"].iloc[0]) - step / 2, float(np.ptp(run["number"])) + step)
        for _, run in clip.groupby(breaks.cumsum())
    ]


def nearest_distances(audit: pd.DataFrame) -> pd.DataFrame:
    """Summary of a split audit, a row a split: frames, share in clips with training frames, distances."""
    rows = []
    for split, part in audit.groupby("split", sort=False):
        known = part["distance"].dropna()
        rows.append(
            (
                SPLIT_NAMES.get(split, split), len(part), float(part["clip_in_train"].mean()),
                known.min() if len(known) else np.nan, known.median() if len(known) else np.nan,
            )
        )  # fmt: skip
    return pd.DataFrame(
        rows,
        columns=[
            "split",
            "frames",
            "in a clip that training saw",
            "nearest training frame",
            "median distance",
        ],
    )


@themed
def split_distances(audits: Mapping[str, pd.DataFrame], unit: str = "frames") -> Figure:
    """How far each val and test frame is from the nearest training frame of its clip.

    Args:
        audits: title to audit table with `split`, `distance` (nan where training never saw the clip) and
            `clip_in_train`.
        unit: of `distance`.
    """
    entries = [
        (
            f"{title} · {SPLIT_NAMES[split]}" if title else SPLIT_NAMES[split],
            split,
            audit[audit["split"] == split],
        )
        for title, audit in audits.items()
        for split in ("val", "test")
        if (audit["split"] == split).any()
    ]
    figure = new_figure(WIDTH, 0.62 * len(entries) + 1.2)
    line, unseen = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    random = np.random.default_rng(0)
    words = []
    for row, (name, split, part) in enumerate(entries):
        known = part["distance"].dropna().to_numpy(dtype=float)
        line.scatter(
            known,
            row + random.uniform(-0.24, 0.24, len(known)),
            s=11,
            alpha=0.55,
            linewidth=0,
            color=SPLIT_COLOURS[split],
        )
        if len(known):
            line.plot([np.median(known)] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=2)
        share = 1 - float(part["clip_in_train"].mean())
        unseen.barh(row, share, height=0.55, color=SPLIT_COLOURS[split])
        unseen.annotate(
            percent(share), (share, row), (4, 0), textcoords="offset points", va="center", fontsize=9
        )
        middle = (
            f"median {np.median(known):g} {unit}, nearest {known.min():g}"
            if len(known)
            else "none in a clip of training"
        )
        words.append(
            f"{name} ({count_of(len(part), 'frame')}): {middle}, {percent(share)} in clips that training never saw"
        )
    line.set_yticks(range(len(entries)), [name for name, *_ in entries])
    line.set_ylim(len(entries) - 0.5, -0.5)
    line.set_xlabel(f"Distance to the nearest training frame of the same clip ({unit})")
    line.set_xscale("symlog", linthresh=10)
    line.set_xlim(left=0)
    line.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    line.set_title("Nearest training frame; the bar is the median")
    unseen.set_title("In clips new to training")
    unseen.set_xlim(0, 1.2)
    unseen.set_xticks([0, 0.5, 1], ["0%", "50%", "100%"])
    for axes in (line, unseen):
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    unseen.spines["left"].set_color(MUTED)
    return describe(
        figure,
        f"Dots: distance of each validation and test frame to its nearest training frame; bars: share of frames in clips "
        f"that training never saw. {'. '.join(words)}.",
        f"How near the held-out frames are to training. {'. '.join(words)}.",
    )


def audit_finding(audit: pd.DataFrame, unit: str = "frames") -> str:
    """What the audit says about trusting val and test scores, as Markdown."""
    parts = []
    for split in [s for s in ("val", "test") if (audit["split"] == s).any()]:
        part = audit[audit["split"] == split]
        seen, known = float(part["clip_in_train"].mean()), part["distance"].dropna()
        name = SPLIT_NAMES[split].capitalize()
        if seen == 0:
            parts.append(
                f"**{name}** frames come only from clips that training never saw: an honest estimate."
            )
            continue
        near = float((part["distance"] <= 5).mean())
        text = (
            f"**{name}**: {percent(seen)} of its {len(part)} frames lie in clips that training also draws from, "
            f"at a median of {known.median():g} {unit} from the nearest training frame"
        )
        text += (
            f"; {percent(near)} lie within 5 {unit}. " if near else f", never nearer than {known.min():g}. "
        )
        text += (
            "Its scores read optimistic for new streets."
            if seen > 0.75
            else "Its scores mix familiar streets with new ones."
            if seen > 0.25
            else "Most of it is new to the model."
        )
        parts.append(text)
    return "\n\n".join(parts)


# ---------------------------------------------------------------- problems


def show_problems(problems: pd.DataFrame, found: int) -> None:
    """Display what is wrong with the data set's files and what to do about it.

    Args:
        problems: columns `file`, `problem`, `remedy`, `split`.
        found: frames that were kept.
    """
    table = problems[[column for column in ("split", "file", "problem", "remedy") if column in problems]]
    show_table(table, f"{count_of(len(problems), 'problem')}; {count_of(found, 'frame')} kept.")


def problems_finding(problems: pd.DataFrame, found: int) -> str:
    """The number of problems by kind, as Markdown; says so when there is none."""
    if problems.empty:
        return f"Every file of the {found:,} frames was opened and checked: **no problem found**."
    kinds = problems["problem"].str.replace(r"[\d(].*", "", regex=True).str.strip(" :,").value_counts()
    listed = join_words([f"{number} × {kind}" for kind, number in kinds.items()])
    return (
        f"**{count_of(len(problems), 'problem')}** found while checking every file ({listed}). The frames concerned are "
        f"left out; {found:,} remain."
    )
