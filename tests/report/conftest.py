"""Tiny notebooks, as written and as executed, and the folders that they live in."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from seg_helpers.report import execution

PARAMETERS = "\n".join(f"{name} = {value!r}" for name, value in execution.PARAMETERS.items())


@pytest.fixture
def write_notebook(tmp_path) -> Callable[..., Path]:
    """Writes a notebook of a title, the parameters cell, and code cells each below a heading of its own."""

    def write(stem: str, *sources: str, folder: Path = tmp_path, parameters: str = PARAMETERS) -> Path:
        cells = [new_markdown_cell(f"# Title of {stem}\n\nWhat {stem} asks."), new_code_cell(parameters)]
        cells[1].metadata["tags"] = ["parameters"]
        for number, source in enumerate(sources, 1):
            cells += [new_markdown_cell(f"## Section {number}"), new_code_cell(source)]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = folder / f"{stem}.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    return write


@pytest.fixture
def make_executed() -> Callable[..., NotebookNode]:
    """An executed notebook of these cells (Markdown text, or a list of outputs), with the runner's record."""

    def make(*cells: str | list, stem: str = "03_tiny", title: str = "Tiny", **record) -> NotebookNode:
        made = [new_markdown_cell(f"# {title}\n\nWhat it asks.")]
        for number, cell in enumerate(cells, 1):
            if isinstance(cell, str):
                made.append(new_markdown_cell(cell))
            else:
                made.append(new_code_cell(f"step({number})", outputs=cell, execution_count=number))
        facts = {
            "stem": stem,
            "profile": "smoke",
            "data": "sample",
            "finished": 1_800_000_000.0,
            "seconds": 61.0,
            "commit": "0123456789abcdef",
            "dirty": False,
            "device": "a test's device",
        }
        return new_notebook(cells=made, metadata={"report": facts | record})

    return make


@pytest.fixture
def picture() -> NotebookNode:
    """A figure's output, 30 x 20 pixels, as the figures' `show` displays it."""
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20), "navy").save(buffer, "png")
    return new_output(
        "display_data",
        {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": "a figure"},
        metadata={"image/png": {"alt": 'a "navy" area', "caption": "Navy & nothing else."}},
    )
