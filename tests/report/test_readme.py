"""The README's results are the records', to the digit."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from seg_helpers.config import project_root
from seg_helpers.figures import picture_rows
from seg_helpers.report import publishing
from seg_helpers.report.pages import PageError
from seg_helpers.report.publishing import BLOCK, export_pictures, render_results


def test_every_result_in_the_readme_is_a_committed_record():
    text = (project_root() / "README.md").read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        assert block[0] == block[1] + render_results(project_root() / block["folder"]) + block[3]


def test_a_folder_without_runs_says_how_they_are_made(tmp_path):
    assert "`make runs PROFILE=smoke`" in render_results(tmp_path / "smoke")


def test_findings_stand_above_the_tables_and_lead_to_notebooks(tmp_path, monkeypatch):
    row = {"title": "U-Net", "mean_iou": 0.5, "mean_iou_low": 0.4, "mean_iou_high": 0.6, "each": (0.5,), "epochs": 3}
    rows = pd.DataFrame([row | {"group": "encoder", "multiply_adds": 1e9}], ["unet"])
    monkeypatch.setattr(
        publishing, "list_scored", lambda profile, ablations: [SimpleNamespace(name="unet", title="U-Net")]
    )
    monkeypatch.setattr(publishing, "tabulate_runs", lambda runs: rows)
    monkeypatch.setattr(publishing, "average_seeds", lambda rows: rows)
    monkeypatch.setattr(publishing, "write_findings", lambda *where: ["See [it](04_unet.ipynb)."])
    lines = publishing.render_results(tmp_path / "smoke").splitlines()
    assert lines[0] == "- See [it](notebooks/04_unet.ipynb)."
    assert lines[2].startswith("Networks on an encoder")
    assert lines[4:] == [
        "| model | mean IoU | 95% interval | epochs |",
        "| --- | --- | --- | --- |",
        "| U-Net | 0.500 | 0.400 to 0.600 | 3 |",
    ]


def test_a_row_of_pictures_is_found_by_its_caption(tmp_path):
    def output(caption, *colors):
        panels = [("", np.full((4, 6, 3), color, np.uint8)) for color in colors]
        return new_output("display_data", {"text/html": picture_rows(panels, 2, caption)._repr_html_()})

    cells = [new_code_cell("", outputs=[output("One frame", 9), output("Input, target and errors", 0, 255, 7)])]
    path = tmp_path / "04.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    export_pictures(path, "Input, target", tmp_path / "row.png")
    assert (np.asarray(Image.open(tmp_path / "row.png"))[0, :, 0] == [0] * 6 + [255] * 6).all()
    with pytest.raises(PageError, match=r"04.ipynb: no pictures whose caption begins with 'Nothing'"):
        export_pictures(path, "Nothing", tmp_path / "row.png")
