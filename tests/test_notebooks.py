"""The notebooks tell a story: no outputs, one parameters cell, short code cells, prose between them."""

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from seg_helpers import figures
from seg_helpers.report.dependencies import list_notebooks
from seg_helpers.report.execution import PARAMETERS
from seg_helpers.report.pages import find_title

NOTEBOOKS = list_notebooks(Path(__file__).parent.parent / "notebooks")
LONGEST_CELL = 25  # lines
LONGEST_RUN = 4  # code cells without a word between them

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> list:
    return nbformat.read(path, as_version=4).cells


def code_cells(path: Path) -> list:
    return [cell for cell in read(path) if cell.cell_type == "code"]


def test_the_way_into_colab_runs_a_page_on_the_smallest_profile():
    path = NOTEBOOKS[0].parent / "colab.ipynb"
    nbformat.validate(nbformat.read(path, as_version=4))
    sources = [cell.source for cell in code_cells(path)]
    assert not any(cell.outputs for cell in code_cells(path))
    assert any("report notebooks/04_unet.ipynb --profile smoke" in source for source in sources)


def test_there_are_notebooks():
    assert NOTEBOOKS


@each_notebook
def test_is_valid_and_runs_on_the_python3_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}


@each_notebook
def test_holds_no_outputs(path):
    assert [cell.source for cell in code_cells(path) if cell.outputs or cell.execution_count] == []


@each_notebook
def test_has_one_parameters_cell_with_the_runners_names_and_defaults(path):
    tagged = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    names = {}
    exec(tagged[0].source, names)
    names.pop("__builtins__")
    assert names == PARAMETERS
    assert all("#" in line for line in tagged[0].source.splitlines()), "each parameter says what it is"


@each_notebook
def test_figures_that_it_asks_for_are_there(path):
    names = re.findall(r"\bfig\.(\w+)", "\n".join(cell.source for cell in code_cells(path)))
    assert [name for name in names if not hasattr(figures, name)] == []


@each_notebook
def test_code_cells_are_short(path):
    assert [cell.source for cell in code_cells(path) if len(cell.source.splitlines()) > LONGEST_CELL] == []


@each_notebook
def test_prose_comes_between_code(path):
    runs = [
        len(list(group)) for kind, group in itertools.groupby(cell.cell_type for cell in read(path)) if kind == "code"
    ]
    assert max(runs) <= LONGEST_RUN


@each_notebook
def test_begins_with_its_title_and_sections_have_headings(path):
    cells = read(path)
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert find_title(nbformat.read(path, as_version=4))
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(re.findall(r"^# ", prose, re.MULTILINE)) == 1
    assert re.search(r"^## ", prose, re.MULTILINE)
