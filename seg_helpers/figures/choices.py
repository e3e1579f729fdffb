"""What was chosen before the test split was met: the candidates of a group's recipe, and each network's learning rate."""

from collections.abc import Sequence

import pandas as pd

from seg_helpers.config import Profile
from seg_helpers.datasets import BRACKETED
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.experiments import Run, average_seeds, compare_runs, read_runs, tabulate_runs
from seg_helpers.figures import style
from seg_helpers.figures.display import ReportFigure
from seg_helpers.figures.plots import log_axis
from seg_helpers.figures.tables import show_table
from seg_helpers.progress import format_seconds


def list_candidates(profile: Profile) -> dict[str, list[Run]]:
    """Group to the finished runs that were scored on a clip held out of training; the first is what the rest change."""
    found: dict[str, list[Run]] = {}
    runs = read_runs(profile, ablations=True, every_seed=True)
    order = {name: place for place, name in enumerate(profile.run_names())}
    for run in sorted(runs, key=lambda run: (order[run.name], run.seed)):
        if run.config.data.split.kind == "held_out_clip":
            found.setdefault(run.config.group, []).append(run)
    return found


def show_candidates(runs: Sequence[Run]) -> None:
    """Displays what a group's candidates score on the held-out clip and on the data set's own val frames, best first."""
    table = average_seeds(tabulate_runs(list(runs))).set_index("title")
    bracketed = [(run.title, compute_metrics(run.confusions[BRACKETED].sum(0))["mean_iou"]) for run in runs]
    table["on val"] = pd.DataFrame(bracketed, columns=["title", "score"]).groupby("title")["score"].mean()
    table = table.join(compare_runs(list(runs), runs[0]).set_index("name")[["difference", "p_value"]])
    agreement = table["mean_iou"].corr(table["on val"], method="spearman")
    clip = f"on clip {runs[0].config.data.split.clip}"
    table["each"] = [", ".join(map("{:.3f}".format, each)) for each in table["each"]]
    columns = {
        "mean_iou": clip,
        "each": "each seed",
        "difference": "difference",
        "p_value": "p (Holm)",
        "on val": "on val",
    }
    columns |= {"epochs": "epochs", "training_seconds": "training time"}
    show_table(
        table.rename_axis("candidate")[list(columns)].rename(columns=columns).reset_index(),
        f"Mean IoU {clip}, which none of these was trained on, beside val, which lies between training frames: their "
        f"rankings agree by a rank correlation of {agreement:.2f}. Differences are from {runs[0].title}, paired by frame "
        "and seed.",
        dict.fromkeys([clip, "p (Holm)", "on val"], "{:.3f}")
        | {"difference": "{:+.3f}", "training time": format_seconds},
        best_high=[clip, "on val"],
    )


def tabulate_search(profile: Profile, name: str) -> pd.DataFrame:
    """Val mean IoU of a search's finished runs: a row a network (its title), a column a value, and the one in use."""
    search = profile.searches[name]
    scores = {run.name: run.scores["val"]["mean_iou"] for run in read_runs(profile, ablations=True)}
    rows = {}
    for network in search.runs:
        found = {value: scores.get(run) for run, value in search.values_of(network, name).items()}
        settings = pd.json_normalize(profile.experiment(network).fingerprinted())
        if any(found.values()):
            rows[profile.experiment(network).title] = found | {"in use": settings[search.key].item()}
    return pd.DataFrame.from_dict(rows, orient="index")


@style.themed
def search_curves(table: pd.DataFrame, key: str) -> ReportFigure:
    """Val mean IoU of a `tabulate_search` against the value: a curve a network, its mark where the value in use is."""
    figure = style.new_figure(height=3.6)
    axes, looks = figure.subplots(), style.network_styles(list(table.index))
    for title, row in table.iterrows():
        color, dashes, marker = looks[title]
        scores = row.drop("in use").dropna()
        axes.plot(scores.index, scores, color=color, linestyle=dashes, linewidth=1.3)
        used = scores.get(row["in use"], float("nan"))
        axes.plot(row["in use"], used, marker, markersize=6, color=color, linestyle=dashes, label=title)
    log_axis(axes.xaxis, "{:.0e}".format)
    axes.set(xlabel=f"{key} (log scale)", title="Validation mean IoU")
    figure.legend(loc="outside right upper")
    return ReportFigure(
        figure, f"Val mean IoU against {key}: each network's own short runs; the mark is the value in use."
    )
