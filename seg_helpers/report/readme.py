"""The README's table of results, written from the runs' records so that no number in it is typed by hand."""

import re
from pathlib import Path

from seg_helpers.experiments import list_runs, tabulate_runs
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import write_text

BLOCK = re.compile(r"(<!-- results: (?P<folder>\S+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def render_results(profile_folder: Path) -> str:
    """The finished runs of a profile as a Markdown table, best first, with the device below it."""
    runs = list_runs(profile_folder)
    if not runs:
        raise FileNotFoundError(f"{profile_folder / 'runs'} holds no finished run to write a table of")
    lines = [
        "| network | test mean IoU (95% interval) | pixel accuracy | mean Dice | val mean IoU | parameters | training |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in tabulate_runs(runs).itertuples():
        lines.append(
            f"| {row.title} | **{row.mean_iou:.3f}** ({row.mean_iou_low:.3f} to {row.mean_iou_high:.3f}) "
            f"| {row.pixel_accuracy:.3f} | {row.mean_dice:.3f} | {row.val_mean_iou:.3f} "
            f"| {row.parameters / 1e6:.2f} M | {row.epochs} epochs, {format_seconds(row.training_seconds)} |"
        )
    return "\n".join(lines) + "\n"


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
