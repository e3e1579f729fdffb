import os
import platform

import nbformat
import pytest

from seg_helpers.config import ConfigError, project_root
from seg_helpers.locks import Held, hold
from seg_helpers.report.execution import NotebookFailed, make_portable, run_notebook

LOOK = """
import os
from pathlib import Path
print(profile, overrides, Path.cwd() == Path(os.environ['HERE']), os.environ['OMP_NUM_THREADS'])
print(Path.cwd() / 'notebooks')
"""
ENDINGS = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "kills the kernel": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "DeadKernelError: Kernel died; was the kernel ended from outside, or is the memory full?",
    ),
    "exits with 0": ("import sys\nsys.exit(0)", "SystemExit: 0: the cell ended the notebook"),
}


@pytest.fixture
def run(tmp_path):
    """Runs a notebook of the profile `smoke`, into a folder of the test's own."""

    def run(notebook, **more):
        return run_notebook(notebook, profile="smoke", reports=str(tmp_path / "reports"), **more)

    return run


def test_publishes_what_ran_to_its_end(write_notebook, run, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HERE", str(project_root()))
    page = run(write_notebook("03_tiny", LOOK, "print('second')"), overrides=["epochs=1"], threads=1)

    folder = tmp_path / "reports" / "smoke"
    assert page == folder / "03_tiny.html"
    assert "<h1>Title of 03_tiny</h1>" in page.read_text()
    assert "03_tiny.html" in (folder / "index.html").read_text()
    assert (folder / ".work" / "03_tiny.done").read_text() == ""  # it shows no runs, for there are none
    executed = nbformat.read(folder / "03_tiny.ipynb", as_version=4)
    printed = [out.text for cell in executed.cells for out in cell.get("outputs", [])]
    assert printed[0].splitlines()[0] == "smoke ['epochs=1'] True 1"
    # where the project lies on this machine is nobody's business
    assert printed[0].splitlines()[1] == "notebooks"
    record = executed.metadata["report"]
    assert (record["stem"], record["profile"], record["data"]) == ("03_tiny", "smoke", "sample")
    said = capsys.readouterr().out
    assert "03_tiny  [6/7]" in said
    assert "Section 2" in said
    assert "03_tiny    second" in said


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_notebook_that_fails_is_kept_apart_and_said(write_notebook, run, tmp_path, ending):
    source, error = ENDINGS[ending]
    folder = tmp_path / "reports" / "smoke"
    folder.mkdir(parents=True)
    before = {name: f"{name} of an earlier run" for name in ("03_tiny.html", "02_other.html")}
    for name, text in before.items():
        (folder / name).write_text(text)

    with pytest.raises(NotebookFailed) as failed:
        run(write_notebook("03_tiny", "print('first')", source, "print('after')"))

    message = str(failed.value)
    assert message.startswith("03_tiny failed in code cell 4 of 5, under “Section 2”:\n    ")
    assert source.splitlines()[-1] in message
    assert error in message
    assert {name: (folder / name).read_text() for name in before} == before
    assert not (folder / "03_tiny.ipynb").exists()
    assert not (folder / ".work" / "03_tiny.done").exists()
    kept = nbformat.read(folder / "03_tiny.failed.ipynb", as_version=4)
    assert kept.metadata["report"]["failure"]["place"] == "code cell 4 of 5, under “Section 2”"
    printed = "".join(out.get("text", "") for cell in kept.cells for out in cell.get("outputs", []))
    assert printed.startswith("first\n")
    assert "after" not in printed
    index = (folder / "index.html").read_text()
    assert "1 notebook failed" in index
    assert error.split(":")[0] in index


def test_a_success_removes_the_failure(write_notebook, run, tmp_path):
    folder = tmp_path / "reports" / "smoke"
    with pytest.raises(NotebookFailed, match="ZeroDivisionError"):
        run(write_notebook("03_tiny", "1 / 0"))
    assert (folder / "03_tiny.failed.ipynb").is_file()
    run(write_notebook("03_tiny", "1"))
    assert not (folder / "03_tiny.failed.ipynb").exists()
    assert "failed" not in (folder / "index.html").read_text()


def test_a_page_that_would_load_from_the_network_fails(write_notebook, run, tmp_path):
    notebook = write_notebook(
        "03_tiny", "from IPython.display import HTML\nHTML('<img src=\"https://example.org/a.png\">')"
    )
    with pytest.raises(NotebookFailed, match=r"the finished page:\nthe page would load https://example.org/a.png"):
        run(notebook)
    assert not (tmp_path / "reports" / "smoke" / "03_tiny.html").exists()


@pytest.mark.parametrize("content", [None, "no notebook", '{"cells": 3}'], ids=["missing", "no JSON", "another shape"])
def test_a_file_that_is_no_notebook_is_said(run, tmp_path, content):
    path = tmp_path / "03_tiny.ipynb"
    if content:
        path.write_text(content)
    with pytest.raises(NotebookFailed, match=r"03_tiny.ipynb is no notebook that can be read: "):
        run(path)


@pytest.mark.parametrize("parameters", ["profile = 'sample'", "# none"])
def test_a_notebook_that_would_not_hear_its_parameters_is_not_run(write_notebook, run, tmp_path, parameters):
    with pytest.raises(
        NotebookFailed, match=r"exactly one cell has to be tagged `parameters` and to assign profile, data"
    ):
        run(write_notebook("03_tiny", "1", parameters=parameters))
    assert not (tmp_path / "reports" / "smoke" / "03_tiny.html").exists()


def test_a_wrong_profile_runs_nothing(write_notebook, tmp_path):
    with pytest.raises(ConfigError, match="no profile 'smok'"):
        run_notebook(write_notebook("03_tiny", "1"), profile="smok", reports=str(tmp_path))
    assert list(tmp_path.glob("*/")) == []


def test_a_notebook_is_not_run_twice_at_once(write_notebook, run, tmp_path):
    with hold(tmp_path / "reports" / "smoke" / ".work" / "03_tiny.lock", "the same"):
        holder = f"process {os.getpid()} on {platform.node()}, since "
        with pytest.raises(Held, match=f"03_tiny of profile smoke is being made by {holder}.*: wait for it, or end it"):
            run(write_notebook("03_tiny", "1"))
    assert not (tmp_path / "reports" / "smoke" / "03_tiny.failed.ipynb").exists()


def test_paths_of_this_machine_are_shortened_and_nothing_else(make_executed, tmp_path):
    root = tmp_path / "project"
    out = nbformat.v4.new_output
    notebook = make_executed(
        [
            out("stream", name="stdout", text=f"{root}/data/a.png {root.parent}/camvid https://x.org{root}/a"),
            out("display_data", {"text/html": f"<td>{root}/b</td>", "image/png": f"{root}/c"}),
        ]
    )
    notebook.cells[-1].source = f"data = '{root.parent}/camvid'"
    cell = make_portable(notebook, root).cells[-1]
    assert cell.source == "data = '../camvid'"
    assert cell.outputs[0].text == f"data/a.png ../camvid https://x.org{root}/a"
    assert cell.outputs[1].data == {"text/html": "<td>b</td>", "image/png": f"{root}/c"}
