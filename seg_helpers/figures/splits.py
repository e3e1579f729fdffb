"""Figures and findings about clips and splits: who trains, who validates, and how near the one is to the other."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from seg_helpers.figures.data import SPLIT_NAMES
from seg_helpers.figures.style import (
    INK,
    SPLIT_COLOURS,
    WIDTH,
    count_of,
    describe,
    join_words,
    new_figure,
    percent,
    plain_image,
    themed,
)

HELD_OUT = ("val", "test")


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


@themed
def split_distances(audits: Mapping[str, pd.DataFrame]) -> Figure:
    """How near each val and test frame is to training: in time, in looks, and whether its clip is new.

    Args:
        audits: title to audit table (of `seg_helpers.datasets.audit_split`): `split`, `clip_in_train`, `distance`,
            `seconds` and `similarity`, NaN where not known.
    """
    entries = [
        (
            f"{title} · {SPLIT_NAMES[split]}" if title else SPLIT_NAMES[split],
            split,
            audit[audit["split"] == split],
        )
        for title, audit in audits.items()
        for split in HELD_OUT
        if (audit["split"] == split).any()
    ]
    unit = "seconds" if all(part["seconds"].notna().any() for part in audits.values()) else "frames"
    column = "seconds" if unit == "seconds" else "distance"
    figure = new_figure(WIDTH, 0.55 * len(entries) + 1.3)
    time, looks, unseen = figure.subplots(1, 3, sharey=True, width_ratios=(3, 2.4, 1.2))
    words = []
    for row, (name, split, part) in enumerate(entries):
        apart, alike = part[column].dropna(), part["similarity"].dropna()
        _strip(time, apart, row, SPLIT_COLOURS[split])
        _strip(looks, alike, row, SPLIT_COLOURS[split])
        new = 1 - float(part["clip_in_train"].mean())
        unseen.barh(row, new, height=0.5, color=SPLIT_COLOURS[split])
        unseen.annotate(percent(new), (new, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
        facts = [f"median {apart.median():.3g} {unit} apart, nearest {apart.min():.3g}"] if len(apart) else []
        facts += [f"median similarity {alike.median():.2f}"] if len(alike) else []
        words.append(
            f"{name} ({count_of(len(part), 'frame')}): {', '.join([*facts, f'{percent(new)} in new clips'])}"
        )
    time.set_yticks(range(len(entries)), [name for name, *_ in entries])
    time.set_ylim(len(entries) - 0.5, -0.5)
    near = 1 if unit == "seconds" else 10  # linear up to here, logarithmic beyond
    time.set_xscale("symlog", linthresh=near)
    time.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=near, subs=(1, 2, 5)))
    time.set_xlim(left=-0.05 * near)
    time.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    time.set(title=f"Nearest of the same clip ({unit})")
    looks.set(title="Most similar (correlation)")
    looks.set_xlim(looks.dataLim.x0 - 0.03 if looks.collections else 0, 1.0)
    unseen.set(title="Clip is new", xlim=(0, 1.35), xticks=[0, 0.5, 1], xticklabels=["0%", "50%", "100%"])
    for axes in (time, looks, unseen):
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    return describe(
        figure,
        f"Held-out frames and their nearest training frames, in time and in looks. {'. '.join(words)}.",
        "How near the held-out frames are to training: distance to the nearest training frame of the same clip, highest "
        f"correlation with any training frame, share of frames in clips new to training; black bars are medians. {'. '.join(words)}.",
    )


def _strip(axes: Axes, values: pd.Series, row: int, colour: str) -> None:
    """One dot a value, scattered over the row, and a bar at the median."""
    lift = np.random.default_rng(0).uniform(-0.24, 0.24, len(values))
    axes.scatter(values, row + lift, s=11, alpha=0.55, linewidth=0, color=colour, clip_on=False)
    if len(values):
        axes.plot([values.median()] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=2)


@themed
def neighbour_pairs(pairs: Sequence[tuple[np.ndarray, np.ndarray, str]]) -> Figure:
    """Held-out frames above their nearest training frames.

    Args:
        pairs: (held-out image, training image, title), images (H, W, 3) uint8 RGB.
    """
    height, width = pairs[0][0].shape[:2]
    figure = new_figure(WIDTH, 2 * WIDTH / len(pairs) * height / width + 0.7)
    axes = figure.subplots(2, len(pairs), squeeze=False)
    for (above, below), (held, train, title) in zip(axes.T, pairs, strict=True):
        plain_image(above, held, title)
        plain_image(below, train, "nearest training frame")
    alike = [float(np.corrcoef(held.ravel(), train.ravel())[0, 1]) for held, train, _ in pairs]
    return describe(
        figure,
        f"{count_of(len(pairs), 'held-out frame')} above the nearest training frames: {join_words([title for *_, title in pairs])}.",
        f"Held-out frames and, below each, the nearest training frame of its clip. Their pixels correlate at "
        f"{join_words([f'{value:.2f}' for value in alike])}.",
    )


def audit_finding(audit: pd.DataFrame) -> str:
    """What the audit says about trusting val and test scores, as Markdown."""
    parts = []
    for split in [name for name in HELD_OUT if (audit["split"] == name).any()]:
        part = audit[audit["split"] == split]
        name, seen = SPLIT_NAMES[split].capitalize(), float(part["clip_in_train"].mean())
        unit, apart = "seconds", part["seconds"].dropna()
        if apart.empty:
            unit, apart = "frames", part["distance"].dropna()
        if seen == 0:
            text = f"**{name}** frames all come from clips that training never saw"
        else:
            text = (
                f"**{name}**: {percent(seen)} of {len(part)} frames lie in clips that training draws from too, at a "
                f"median of {apart.median():.3g} {unit} from the nearest training frame (nearest: {apart.min():.3g})"
            )
        if part["similarity"].notna().any():
            text += f"; the most similar training picture correlates at {part['similarity'].median():.2f}"
        if seen > 0.75:
            text += (
                ". Its scores say how well familiar streets are segmented, and read optimistic for new ones."
            )
        elif seen > 0:
            text += ". Its scores mix familiar streets with new ones."
        else:
            text += ". Its scores are an honest estimate for new streets of this kind."
        parts.append(text)
    return "\n\n".join(parts)


def nearness_finding(audits: Mapping[str, pd.DataFrame]) -> str:
    """Which way to split leaves held-out frames nearest to training, as Markdown.

    Args:
        audits: title to audit table, as for `split_distances`.
    """
    column, unit = (
        ("seconds", "s")
        if all(a["seconds"].notna().any() for a in audits.values())
        else ("distance", "frames")
    )
    apart = pd.Series({name: audit[column].median() for name, audit in audits.items()}).sort_values()
    alike = {name: audit["similarity"].median() for name, audit in audits.items()}
    listed = [f"{name} {value:.3g} {unit} (similarity {alike[name]:.2f})" for name, value in apart.items()]
    text = f"Median distance of a validation frame from its nearest training frame: {join_words(listed)}. "
    if apart.iloc[-1] > 1.5 * apart.iloc[0]:
        text += (
            f"**{apart.index[0]}** puts them {apart.iloc[-1] / max(apart.iloc[0], 1e-9):.0f} times nearer than {apart.index[-1]}: "
            "its validation score is the easier one, and says less about new streets."
        )
    return text.strip()


def leak_finding(frames: pd.DataFrame) -> str:
    """How many validation samples have another copy of their own frame in training, as Markdown.

    Args:
        frames: an expanded and split frames table.
    """
    keys = ["clip", "number"]
    train = frames.loc[frames["split"] == "train", keys].drop_duplicates()
    val = frames.loc[frames["split"] == "val", keys]
    twins = len(val.merge(train, on=keys))
    if not twins:
        return f"None of the {count_of(len(val), 'validation sample')} has a copy of its frame in training."
    return (
        f"**{twins} of {count_of(len(val), 'validation sample')} ({percent(twins / max(len(val), 1))}) are copies of frames "
        "that training sees too**, augmented otherwise. Such a validation score measures memory."
    )
