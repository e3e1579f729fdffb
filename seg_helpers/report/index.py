"""The index of a profile's report: what was run, on what, when, what came of it, and what failed."""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
from jinja2 import Environment, FileSystemLoader
from nbformat import NotebookNode

from seg_helpers.config import Profile, project_root
from seg_helpers.experiments import list_runs, tabulate_runs
from seg_helpers.figures.runs import list_notes
from seg_helpers.progress import format_seconds
from seg_helpers.report.dependencies import list_notebooks
from seg_helpers.report.pages import TEMPLATES, describe_commit, find_title

INDEX_FIGURE = "index-figure"  # tag of the cell whose figure stands on the index


@dataclass(frozen=True)
class Entry:
    """A line of the list of pages."""

    stem: str
    title: str
    summary: str
    published: bool
    took: str
    failure: dict | None


@dataclass(frozen=True)
class Score:
    """A line of the leaderboard; places on the interval's scale are in percent of its width."""

    run: str
    title: str
    mean_iou: str
    interval: str
    low: float
    high: float
    at: float
    pixel_accuracy: str
    mean_dice: str
    parameters: str
    multiply_adds: str
    training: str


def read_notebooks(folder: Path, failed: bool = False) -> dict[str, NotebookNode]:
    """Stem to executed notebook, of those that were published or of those that failed, in their order."""
    files = {
        file.name.partition(".")[0]: file
        for file in sorted(folder.glob("[0-9][0-9]_*.ipynb"))
        if file.name.endswith(".failed.ipynb") == failed
    }
    return {stem: nbformat.read(file, as_version=4) for stem, file in files.items()}


def render_index(profile: Profile) -> str:
    """The index page of what a profile's folder holds."""
    published, failed = read_notebooks(profile.folder), read_notebooks(profile.folder, failed=True)
    sources = {path.stem: path for path in list_notebooks(project_root() / "notebooks")}
    entries = []
    for stem in sorted({*sources, *published, *failed}):
        notebook = published.get(stem) or failed.get(stem) or nbformat.read(sources[stem], as_version=4)
        record = published[stem].metadata["report"] if stem in published else {}
        entries.append(
            Entry(
                stem,
                find_title(notebook) or stem,
                find_summary(notebook),
                stem in published,
                format_seconds(record["seconds"]) if record else "",
                failed[stem].metadata["report"]["failure"] if stem in failed else None,
            )
        )
    runs = list_runs(profile.folder, studies=True)
    table = tabulate_runs(runs)
    main, studies = (table[table["study"] == study] if len(table) else table for study in (False, True))
    environment = Environment(loader=FileSystemLoader(TEMPLATES / "seg"), autoescape=True, trim_blocks=True)
    return environment.get_template("overview.html.j2").render(
        profile=profile,
        style=(TEMPLATES / "seg" / "page.css").read_text(),
        facts=_describe_report([notebook.metadata["report"] for notebook in published.values()], table),
        entries=entries,
        failures=[entry for entry in entries if entry.failure],
        figure=find_figure(published),
        scores=tabulate_scores(main),
        studies=tabulate_scores(studies),
        split=" and ".join(sorted(set(table["split"]))) if len(table) else "",
        devices=sorted(set(table["device"])) if len(table) else [],
        notes=list_notes(profile, runs),
    )


def tabulate_scores(table: pd.DataFrame) -> list[Score]:
    """The leaderboard's lines of a table of runs, best first; intervals share one scale."""
    if not len(table):
        return []
    low, high = table["mean_iou_low"].min(), table["mean_iou_high"].max()
    place = lambda value: round(100 * (value - low) / max(high - low, 1e-9), 1)  # noqa: E731
    return [
        Score(
            str(name),
            row.title,
            f"{row.mean_iou:.3f}",
            f"{row.mean_iou_low:.3f} to {row.mean_iou_high:.3f}",
            place(row.mean_iou_low),
            place(row.mean_iou_high),
            place(row.mean_iou),
            f"{row.pixel_accuracy:.3f}",
            f"{row.mean_dice:.3f}",
            f"{row.parameters / 1e6:.2f} M",
            f"{row.multiply_adds / 1e9:.2f} G",
            format_seconds(row.training_seconds),
        )
        for name, row in zip(table.index, table.itertuples(), strict=True)
    ]


def find_summary(notebook: NotebookNode) -> str:
    """The paragraph below the notebook's title, as plain text; empty if there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks = [block.strip() for block in re.split(r"\n\s*\n|^#.*$", cell.source, flags=re.MULTILINE)]
            text = next((block for block in blocks if block), "")
            return re.sub(r"[*`]|\[(.+?)\]\(.+?\)", lambda found: found[1] or "", " ".join(text.split()))
    return ""


def find_figure(notebooks: dict[str, NotebookNode]) -> dict | None:
    """The figure that stands for the report: the last one in a cell tagged `index-figure`, if there is one."""
    figures = [
        {
            "stem": stem,
            "data": output.data["image/png"].replace("\n", ""),
            **output.metadata.get("image/png", {}),
        }
        for stem, notebook in notebooks.items()
        for cell in notebook.cells
        if INDEX_FIGURE in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    return figures[-1] if figures else None


def _describe_report(records: list[dict], runs: pd.DataFrame) -> list[tuple[str, str]]:
    if not records:
        return []
    training = runs["training_seconds"].sum() if len(runs) else 0
    latest = max(records, key=lambda record: record["finished"])
    finished = datetime.datetime.fromtimestamp(latest["finished"], datetime.UTC)
    commits = {describe_commit(record["commit"], record["dirty"]) for record in records}
    code = describe_commit(latest["commit"], latest["dirty"])
    return [
        ("Data set", ", ".join(sorted({record["data"] for record in records}))),
        ("Pages made on", ", ".join(sorted({record["device"] for record in records}))),
        ("Code", code if len(commits) == 1 else f"{code}, and {len(commits) - 1} more"),
        ("Last run", f"{finished:%-d %B %Y, %H:%M} UTC"),
        ("Pages made in", format_seconds(sum(record["seconds"] for record in records))),
        ("Training took", format_seconds(training) if training else ""),
    ]
