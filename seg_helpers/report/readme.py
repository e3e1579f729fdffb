"""The README's table and picture of results, taken from the runs' records and the executed notebooks."""

import base64
import re
from pathlib import Path

import nbformat

from seg_helpers.config import load_profile
from seg_helpers.experiments import list_runs, tabulate_runs
from seg_helpers.figures.runs import list_notes
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import write_text

BLOCK = re.compile(r"(<!-- results: (?P<folder>\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def render_results(profile_folder: Path) -> str:
    """The finished runs of a profile as a Markdown table, best first, with the profile's notes on them below it."""
    runs = list_runs(profile_folder)
    if not runs:
        raise FileNotFoundError(f"{profile_folder / 'runs'} holds no finished run to write a table of")
    lines = [
        "| network | test mean IoU (95% interval) | pixel accuracy | mean Dice | val mean IoU | parameters | start | input "
        "| training |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in tabulate_runs(runs).itertuples():
        lines.append(
            f"| {row.title} | **{row.mean_iou:.3f}** ({row.mean_iou_low:.3f} to {row.mean_iou_high:.3f}) "
            f"| {row.pixel_accuracy:.3f} | {row.mean_dice:.3f} | {row.val_mean_iou:.3f} "
            f"| {row.parameters / 1e6:.2f} M | {row.start} | {row.size} | {row.epochs} epochs, {format_seconds(row.training_seconds)} |"
        )
    notes = list_notes(load_profile(profile_folder.name), runs)
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def update_readme(readme: Path) -> str:
    """Writes each `<!-- results: FOLDER -->` block anew and returns the text.

    Raises:
        ValueError: the README has no such block.
    """
    text = readme.read_text()
    if not BLOCK.search(text):
        raise ValueError(f"{readme}: no <!-- results: FOLDER --> … <!-- /results --> block to write into")
    text = BLOCK.sub(lambda m: m[1] + render_results(readme.parent / m["folder"]) + m[3], text)
    write_text(readme, text)
    return text


def export_figure(notebook: Path, caption_start: str, target: Path) -> None:
    """Writes the first figure of an executed notebook whose caption begins so, as a PNG file.

    Raises:
        ValueError: the notebook shows no such figure.
    """
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            caption = output.get("metadata", {}).get("image/png", {}).get("caption", "")
            if caption.startswith(caption_start):
                target.write_bytes(base64.b64decode(output["data"]["image/png"]))
                return
    raise ValueError(f"{notebook}: no figure whose caption begins with {caption_start!r}")
