"""Puts notebooks, pages and the index of a profile's report in their places."""

import fcntl
import json
from dataclasses import asdict
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from seg_helpers.config import RECIPES, Profile
from seg_helpers.experiments import read_commit
from seg_helpers.report import dependencies
from seg_helpers.report.checks import Failure, check_page
from seg_helpers.report.index import read_notebooks, render_index
from seg_helpers.report.pages import Page, find_title, render_page
from seg_helpers.training.checkpoints import write_text
from seg_helpers.training.devices import describe_device


def describe_origin() -> dict:
    """What a page says about the code and the machine that made it."""
    commit, dirty = read_commit()
    return {"commit": commit, "dirty": dirty, "device": describe_device()}


def publish_notebook(notebook: NotebookNode, profile: Profile) -> Path:
    """Writes an executed notebook, its page and the index; what was there before is replaced at once, not in between.

    Raises:
        PageError: the page would load something from the network; nothing was written.
    """
    stem = notebook.metadata["report"]["stem"]
    executed = profile.folder / f"{stem}.ipynb"
    html = _render(notebook, read_notebooks(profile.folder) | {stem: notebook})
    write_text(executed, nbformat.writes(notebook))
    write_text(executed.with_suffix(".html"), html)
    executed.with_suffix(".failed.ipynb").unlink(missing_ok=True)
    _stamp(profile, stem, list_shown_runs(executed, profile))
    write_index(profile)
    return executed.with_suffix(".html")


def keep_failed(notebook: NotebookNode, failure: Failure, profile: Profile) -> Path:
    """Writes `NAME.failed.ipynb` and an index that says so; what was published before stays."""
    record = notebook.metadata["report"]
    record["failure"] = asdict(failure) | {"place": failure.place}
    failed = profile.folder / f"{record['stem']}.failed.ipynb"
    write_text(failed, nbformat.writes(notebook))
    write_index(profile)
    return failed


def render_again(profile: Profile) -> Path:
    """Makes every page anew from its executed notebook, neighbours linked, then the index: nothing is run."""
    notebooks = read_notebooks(profile.folder)
    for stem, notebook in notebooks.items():
        write_text(profile.folder / f"{stem}.html", _render(notebook, notebooks))
    index = write_index(profile)
    _stamp(profile, "index", profile.run_names())
    return index


def write_index(profile: Profile) -> Path:
    """Writes the index of what the profile's folder holds now."""
    index = profile.folder / "index.html"
    with open(_work(profile) / "index.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two notebooks that end together, the second must see the first
        write_text(index, render_index(profile))
    return index


def list_shown_runs(notebook: Path, profile: Profile) -> list[str]:
    """Names of the runs that a notebook's page shows, as its code tells."""
    recipes = {file.stem: profile.run_names(file.stem) for file in sorted(RECIPES.glob("*.yaml"))}
    chosen = dependencies.find_recipes(dependencies.read_code(notebook), recipes)
    return [run for recipe in chosen for run in recipes[recipe]]


def _stamp(profile: Profile, name: str, runs: list[str]) -> None:
    """Notes which runs a page was made from; `dependencies.drop_outdated` compares."""
    digests = dependencies.digest_runs(profile.folder, runs)
    write_text(_work(profile) / f"{name}.done", json.dumps(digests))


def _work(profile: Profile) -> Path:
    """The folder for what is not part of the report: a fresh clone does not have it."""
    folder = profile.folder / ".work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _render(notebook: NotebookNode, notebooks: dict[str, NotebookNode]) -> str:
    stem = notebook.metadata["report"]["stem"]
    pages = [Page(other, find_title(notebooks[other]) or other) for other in sorted(notebooks)]
    at = [page.stem for page in pages].index(stem)
    html = render_page(notebook, *(pages[at - 1 : at] or [None]), *(pages[at + 1 : at + 2] or [None]))
    for warning in check_page(html):
        print(f"{stem}: WARNING {warning}", flush=True)
    return html
