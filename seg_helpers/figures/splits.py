"""Figures and findings about clips and splits: who trains, who validates, and how near the one is to the other."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, SymmetricalLogLocator

from seg_helpers.datasets import NEARLY_IDENTICAL, Cache
from seg_helpers.figures.display import ReportFigure, show_table
from seg_helpers.figures.pictures import image_grid
from seg_helpers.figures.plots import row_plot
from seg_helpers.figures.style import INK, MUTED, SPLIT_COLORS, SPLIT_NAMES, WIDTH, new_figure, themed
from seg_helpers.figures.words import count_of, join_words, percent, plain, verb

HELD_OUT = ("val", "test")


@themed
def split_timelines(tables: Mapping[str, pd.DataFrame]) -> ReportFigure:
    """One time line of clips a split strategy, above each other; frames of unknown clip have a line a split.

    Args:
        tables: title to frames table.
    """
    first = next(iter(tables.values()))
    known = first.loc[first["clip"] != "", "clip"].nunique()
    tables = {title: table.assign(clip=_name_lines(table)) for title, table in tables.items()}
    rows = [table["clip"].nunique() for table in tables.values()]
    figure = new_figure(WIDTH, sum(0.36 * number + 0.5 for number in rows) + 0.8)
    panels = figure.subplots(len(tables), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
    sentences, present = [], set()
    for axes, (title, table) in zip(panels, tables.items(), strict=True):
        names, parts = [], []
        for row, (name, clip) in enumerate(table.groupby("clip")):
            for split, start, width in _bands(clip):
                axes.broken_barh([(start, width)], (row - 0.34, 0.68), color=SPLIT_COLORS[split], linewidth=0)
            counts = [f"{number} {SPLIT_NAMES[split]}" for split, number in clip["split"].value_counts().items()]
            names.append(f"{name}  ({len(clip)})")
            parts.append(f"{name}: {join_words(counts)}")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        present |= set(table["split"])
        heading = f"{title}: " if title else ""
        sentences.append(heading + "; ".join(parts))
    panels[-1].set_xlabel("Position of the frame in its clip")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    handles = [
        Patch(color=color, label=SPLIT_NAMES[split]) for split, color in SPLIT_COLORS.items() if split in present
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), handlelength=1)
    clips = count_of(known, "clip") if known else "unknown clips"
    if known and (first["clip"] == "").any():
        clips += " and of unknown ones"
    return ReportFigure(
        figure,
        f"Time lines of clips, colored by split. {'. '.join(sentences)}.",
        f"The clips on a time line, their numbers of frames in brackets: {count_of(len(first), 'frame')} of {clips}.",
    )


def _name_lines(frames: pd.DataFrame) -> pd.Series:
    """The clip of each frame; where it is unknown, numbers of two splits need not be of one clip."""
    unknown = frames["split"].map(SPLIT_NAMES) + ", clip unknown"
    return frames["clip"].where(frames["clip"] != "", unknown)


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
def split_distances(audits: Mapping[str, pd.DataFrame]) -> ReportFigure:
    """How near each val and test frame is to training: in time, in looks, and whether its clip is new.

    Args:
        audits: title to audit table (of `seg_helpers.datasets.audit_split`): `split`, `clip_in_train`, `distance`,
            `seconds` and `similarity`, NaN or NA where not known.
    """
    parts = {
        f"{title} · {SPLIT_NAMES[split]}" if title else SPLIT_NAMES[split]: audit[audit["split"] == split]
        for title, audit in audits.items()
        for split in HELD_OUT
        if (audit["split"] == split).any()
    }
    colors = [SPLIT_COLORS[part["split"].iloc[0]] for part in parts.values()]
    column, unit = _choose_unit(audits)
    figure = new_figure(WIDTH, 0.55 * len(parts) + 1.3)
    time, looks, unseen = figure.subplots(1, 3, sharey=True, width_ratios=(3, 2.4, 1.2))
    shares, marks, words = [], [], []
    for row, ((name, part), color) in enumerate(zip(parts.items(), colors, strict=True)):
        apart, alike = part[column].dropna(), part["similarity"].dropna()
        _strip(time, apart, row, color)
        _strip(looks, alike, row, color)
        new, unknown = _shares_of_clips(part)
        facts = []
        if len(apart):
            facts.append(f"median {_write(apart.median())} {unit} apart, nearest {_write(apart.min())}")
        if len(alike):
            facts.append(f"median similarity {alike.median():.2f}")
        if unknown == 1:
            mark, fact = "unknown", "clips unknown"
        elif unknown:
            mark = f"{percent(new)}, {percent(unknown)} unknown"
            fact = f"{percent(new)} in new clips, {percent(unknown)} in unknown ones"
        else:
            mark, fact = percent(new), f"{percent(new)} in new clips"
        shares.append(new)
        marks.append(mark)
        words.append(f"{name} ({count_of(len(part), 'frame')}): {', '.join([*facts, fact])}")
    row_plot(unseen, list(parts), shares, marks, colors=colors)
    near = 1 if unit == "seconds" else 10  # linear up to here, logarithmic beyond
    time.set_xscale("symlog", linthresh=near)
    time.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=near, subs=(1, 2, 5)))
    time.set_xlim(left=-0.05 * near)
    time.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    time.set_title(f"Nearest of the same clip ({unit})")
    if not any(part[column].notna().any() for part in parts.values()):
        time.set_title("Nearest of the same clip: unknown")
        time.xaxis.set_visible(False)
    looks.set_title("Most similar (correlation)")
    looks.set_xlim(min(looks.dataLim.x0, NEARLY_IDENTICAL) - 0.03 if looks.collections else 0, 1.0)
    looks.axvline(NEARLY_IDENTICAL, color=MUTED, linewidth=1, linestyle=(0, (2, 2)), zorder=1)
    unseen.set(title="Clip is new", xlim=(0, 1.35), xticks=[0, 0.5, 1], xticklabels=["0%", "50%", "100%"])
    for axes in (time, looks):
        axes.grid(axis="y", visible=False)
    return ReportFigure(
        figure,
        f"Held-out frames and their nearest training frames, in time and in looks. {'. '.join(words)}.",
        "How near the held-out frames are to training: distance to the nearest training frame of the same clip, highest "
        f"correlation with any training frame (from {NEARLY_IDENTICAL}, dotted, pictures are nearly identical), share of frames in "
        f"clips new to training; black bars are medians. {'. '.join(words)}.",
    )


def _choose_unit(audits: Mapping[str, pd.DataFrame]) -> tuple[str, str]:
    """Column and unit of distances in time: seconds if all audits know them."""
    timed = all(audit["seconds"].notna().any() for audit in audits.values())
    return ("seconds", "seconds") if timed else ("distance", "frames")


def _shares_of_clips(audit: pd.DataFrame) -> tuple[float, float]:
    """Shares of frames whose clip is new to training, and whose clip nobody knows."""
    seen = audit["clip_in_train"].astype("boolean")
    return float((~seen).fillna(False).mean()), float(seen.isna().mean())


def _strip(axes: Axes, values: pd.Series, row: int, color: str) -> None:
    """One dot a value, scattered over the row, and a bar at the median."""
    lift = np.random.default_rng(0).uniform(-0.24, 0.24, len(values))
    axes.scatter(values, row + lift, s=11, alpha=0.55, linewidth=0, color=color, clip_on=False)
    if len(values):
        axes.plot([values.median()] * 2, [row - 0.34, row + 0.34], color=INK, linewidth=2)


def show_duplicates(matches: pd.DataFrame) -> None:
    """Display how many pictures of one split are in another too, whatever their names.

    Args:
        matches: from `seg_helpers.datasets.match_pictures`.
    """
    rows = [
        {
            "pictures of": SPLIT_NAMES[split],
            "looked for in": SPLIT_NAMES[other],
            "pictures": len(part),
            "identical": int(part["identical"].sum()),
            "nearly identical": int(_nearly_identical(part).sum()),
            "median similarity": part["similarity"].median(),
            "highest": part["similarity"].max(),
        }
        for (split, other), part in matches.groupby(["split", "other_split"], sort=False)
    ]
    show_table(
        pd.DataFrame(rows),
        "Pictures that are in two splits: identical ones are equal in every pixel, nearly identical ones correlate at "
        f"{NEARLY_IDENTICAL} or more without being equal. The similarity is the correlation with the most similar picture.",
        {"median similarity": "{:.2f}", "highest": "{:.2f}"},
    )


def _nearly_identical(table: pd.DataFrame) -> pd.Series:
    return (table["similarity"] >= NEARLY_IDENTICAL) & ~table["identical"].astype(bool)


@themed
def picture_pairs(matches: pd.DataFrame, cache: Cache, count: int = 4) -> ReportFigure:
    """The held-out pictures that are most like one of another split, each above that one; no picture is shown twice.

    Args:
        matches: from `seg_helpers.datasets.match_pictures`, with one row at least.
        cache: decoded frames.
        count: of pairs, shared among val and test.
    """
    ranked = matches.sort_values(["identical", "similarity"], ascending=False, kind="stable")
    ranked = ranked[~ranked.index.duplicated()].drop_duplicates(["split", "other_row"])
    pairs = ranked.groupby("split", sort=False).head(max(1, count // ranked["split"].nunique()))
    pairs = pairs.sort_values("split", key=lambda names: names.map(HELD_OUT.index), kind="stable")
    above, below, words = [], [], []
    for pair in pairs.itertuples():
        alike = "identical" if pair.identical else f"similarity {pair.similarity:.2f}"
        name, other = _shorten(Path(pair.image).stem), _shorten(Path(pair.other_image).stem)
        above.append((f"{SPLIT_NAMES[pair.split]}\n{name}", cache.images[pair.Index]))
        below.append((f"{SPLIT_NAMES[pair.other_split]}, {alike}\n{other}", cache.images[pair.other_row]))
        words.append(f"{name} ({pair.split}) and {other} ({pair.other_split}): {alike}")
    empty = [None] * (3 - len(pairs))  # a few pairs are not blown up
    figure, _ = image_grid([*above, *empty, *below, *empty], max(len(pairs), 3))
    return ReportFigure(
        figure,
        f"{count_of(len(pairs), 'held-out picture')} above the most similar one of another split. {'; '.join(words)}.",
        "Held-out pictures that are most like one of another split and, below each, that one. Similarity is the "
        "correlation of small gray copies.",
    )


def _shorten(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[1 - most // 2 :]}"


def audit_finding(audit: pd.DataFrame) -> str:
    """What clips and pictures say about trusting val and test scores, as Markdown.

    Args:
        audit: from `seg_helpers.datasets.audit_split`, with a cache.
    """
    parts = {split: audit[audit["split"] == split] for split in HELD_OUT}
    return "\n\n".join(
        f"**{SPLIT_NAMES[split].capitalize()}**, {count_of(len(part), 'frame')}: "
        f"{_judge_pictures(part)} {_judge_clips(part)} {_judge_scores(part)}"
        for split, part in parts.items()
        if len(part)
    )


def _judge_pictures(part: pd.DataFrame) -> str:
    identical, nearly = int(part["identical"].sum()), int(_nearly_identical(part).sum())
    if identical == len(part):
        return "a copy of training pictures, each equal to one in every pixel."
    found = [f"{identical} equal to a training picture in every pixel"] if identical else []
    found += [f"{nearly} nearly identical to one of training"] if nearly else []
    return (
        f"{join_words(found) or 'none nearly identical to a training picture'} (the most similar training picture "
        f"correlates at a median of {part['similarity'].median():.2f}, at most {part['similarity'].max():.2f})."
    )


def _judge_clips(part: pd.DataFrame) -> str:
    seen = part["clip_in_train"].fillna(False).astype(bool)
    new, unknown = part[(~part["clip_in_train"]).fillna(False)], part[part["clip_in_train"].isna()]
    sentences = []
    if seen.any():
        inside = part[seen]
        unit, apart = "seconds", inside["seconds"]
        if apart.isna().any():
            unit, apart = "frames", inside["distance"]
        between, where = int(inside["between"].sum()), "from which training draws too"
        if between == len(inside):
            where = "between training frames of the same clip"
        elif between:
            where += f" ({between} lie between training frames)"
        sentences.append(
            f"{_count_clips(inside, len(part))}, {where}: a median of {_write(apart.median())} {unit} from the nearest "
            f"training frame, {_write(apart.min())} at least."
        )
    if len(new):
        alike = (new["similarity"] >= NEARLY_IDENTICAL).any()
        known_as = "not named in training" if alike else "which training never saw"
        sentences.append(f"{_count_clips(new, len(part))}, {known_as}.")
    if len(unknown):
        whose = "The file names" if len(unknown) == len(part) else f"The file names of {len(unknown)}"
        sentences.append(f"{whose} do not tell which clips they share with training.")
    return " ".join(sentences)


def _write(distance: float) -> str:
    return f"{distance:,.0f}" if distance >= 100 else f"{distance:.3g}"


def _count_clips(some: pd.DataFrame, total: int) -> str:
    clips = [plain(name) for name in dict.fromkeys(some["clip"])]
    if len(clips) == 1:
        numbers = some["number"].sort_values()
        steps = numbers.diff().dropna().unique()
        regular = f", in steps of {steps[0]:.0f}" if len(steps) == 1 else ""
        named = f"clip {clips[0]} (numbers {numbers.iloc[0]} to {numbers.iloc[-1]}{regular})"
    else:
        named = f"clips {join_words(clips)}" if len(clips) <= 3 else f"{len(clips)} clips"
    many = "All" if len(some) == total else f"{len(some)} of {total}"
    return f"{many} {verb(len(some), 'come')} from {named}"


def _judge_scores(part: pd.DataFrame) -> str:
    new, unknown = _shares_of_clips(part)
    alike = float((part["similarity"] >= NEARLY_IDENTICAL).mean())
    if alike > 0.5:
        return "Its scores measure memory: they say nothing about streets that training did not see."
    chosen_on = int((part["val_similarity"] >= NEARLY_IDENTICAL).sum())
    if chosen_on:
        return f"{chosen_on} of {len(part)} show what validation shows, which chooses the epoch: they are no test."
    if unknown:
        rest = f"The other {percent(1 - alike)}" if alike else "Its scores"
        return f"{rest} may be of streets that training saw: nothing here shows that scores hold for new ones."
    if alike:
        return f"Names do not tell what the pictures have in common: nothing here shows how the other {percent(1 - alike)} do."
    if new == 1:
        return "Its scores are an honest estimate for new streets of this kind."
    if new < 0.25:
        return "Its scores say how well familiar streets are segmented, and read optimistic for new ones."
    return "Its scores mix familiar streets with new ones."


def nearness_finding(audits: Mapping[str, pd.DataFrame]) -> str:
    """Which way to split leaves held-out frames nearest to training, as Markdown.

    Args:
        audits: title to audit table, as for `split_distances`.
    """
    column, unit = _choose_unit(audits)
    unit = "s" if unit == "seconds" else unit
    apart = pd.Series({name: audit[column].median() for name, audit in audits.items()}).sort_values()
    alike = {name: audit["similarity"].median() for name, audit in audits.items()}
    if apart.isna().any():
        listed = join_words([f"{name} {value:.2f}" for name, value in alike.items()])
        return f"File names tell no clip, and so no distance. Median similarity to the most similar training picture: {listed}."
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
