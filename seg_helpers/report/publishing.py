"""Puts notebooks, pages, the index of a profile's report and the README's results in their places."""

import base64
import html
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
from bs4 import BeautifulSoup, Tag
from filelock import FileLock
from nbformat import NotebookNode
from nbformat.v4 import reads
from PIL import Image

from seg_helpers.config import Profile, load_profile, project_root
from seg_helpers.experiments import Run, average_seeds, find_runs, list_notes, read_runs, tabulate_runs
from seg_helpers.figures.findings import write_findings
from seg_helpers.figures.tables import GROUPS, style_leaderboard
from seg_helpers.files import write_text
from seg_helpers.progress import say_once
from seg_helpers.report.dependencies import list_notebooks, page_of, work_file, write_stamp
from seg_helpers.report.pages import (
    PageError,
    check_page,
    dress_table,
    find_title,
    get_template,
    lead_to_pages,
    render_markdown,
    render_page,
)

BLOCK = re.compile(r"(<!-- results: (?P<folder>\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def publish_notebook(notebook: NotebookNode, profile: Profile) -> Path:
    """Replaces an executed notebook, its page and the index; PageError, before anything, if the page loads anything."""
    stem = notebook.metadata["report"]["stem"]
    executed = profile.folder / f"{stem}.ipynb"
    page = _render(stem, read_notebooks(profile.folder) | {stem: notebook})
    write_text(executed, nbformat.writes(notebook))
    write_text(executed.with_suffix(".html"), page)
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
    write_text(profile.folder.with_name("index.html"), render_reports(profile.folder.parent))
    return index


def render_reports(folder: Path) -> str:
    """The index of all reports in a folder, with what each says of itself; those of drawn scenes last."""
    reports = []
    for index in folder.glob("*/index.html"):
        page = BeautifulSoup(index.read_text(), "html.parser")
        texts = [
            text.get_text(" ", strip=True) for text in page.select(".masthead .lead, .drawn, .findings li:first-child")
        ]
        reports.append({"name": index.parent.name, "texts": texts, "drawn": bool(page.select_one(".drawn"))})
        reports[-1]["picture"] = str((page.select(".hero img") or [""])[-1])
    reports.sort(key=lambda report: (report["drawn"], report["name"]))
    return get_template("reports.html.j2").render(reports=reports)


def _render(stem: str, notebooks: dict[str, NotebookNode]) -> str:
    pages = [{"stem": other, "title": find_title(notebooks[other]) or other} for other in sorted(notebooks)]
    page = render_page(notebooks[stem], pages)
    for warning in check_page(page):
        print(f"{stem}: WARNING {warning}", flush=True)
    return page


def read_notebooks(folder: Path, ending: str = "ipynb") -> dict[str, NotebookNode]:
    """Stem to executed notebook, of those that were published, or (`failed.ipynb`) that failed, in their order.

    One that cannot be read is left out, which is said. They were written by this package: `nbformat.read` would check
    them against a schema for as long again.
    """
    found = {}
    for file in list_notebooks(folder):
        stem, _, end = file.name.partition(".")
        try:
            if end == ending:
                found[stem] = reads(file.read_text())
                found[stem].metadata["report"]["finished"]
        except Exception as error:  # it may hold anything
            found.pop(stem, None)
            say_once(f"WARNING {file} is damaged ({type(error).__name__}) and left out: make the page again")
    return found


def render_index(profile: Profile) -> str:
    """The index of a profile's report: what was found, by which runs, on which pages, and what failed."""
    published, failed = read_notebooks(profile.folder), read_notebooks(profile.folder, "failed.ipynb")
    sources = {path.stem: path for path in list_notebooks(project_root() / "notebooks")}
    if not sources.keys() & {*published, *failed} and published:
        sources = {}  # a report of other notebooks, such as `make bench`
    pages = []
    for stem in sorted({*sources, *published, *failed}):
        notebook = published.get(stem) or failed.get(stem) or nbformat.read(sources[stem], as_version=4)
        pictures, answer = find_pictures(notebook), find_answer(notebook)
        page = {"stem": stem, "title": find_title(notebook) or stem}
        page["answer"] = render_markdown(answer) if answer else f"<p>{html.escape(find_summary(notebook))}</p>"
        page["picture"] = str(pictures.find_all("img")[-1]) if pictures else ""
        page["record"] = published[stem].metadata["report"] if stem in published else None
        page["failure"] = failed[stem].metadata["report"]["failure"] if stem in failed else None
        pages.append(page)
    values = {"profile": profile, "pages": pages, "hero": _find_hero(published)}
    damaged = find_runs(profile, ablations=True, every_seed=True)[1]
    values["damaged"] = [text.replace(f"{profile.folder}/", "") for text in damaged]
    values["findings"] = [render_markdown(text) for text in write_findings(profile, "index", "answer")]
    body = BeautifulSoup(get_template("overview.html.j2").render(values | _tabulate(profile, pages)), "html.parser")
    for table in body.find_all("table"):
        dress_table(table, body)
    lead_to_pages(body)
    return str(body)


def _tabulate(profile: Profile, pages: list[dict]) -> dict:
    """What the index shows of a profile's scored runs: leaderboards, and the tables of each page's own comparisons."""
    found = list_scored(profile, ablations=True)
    if not found:
        return {}
    rows = average_seeds(tabulate_runs(found))
    titles = {page["stem"]: page["title"] for page in pages if page["record"]}
    stems = {recipe: page_of(recipe) for recipe in rows["recipe"].unique()}
    links = {row.title: f"{stems[row.recipe]}.html" for row in rows.itertuples() if stems[row.recipe] in titles}
    own = rows["dataset"] == profile.data().dataset
    main, shorter = rows[own & ~rows["ablation"]], rows[own & rows["ablation"]]

    def draw(of: pd.DataFrame, caption: str, scale: tuple[float, float] | None = None) -> str:
        return style_leaderboard(of, caption, links, scale).set_uuid(re.sub(r"\W+", "-", caption)).to_html()

    scale = main["mean_iou_low"].min(), main["mean_iou_high"].max()
    by_page = shorter.groupby(shorter["recipe"].map(stems))
    return {
        "boards": [draw(of, GROUPS.get(group, group), scale) for group, of in main.groupby("group", sort=False)],
        "split": " and ".join(sorted(main["split"].unique())),
        "names": dict(zip(main["title"], main.index, strict=True)),
        "ablations": [
            (f"{stem[:2]} {titles.get(stem, stem)}", draw(of, f"Runs of page {stem[:2]}")) for stem, of in by_page
        ],
        "others": [(name, draw(of, f"Runs on {name}")) for name, of in rows[~own].groupby("dataset")],
        "notes": list_notes(profile, found),
        "devices": sorted({run.trained_on for run in found}),
        "trained": sum(run.record["training_seconds"] for run in found),
    }


def list_scored(profile: Profile, ablations: bool) -> list[Run]:
    """The finished runs of a profile, of every seed, but those that something was chosen by."""
    return [run for run in read_runs(profile, ablations, every_seed=True) if run.config.evaluation.test]


def _find_hero(published: dict[str, NotebookNode]) -> str:
    """The first row of pictures of the comparison, which opens with those of the best network."""
    figure = find_pictures(published["11_comparison"]) if "11_comparison" in published else None
    for row in figure.find_all(class_="row")[1:] if figure else ():
        row.decompose()
    return str(figure or "")


def find_pictures(notebook: NotebookNode, caption_start: str = "") -> Tag | None:
    """The first pictures in a notebook's outputs, or the first whose caption begins so."""
    for output in [output for cell in notebook.cells for output in cell.get("outputs", [])]:
        figure = BeautifulSoup(output.get("data", {}).get("text/html", ""), "html.parser").find("figure", "pictures")
        if figure and figure.figcaption.get_text().startswith(caption_start):
            return figure
    return None


def find_answer(notebook: NotebookNode) -> str:
    """The Markdown that opens an executed notebook, by `show_answer`; empty if there is none."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    answers = (
        output["data"]["text/markdown"] for output in outputs if output.get("metadata", {}).get("part") == "answer"
    )
    return next(answers, "")


def find_summary(notebook: NotebookNode) -> str:
    """The paragraph below the notebook's title, as plain text; empty if there is none."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks = [block.strip() for block in re.split(r"\n\s*\n|^#.*$", cell.source, flags=re.MULTILINE)]
            text = next((block for block in blocks if block), "")
            return re.sub(r"[*`]|\[(.+?)\]\(.+?\)", lambda found: found[1] or "", " ".join(text.split()))
    return ""


def render_results(profile_folder: Path) -> str:
    """What a profile's runs found, as Markdown: the index's findings, a table a group, best first, notes on the runs."""
    profile = load_profile(profile_folder.name, reports=profile_folder.parent)
    found = list_scored(profile, ablations=False)
    if not found:
        return f"No run of this profile that was scored on test is recorded: `make runs PROFILE={profile.name}` trains them.\n"
    findings = [
        re.sub(r"\((\d\d_\w+\.ipynb)", r"(notebooks/\1", text) for text in write_findings(profile, "index", "answer")
    ]
    parts = ["".join(f"- {text}\n" for text in findings)] if findings else []
    rows = average_seeds(tabulate_runs(found))
    for group, of in rows.drop(columns="multiply_adds").groupby("group", sort=False):
        head, *lines = style_leaderboard(of, "").to_string(delimiter=" | ").splitlines()
        table = "".join(f"| {line} |\n" for line in [head, " | ".join(["---"] * len(head.split(" | "))), *lines])
        parts.append(f"{GROUPS.get(group, group)}:\n\n{table}")
    return "\n".join([*parts, *(f"{note}\n" for note in list_notes(profile, found))])


def update_readme(readme: Path) -> None:
    """Writes each `<!-- results: FOLDER -->` block of the README anew."""
    text = readme.read_text()
    write_text(readme, BLOCK.sub(lambda m: m[1] + render_results(readme.parent / m["folder"]) + m[3], text))


def export_pictures(notebook: Path, caption_start: str, target: Path) -> None:
    """Writes the first row of an executed notebook's pictures whose caption begins so as one PNG; PageError if none."""
    figure = find_pictures(nbformat.read(notebook, as_version=4), caption_start)
    if figure is None:
        raise PageError(f"{notebook}: no pictures whose caption begins with {caption_start!r}")
    sources = [image["src"].partition(",")[2] for image in figure.find(class_="row").find_all("img")]
    pictures = [Image.open(io.BytesIO(base64.b64decode(source))).convert("RGB") for source in sources]
    Image.fromarray(np.hstack(pictures)).save(target)
