"""The index of a profile's report: what was run, on what, when, what came of it, and what failed."""

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from seg_helpers.config import Profile, project_root
from seg_helpers.experiments import list_runs, tabulate_runs
from seg_helpers.figures.runs import list_notes
from seg_helpers.report.dependencies import list_notebooks
from seg_helpers.report.pages import find_title, get_template


def read_notebooks(folder: Path, ending: str = "ipynb") -> dict[str, NotebookNode]:
    """Stem to executed notebook, of those that were published, or (`failed.ipynb`) that failed, in their order."""
    files = {file: file.name.partition(".") for file in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}
    return {stem: nbformat.read(file, as_version=4) for file, (stem, _, end) in files.items() if end == ending}


def render_index(profile: Profile) -> str:
    """The index page of what a profile's folder holds."""
    published = read_notebooks(profile.folder)
    failed = read_notebooks(profile.folder, "failed.ipynb")
    sources = {path.stem: path for path in list_notebooks(project_root() / "notebooks")}
    pages = []
    for stem in sorted({*sources, *published, *failed}):
        notebook = published.get(stem) or failed.get(stem) or nbformat.read(sources[stem], as_version=4)
        page = {"stem": stem, "title": find_title(notebook) or stem, "summary": find_summary(notebook)}
        page["record"] = published[stem].metadata["report"] if stem in published else None
        page["failure"] = failed[stem].metadata["report"]["failure"] if stem in failed else None
        pages.append(page)
    runs = list_runs(profile, ablations=True)
    return get_template("overview.html.j2").render(
        profile=profile,
        pages=pages,
        runs=list(tabulate_runs(runs).itertuples()),
        notes=list_notes(profile, runs),
    )


def find_summary(notebook: NotebookNode) -> str:
    """The paragraph below the notebook's title, as plain text; empty if there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks = [block.strip() for block in re.split(r"\n\s*\n|^#.*$", cell.source, flags=re.MULTILINE)]
            text = next((block for block in blocks if block), "")
            return re.sub(r"[*`]|\[(.+?)\]\(.+?\)", lambda found: found[1] or "", " ".join(text.split()))
    return ""
