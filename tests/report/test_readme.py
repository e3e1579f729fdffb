"""The README's results are the records', to the digit."""

import base64

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from seg_helpers.config import project_root
from seg_helpers.report.pages import PageError
from seg_helpers.report.publishing import BLOCK, export_figure, render_results


def test_every_result_in_the_readme_is_a_committed_record():
    text = (project_root() / "README.md").read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        assert block[0] == block[1] + render_results(project_root() / block["folder"]) + block[3]


def test_a_folder_without_runs_says_how_they_are_made(tmp_path):
    assert "`make runs PROFILE=smoke`" in render_results(tmp_path / "smoke")


def test_a_figure_is_found_by_its_caption(tmp_path):
    def figure(caption, content):
        data = {"image/png": base64.b64encode(content).decode()}
        return new_output("display_data", data, metadata={"image/png": {"caption": caption}})

    cell = new_code_cell("", outputs=[figure("Loss and metrics", b"one"), figure("Input, truth and errors", b"two")])
    path = tmp_path / "04.ipynb"
    nbformat.write(new_notebook(cells=[cell]), path)
    export_figure(path, "Input, truth", tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes() == b"two"
    with pytest.raises(PageError, match=r"04.ipynb: no figure whose caption begins with 'Nothing'"):
        export_figure(path, "Nothing", tmp_path / "figure.png")
