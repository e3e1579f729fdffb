"""Puts notebooks, pages, the index of a profile's report and the README's results in their places."""

import base64
import io
import re
from pathlib import Path

import nbformat
import numpy as np
from bs4 import BeautifulSoup
from filelock import FileLock
from nbformat import NotebookNode
from nbformat.v4 import reads
from PIL import Image

from seg_helpers.config import Profile, load_profile, project_root
from seg_helpers.experiments import average_seeds, list_notes, list_runs, tabulate_runs
from seg_helpers.files import write_text
from seg_helpers.report.dependencies import list_notebooks, work_file, write_stamp
from seg_helpers.report.pages import PageError, check_page, find_title, get_template, render_page

BLOCK = re.compile(r"(<!-- results: (?P<folder>\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def publish_notebook(notebook: NotebookNode, profile: Profile) -> Path:
    """Replaces an executed notebook, its page and the index; PageError, before anything, if the page loads anything."""
    stem = notebook.metadata["report"]["stem"]
    executed = profile.folder / f"{stem}.ipynb"
    html = _render(stem, read_notebooks(profile.folder) | {stem: notebook})
    write_text(executed, nbformat.writes(notebook))
    write_text(executed.with_suffix(".html"), html)
    executed.with_suffix(".failed.ipynb").unlink(missing_ok=True)
    write_stamp(profile, stem)
    write_index(profile)
    return executed.with_suffix(".html")


def keep_failed(notebook: NotebookNode, failure: dict, profile: Profile) -> Path:
    """Writes `NAME.failed.ipynb`, with the failure's `place` and `error` for people, and an index that says so."""
    notebook.metadata["report"]["failure"] = failure
    failed = profile.folder / f"{notebook.metadata['report']['stem']}.failed.ipynb"
    write_text(failed, nbformat.writes(notebook))
    write_index(profile)
    return failed


def render_again(profile: Profile) -> Path:
    """Makes every page anew from its executed notebook, neighbors linked, then the index: nothing is run."""
    notebooks = read_notebooks(profile.folder)
    for stem in notebooks:
        write_text(profile.folder / f"{stem}.html", _render(stem, notebooks))
    index = write_index(profile)
    write_stamp(profile, "index")
    return index


def write_index(profile: Profile) -> Path:
    """Writes the index of what the profile's folder holds now."""
    index = profile.folder / "index.html"
    with FileLock(work_file(profile, "index.lock")):  # of two notebooks that end together, the second sees the first
        write_text(index, render_index(profile))
    return index


def _render(stem: str, notebooks: dict[str, NotebookNode]) -> str:
    pages = [{"stem": other, "title": find_title(notebooks[other]) or other} for other in sorted(notebooks)]
    html = render_page(notebooks[stem], pages)
    for warning in check_page(html):
        print(f"{stem}: WARNING {warning}", flush=True)
    return html


def read_notebooks(folder: Path, ending: str = "ipynb") -> dict[str, NotebookNode]:
    """Stem to executed notebook, of those that were published, or (`failed.ipynb`) that failed, in their order.

    They were written by this package: `nbformat.read` would check them against a schema for as long again.
    """
    files = {file: file.name.partition(".") for file in list_notebooks(folder)}
    return {stem: reads(file.read_text()) for file, (stem, _, end) in files.items() if end == ending}


def render_index(profile: Profile) -> str:
    """The index of a profile's report: what was run, on what, when, what came of it, and what failed."""
    published, failed = read_notebooks(profile.folder), read_notebooks(profile.folder, "failed.ipynb")
    sources = {path.stem: path for path in list_notebooks(project_root() / "notebooks")}
    pages = []
    for stem in sorted({*sources, *published, *failed}):
        notebook = published.get(stem) or failed.get(stem) or nbformat.read(sources[stem], as_version=4)
        page = {"stem": stem, "title": find_title(notebook) or stem, "summary": find_summary(notebook)}
        page["record"] = published[stem].metadata["report"] if stem in published else None
        page["failure"] = failed[stem].metadata["report"]["failure"] if stem in failed else None
        pages.append(page)
    return get_template("overview.html.j2").render(profile=profile, pages=pages, **_tabulate(profile, ablations=True))


def _tabulate(profile: Profile, ablations: bool) -> dict:
    """What templates show of a profile's scored runs: `trained`, a row a run and seed, `runs`, a row a run, `notes`."""
    found = [run for run in list_runs(profile, ablations, every_seed=True) if run.config.evaluation.test]
    trained = tabulate_runs(found)
    return {
        "trained": list(trained.itertuples()),
        "runs": list(average_seeds(trained).itertuples()),
        "notes": list_notes(profile, {run.name: run for run in found}.values()),
    }


def find_summary(notebook: NotebookNode) -> str:
    """The paragraph below the notebook's title, as plain text; empty if there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks = [block.strip() for block in re.split(r"\n\s*\n|^#.*$", cell.source, flags=re.MULTILINE)]
            text = next((block for block in blocks if block), "")
            return re.sub(r"[*`]|\[(.+?)\]\(.+?\)", lambda found: found[1] or "", " ".join(text.split()))
    return ""


def render_results(profile_folder: Path) -> str:
    """The finished runs of a profile as a Markdown table, best first, with the profile's notes on them below it."""
    profile = load_profile(profile_folder.name, reports=profile_folder.parent)
    found = _tabulate(profile, ablations=False)
    if not found["runs"]:
        return f"No run of this profile that was scored on test is recorded: `make runs PROFILE={profile.name}` trains them.\n"
    return get_template("results.md.j2").render(found)


def update_readme(readme: Path) -> None:
    """Writes each `<!-- results: FOLDER -->` block of the README anew."""
    text = readme.read_text()
    write_text(readme, BLOCK.sub(lambda m: m[1] + render_results(readme.parent / m["folder"]) + m[3], text))


def export_pictures(notebook: Path, caption_start: str, target: Path) -> None:
    """Writes the first row of an executed notebook's pictures whose caption begins so as one PNG; PageError if none."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            figure = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser").find(
                "figure", "pictures"
            )
            if figure and figure.figcaption.get_text().startswith(caption_start):
                sources = [image["src"].partition(",")[2] for image in figure.find(class_="row").find_all("img")]
                pictures = [Image.open(io.BytesIO(base64.b64decode(source))).convert("RGB") for source in sources]
                Image.fromarray(np.hstack(pictures)).save(target)
                return
    raise PageError(f"{notebook}: no pictures whose caption begins with {caption_start!r}")
