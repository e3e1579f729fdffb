"""Figures about clips and splits: who trains, who validates, and how near the one is to the other."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, SymmetricalLogLocator

from seg_helpers.datasets import NEARLY_IDENTICAL, Cache
from seg_helpers.datasets.audit import HELD_OUT
from seg_helpers.figures.display import PictureGrid, ReportFigure
from seg_helpers.figures.plots import name_rows, picture_rows
from seg_helpers.figures.style import INK, MUTED, SPLIT_COLORS, SPLIT_NAMES, new_figure, themed
from seg_helpers.figures.words import percent


@themed
def split_timelines(tables: Mapping[str, pd.DataFrame]) -> ReportFigure:
    """The clips of each frames table, by title, on a time line; frames of unknown clip have a line a split."""
    lines = {}  # where the clip is unknown, numbers of two splits need not be of one clip
    for title, table in tables.items():
        unknown = table["split"].map(SPLIT_NAMES) + ", clip unknown"
        lines[title] = table.assign(clip=table["clip"].where(table["clip"] != "", unknown))
    rows = [table["clip"].nunique() for table in lines.values()]
    figure = new_figure(height=sum(0.36 * number + 0.5 for number in rows) + 0.8)
    panels = figure.subplots(len(lines), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
    for axes, (title, table) in zip(panels, lines.items(), strict=True):
        names = []
        for row, (name, clip) in enumerate(table.groupby("clip")):
            for split, start, width in _bands(clip):
                axes.broken_barh([(start, width)], (row - 0.34, 0.68), color=SPLIT_COLORS[split], linewidth=0)
            names.append(f"{name}  ({len(clip)})")
        name_rows(axes, names)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
    panels[-1].set_xlabel("Position of the frame in its clip")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    present = set(pd.concat(lines.values())["split"])
    handles = [Patch(color=SPLIT_COLORS[split], label=name) for split, name in SPLIT_NAMES.items() if split in present]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), handlelength=1)
    return ReportFigure(figure, "The clips on a time line, their numbers of frames in brackets.")


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
def split_distances(audit: pd.DataFrame) -> ReportFigure:
    """How near val and test are to training in time, looks and clips: a table of `audit_split`, NaN unknown."""
    parts = {split: audit[audit["split"] == split] for split in HELD_OUT if (audit["split"] == split).any()}
    timed = audit["seconds"].notna().any()
    column, unit, near = ("seconds", "seconds", 1) if timed else ("distance", "frames", 10)
    figure = new_figure(height=0.55 * len(parts) + 1.3)
    time, looks = figure.subplots(1, 2, sharey=True)
    names, generator = [], np.random.default_rng(0)
    for row, (split, part) in enumerate(parts.items()):
        for axes, values in ((time, part[column].dropna()), (looks, part["similarity"].dropna())):
            lift = row + generator.uniform(-0.24, 0.24, len(values))
            axes.scatter(values, lift, s=11, alpha=0.55, linewidth=0, color=SPLIT_COLORS[split], clip_on=False)
            axes.vlines(values.median(), row - 0.34, row + 0.34, color=INK, linewidth=2)
        seen = part["clip_in_train"].astype("boolean")
        new, unknown = float((~seen).fillna(False).mean()), float(seen.isna().mean())
        names.append(
            f"{SPLIT_NAMES[split]}\nclips: {percent(new)} new" + (f", {percent(unknown)} unknown" if unknown else "")
        )
    name_rows(time, names)
    time.set_xscale("symlog", linthresh=near)  # linear up to here, logarithmic beyond
    time.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=near, subs=(1, 2, 5)))
    time.xaxis.set_major_formatter("{x:g}")
    time.set_xlim(left=-0.05 * near)
    time.set_title(f"Nearest of the same clip ({unit})")
    looks.set_title("Most similar (correlation)")
    looks.axvline(NEARLY_IDENTICAL, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    looks.grid(axis="y", visible=False)
    return ReportFigure(
        figure,
        "How near the held-out frames are to training: share of frames in clips new to it, distance to the nearest training "
        "frame of the same clip, highest correlation with any training frame (from "
        f"{NEARLY_IDENTICAL}, dotted, pictures are nearly identical); black bars are medians.",
    )


def picture_pairs(matches: pd.DataFrame, cache: Cache, count: int = 4) -> PictureGrid:
    """Held-out pictures of `match_pictures` (one at least) above their match; `count` for val and test, none twice."""
    ranked = matches.sort_values(["identical", "similarity"], ascending=False, kind="stable")
    ranked = ranked[~ranked.index.duplicated()].drop_duplicates(["split", "other_row"])
    pairs = ranked.groupby("split", sort=False).head(max(1, count // ranked["split"].nunique()))
    pairs = pairs.sort_values("split", key=lambda names: names.map(HELD_OUT.index), kind="stable")
    above, below = [], []
    for pair in pairs.itertuples():
        alike = "identical" if pair.identical else f"similarity {pair.similarity:.2f}"
        name, other = (textwrap.fill(Path(file).stem, 30) for file in (pair.image, pair.other_image))
        above.append((f"{SPLIT_NAMES[pair.split]}\n{name}", cache.images[pair.Index]))
        below.append((f"{SPLIT_NAMES[pair.other_split]}, {alike}\n{other}", cache.images[pair.other_row]))
    caption = (
        "Held-out pictures that are most like one of another split and, below each, that one. Similarity is the "
        "correlation of small gray copies."
    )
    return picture_rows([*above, *below], len(pairs), caption)
