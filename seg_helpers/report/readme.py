"""The README's table and picture of results, taken from the runs' records and the executed notebooks."""

import base64
import re
from pathlib import Path

import nbformat

from seg_helpers.config import load_profile
from seg_helpers.experiments import average_seeds, list_runs, tabulate_runs
from seg_helpers.figures.runs import list_notes
from seg_helpers.files import write_text
from seg_helpers.report.pages import PageError, get_template

BLOCK = re.compile(r"(<!-- results: (?P<folder>\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def render_results(profile_folder: Path) -> str:
    """The finished runs of a profile as a Markdown table, best first, with the profile's notes on them below it."""
    profile = load_profile(profile_folder.name, reports=profile_folder.parent)
    runs = list_runs(profile, every_seed=True)
    if not runs:
        return f"No finished run of this profile is recorded: `make runs PROFILE={profile.name}` trains them.\n"
    notes = list_notes(profile, list({run.name: run for run in runs}.values()))
    return get_template("results.md.j2").render(runs=average_seeds(tabulate_runs(runs)).itertuples(), notes=notes)


def update_readme(readme: Path) -> str:
    """Writes each `<!-- results: FOLDER -->` block anew and returns the text.

    Raises:
        PageError: the README has no such block.
    """
    text = readme.read_text()
    if not BLOCK.search(text):
        raise PageError(f"{readme}: no <!-- results: FOLDER --> … <!-- /results --> block to write into")
    text = BLOCK.sub(lambda m: m[1] + render_results(readme.parent / m["folder"]) + m[3], text)
    write_text(readme, text)
    return text


def export_figure(notebook: Path, caption_start: str, target: Path) -> None:
    """Writes the first figure of an executed notebook whose caption begins so, as a PNG file.

    Raises:
        PageError: the notebook shows no such figure.
    """
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            caption = output.get("metadata", {}).get("image/png", {}).get("caption", "")
            if caption.startswith(caption_start):
                target.write_bytes(base64.b64decode(output["data"]["image/png"]))
                return
    raise PageError(f"{notebook}: no figure whose caption begins with {caption_start!r}")
