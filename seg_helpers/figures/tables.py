"""Sentences and tables as a page displays them: leaderboards, what a budget buys.

Neither torch nor matplotlib is loaded for it, which would take seconds of each index.
"""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import Markdown, display
from pandas.io.formats.style import Styler

from seg_helpers.config import project_root
from seg_helpers.figures.words import write_count
from seg_helpers.progress import format_seconds

COSTS = {  # column to what it is called and how it is written
    "latency_milliseconds": ("Milliseconds for one image", "{:g}".format),
    "parameters": ("Parameters", write_count),
    "training_seconds": ("Training time", format_seconds),
}
GROUPS = {  # of networks that share a protocol (`seg_helpers/groups.yaml`)
    "encoder": "Networks on an encoder made for classification",
    "scratch": "Networks that start from random weights as a whole",
    "alone": "Networks that no group can hold: another encoder, input size or data set",
}
LEADERBOARD = {  # column of `average_seeds` to its heading and how its values are written
    "title": ("model", None),
    "mean_iou": ("mean IoU", "{:.3f}"),
    "interval": ("95% interval", None),
    "each": ("each seed", None),
    "start": ("start", None),
    "size": ("input", None),
    "epochs": ("epochs", None),
    "training_seconds": ("training time", format_seconds),
    "parameters": ("parameters", write_count),
    "multiply_adds": ("MACs", write_count),
    "latency_milliseconds": ("ms an image", "{:.0f}"),
    "pixel_accuracy": ("pixel accuracy", "{:.3f}"),
    "mean_dice": ("mean Dice", "{:.3f}"),
    "val_mean_iou": ("val mean IoU", "{:.3f}"),
}
# Below a cell's words a line from {0}% to {1}% of its width, the interval, and a mark at {2}%, the score.
BAR = (
    "min-width: 10rem; padding-right: 1rem; padding-bottom: .8em; background: "
    "linear-gradient(90deg, #0000 calc({2}% - 1.5px), currentColor 0 calc({2}% + 1.5px), #0000 0) 0 100% / 100% 9px no-repeat, "
    "linear-gradient(90deg, #0000 {0}%, var(--accent, #0072b2) 0 {1}%, #0000 0) 0 calc(100% - 3px) / 100% 3px no-repeat"
)


def say(text: str) -> None:
    """Displays a finding, as Markdown; nothing where there is nothing to say."""
    if text:
        display(Markdown(text))


def show_table(table: pd.DataFrame, caption: str, formats: dict[str, str | Callable] | None = None, **how) -> None:
    """Displays a table of `style_table`."""
    display(style_table(table, caption, formats, **how))


def style_table(
    table: pd.DataFrame,
    caption: str,
    formats: dict[str, str | Callable] | None = None,
    best_high: Iterable[str] = (),
    best_low: Iterable[str] = (),
    swatches: dict[str, Sequence[int]] | None = None,
) -> Styler:
    """A table without its index, its caption above it.

    Args:
        formats: column to format string or function; missing values are shown as an en dash.
        best_high, best_low: columns whose largest or smallest value is bold.
        swatches: text of a first-column cell to the color (RGB, 0-255) of a small square before it.
    """
    formats = {column: how for column, how in (formats or {}).items() if column in table}
    styler = table.reset_index(drop=True).style.hide(axis="index")
    styler.set_caption(html.escape(caption, quote=False))
    styler.format(formats, na_rep="–", escape="html").format_index(escape="html", axis=1)
    styler.set_uuid("t").set_table_attributes('class="dataframe"')
    for columns, highlight in ((best_high, styler.highlight_max), (best_low, styler.highlight_min)):
        columns = [column for column in columns if column in table and table[column].nunique() > 1]
        if columns:
            highlight(subset=columns, props="font-weight: bold")
    numeric = [name for name in table if pd.api.types.is_numeric_dtype(table[name]) or name.endswith("interval")]
    styler.set_properties(subset=numeric, **{"text-align": "right", "white-space": "nowrap"})
    styler.set_properties(subset=table.columns.difference(numeric), **{"text-align": "left"})
    styler.map_index(lambda name: f"text-align: {'right' if name in numeric else 'left'}", axis="columns")
    if swatches:
        css = "border-left: 1.1em solid rgb({}, {}, {}); padding-left: .5em"
        marks = {cell: css.format(*color) for cell, color in swatches.items()}
        styler.map(lambda cell: marks.get(cell, ""), subset=[table.columns[0]])
    return styler


def style_leaderboard(
    runs: pd.DataFrame, caption: str, links: Mapping[str, str] | None = None, scale: tuple[float, float] | None = None
) -> Styler:
    """What `LEADERBOARD` names of `average_seeds` and `latency_milliseconds`, the best first, its intervals as bars.

    Args:
        links: title to the address that it leads to.
        scale: the mean IoU at the two ends of the bars; by default the lowest and the highest end of these intervals.
    """
    runs = runs.sort_values("mean_iou", ascending=False)
    values = [", ".join(map("{:.3f}".format, each)) if len(each) > 1 else None for each in runs["each"]]
    ends = runs[["mean_iou_low", "mean_iou_high"]].to_numpy()
    runs = runs.assign(each=values, interval=["{:.3f} to {:.3f}".format(*pair) for pair in ends])
    table = runs.filter(LEADERBOARD).dropna(axis=1, how="all")
    cheap = ["parameters", "MACs", "ms an image"]  # training time may be of several machines
    scores = [heading for _, (heading, how) in LEADERBOARD.items() if how == "{:.3f}"]
    formats = dict(LEADERBOARD.values()) | {"model": lambda title: _link(title, (links or {}).get(title))}
    styler = style_table(
        table.rename(columns=dict(zip(LEADERBOARD, formats, strict=True))), caption, formats, scores, cheap
    )
    low, high = scale or (ends.min(), ends.max())
    places = 100 * (np.column_stack([ends, runs["mean_iou"]]) - low) / max(high - low, 1e-9)
    bars = [BAR.format(*row.round(1)) for row in places]
    return styler.apply(lambda _: bars, subset=["95% interval"])


def _link(title: str, address: str | None) -> str:
    return f'<a href="{address}">{title}</a>' if address else title


def show_leaderboard(runs: pd.DataFrame, caption: str, **how) -> None:
    """Displays runs of one kind, see `style_leaderboard`."""
    display(style_leaderboard(runs, caption, **how))


def find_front(runs: pd.DataFrame, cost: str) -> pd.DataFrame:
    """The rows that no other beats in both `cost` and mean IoU, the cheapest first; each is better than those before."""
    table = runs.dropna(subset=[cost, "mean_iou"]).sort_values([cost, "mean_iou"], ascending=[True, False])
    return table[table["mean_iou"] > table["mean_iou"].cummax().shift(fill_value=-np.inf)]


def show_budgets(runs: pd.DataFrame) -> None:
    """Displays which network to take for how much of each cost, of `average_seeds` and `latency_milliseconds`.

    Training times are compared on the machine that trained most of them.
    """
    machine = runs["device"].mode()[0]
    runs = runs.assign(training_seconds=runs["training_seconds"].where(runs["device"] == machine))
    rows = []
    for cost, (name, write) in COSTS.items():
        front = find_front(runs, cost)
        until = [f" to {write(more)}" for more in front[cost].round(1)[1:]] + [" or more"]
        for row, budget, end in zip(front.itertuples(), front[cost].round(1), until, strict=True):
            amount = (write(budget) + end).replace(" ", "\N{NO-BREAK SPACE}")
            rows.append((name, amount, row.title, row.mean_iou, row.mean_iou - runs["mean_iou"].max()))
    columns = ["what is scarce", "as much as you have", "take", "mean IoU", "against the best"]
    formats = {"mean IoU": "{:.3f}", "against the best": "{:+.3f}"}
    caption = f"The network for a budget; training times are those on {machine}"
    show_table(pd.DataFrame(rows, columns=columns), caption, formats)


def show_published(dataset: str) -> None:
    """Displays results that others published on a data set, of `notebooks/published/DATASET.csv`, if it has any."""
    path = project_root() / "notebooks" / "published" / f"{dataset}.csv"
    if not path.is_file():
        say(f"Nobody has published results on {dataset} that these could stand beside.")
        return
    table = pd.read_csv(path)
    caption = (
        f"Published mean IoU on the test split of {dataset}, 11 classes; an en dash where the source does not say. Start is "
        "what the network was trained on before."
    )
    link = '<a href="{0}">{0}</a>'.format
    show_table(table, caption, {"mean IoU": "{:.3f}", "parameters": write_count, "source": link})
