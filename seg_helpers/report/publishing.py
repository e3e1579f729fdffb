"""Puts notebooks, pages and the index of a profile's report in their places."""

from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat import NotebookNode

from seg_helpers.config import Profile
from seg_helpers.files import write_text
from seg_helpers.report.dependencies import work_file, write_stamp
from seg_helpers.report.index import read_notebooks, render_index
from seg_helpers.report.pages import Page, check_page, find_title, render_page


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
    write_stamp(profile, stem)
    write_index(profile)
    return executed.with_suffix(".html")


def keep_failed(notebook: NotebookNode, failure: dict, profile: Profile) -> Path:
    """Writes `NAME.failed.ipynb` and an index that says so; what was published before stays.

    Args:
        notebook: as far as it came.
        failure: `place` and `error`, for people.
        profile: whose report it belongs to.
    """
    record = notebook.metadata["report"]
    record["failure"] = failure
    failed = profile.folder / f"{record['stem']}.failed.ipynb"
    write_text(failed, nbformat.writes(notebook))
    write_index(profile)
    return failed


def render_again(profile: Profile) -> Path:
    """Makes every page anew from its executed notebook, neighbors linked, then the index: nothing is run."""
    notebooks = read_notebooks(profile.folder)
    for stem, notebook in notebooks.items():
        write_text(profile.folder / f"{stem}.html", _render(notebook, notebooks))
    index = write_index(profile)
    write_stamp(profile, "index")
    return index


def write_index(profile: Profile) -> Path:
    """Writes the index of what the profile's folder holds now."""
    index = profile.folder / "index.html"
    # of two notebooks that end together, the second must see the first
    with FileLock(work_file(profile, "index.lock")):
        write_text(index, render_index(profile))
    return index


def _render(notebook: NotebookNode, notebooks: dict[str, NotebookNode]) -> str:
    stem = notebook.metadata["report"]["stem"]
    pages = [Page(other, find_title(notebooks[other]) or other) for other in sorted(notebooks)]
    at = [page.stem for page in pages].index(stem)
    before = pages[at - 1] if at > 0 else None
    after = pages[at + 1] if at + 1 < len(pages) else None
    html = render_page(notebook, before, after)
    for warning in check_page(html):
        print(f"{stem}: WARNING {warning}", flush=True)
    return html
