"""Executes one notebook with its parameters, and has it published; a page stays until a better one replaces it."""

import os
import platform
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from traitlets.config import Config

from seg_helpers.config import load_profile, project_root
from seg_helpers.errors import SegError
from seg_helpers.experiments import list_versions, read_commit
from seg_helpers.files import passing_name, sweep
from seg_helpers.locks import hold
from seg_helpers.progress import format_seconds
from seg_helpers.report.dependencies import work_file
from seg_helpers.report.pages import PageError
from seg_helpers.report.publishing import keep_failed, publish_notebook

# The names that a notebook's `parameters` cell assigns, with its defaults: the arguments of `load_profile`.
PARAMETERS = {"profile": "sample", "data": "", "weights": "", "overrides": [], "reports": "reports"}
START_SECONDS = 180  # a busy machine may take a minute to start a kernel; one that dies is noticed at once
# Run after a notebook's own cells; torch takes seconds to import, which the process that runs the notebook does without.
DEVICE = """import sys
if "torch" in sys.modules:
    from seg_helpers.training.devices import describe_device
    print(describe_device())"""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class NotebookFailed(SegError):
    """A notebook that was not published; the message has the cell and the error."""


def run_notebook(path: Path, threads: int | None = None, **parameters) -> Path:
    """Executes a notebook with values in place of those in `PARAMETERS`; returns its published page.

    The index is written whatever comes of it. Without `threads`, libraries choose how many the kernel computes with.

    Raises:
        ConfigError: the profile or an override is wrong; nothing was run.
        Held: another process runs it.
        NotebookFailed: a cell raised or ended the kernel, or the page cannot be published.
    """
    parameters = PARAMETERS | parameters
    profile = load_profile(**parameters)
    with hold(work_file(profile, f"{path.stem}.lock"), f"{path.stem} of profile {profile.name}"):
        try:
            notebook = load_notebook_node(str(path))
        except Exception as error:  # each version of the format has code of its own
            raise NotebookFailed(f"{path} is no notebook that can be read: {error}") from None
        tagged = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        assigned = re.findall(r"^(\w+) *=", "\n".join(tagged), re.MULTILINE)
        if len(tagged) != 1 or set(assigned) != set(PARAMETERS):
            raise NotebookFailed(
                f"{path}: exactly one cell has to be tagged `parameters` and to assign {', '.join(PARAMETERS)}; found "
                f"{len(tagged)}, which assign {', '.join(assigned) or 'nothing'}"
            )
        notebook = parameterize_notebook(notebook, parameters, kernel_name="python3")
        start = time.monotonic()
        failure, device = _execute(notebook, path.stem, threads)
        commit, dirty = read_commit()
        notebook.metadata["report"] = {
            "stem": path.stem,
            "profile": profile.name,
            "data": profile.data().dataset,
            "finished": time.time(),
            "seconds": round(time.monotonic() - start, 1),
            "commit": commit,
            "dirty": dirty,
            "versions": list_versions(),
            "device": device,
        }
        notebook = make_portable(notebook, project_root())
        if not failure:
            try:
                return publish_notebook(notebook, profile)
            except PageError as error:
                failure = {"place": "the finished page", "error": str(error)}
        kept = keep_failed(notebook, failure, profile)
    code = "".join(f"    {line}\n" for line in failure.get("source", "").splitlines())
    where = f"{path.stem} failed in {failure['place']}:"
    raise NotebookFailed(f"{where}\n{code}{failure['error']}\nThe notebook up to there: {kept}")


def _execute(notebook: NotebookNode, name: str, threads: int | None) -> tuple[dict | None, str]:
    """Fills in the cells' outputs, as far as it comes; returns where and why it stopped, if it did, and the device."""
    # one folder a run: kernels side by side would share IPython's; sockets need a shorter path than $TMPDIR
    sweep(Path("/tmp"), "seg-")
    with tempfile.TemporaryDirectory(prefix=passing_name("seg-"), dir="/tmp") as own:
        connection = {"transport": "ipc", "connection_file": f"{own}/kernel.json"}  # sockets, not ports
        client = ConsoleClient(notebook, name, config=Config(KernelManager=connection))
        variables = {"IPYTHONDIR": own, "SEG_PAGE": "1"}
        if threads:
            variables |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        error = ""
        notebook.cells.append(new_code_cell(DEVICE))
        try:
            client.execute(cwd=str(project_root()), env=os.environ | variables)
        except CellExecutionError as raised:
            ended = ": the cell ended the notebook, and no later cell ran" if raised.ename == "SystemExit" else ""
            error = f"{raised.ename}: {raised.evalue}".rstrip(": ") + ended
        except Exception as lost:  # whatever comes of a kernel that does not start, answer or live
            error = f"{type(lost).__name__}: {lost}; was the kernel ended from outside, or is the memory full?"
        device = "".join(output.get("text", "") for output in notebook.cells.pop().outputs).strip()
        client.say(f"{'failed' if error else 'done'} after {client.elapsed()}")
    return client.locate() | {"error": error} if error else None, device or platform.machine()


class ConsoleClient(NotebookClient):
    """Executes a notebook and says which section runs and what cells print, with its name: several may run at once."""

    def __init__(self, notebook: NotebookNode, name: str, **options):
        super().__init__(
            notebook,
            kernel_name="python3",
            startup_timeout=START_SECONDS,
            raise_on_iopub_timeout=True,  # output that comes too late is an error, not left out
            coalesce_streams=True,
            on_cell_start=self.announce,
            **options,
        )
        self._name, self._start, self._cells = name, time.monotonic(), len(notebook.cells)
        self._cell, self._section, self._partial = 0, "the beginning", ""

    def announce(self, cell: NotebookNode, cell_index: int) -> None:
        """Remembers which cell runs, and says so where a section begins."""
        self._cell = cell_index
        heading = re.search(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
        if heading and cell.cell_type == "markdown":
            self._section = heading[1]
            self.say(f"[{cell_index + 1}/{self._cells}] {self.elapsed()}: {self._section}")

    def process_message(self, *arguments, **more) -> NotebookNode | None:
        output = super().process_message(*arguments, **more)
        if output and output.output_type == "stream":
            *lines, self._partial = (self._partial + output.text).split("\n")
            for line in lines:
                self.say(f"  {line.rpartition(chr(13))[2]}")  # of a bar drawn over itself, its last state
        return output

    def locate(self) -> dict[str, str]:
        """The place of the running cell, for people, and its source."""
        source = self.nb.cells[self._cell].source
        code = [i for i, cell in enumerate(self.nb.cells) if cell.cell_type == "code" and cell.source.strip()]
        number = sum(i <= self._cell for i in code)
        return {"place": f"code cell {number} of {len(code)}, under “{self._section}”", "source": source}

    def elapsed(self) -> str:
        return format_seconds(time.monotonic() - self._start)

    def say(self, text: str) -> None:
        print(f"{self._name}  {text}", flush=True)


def make_portable(notebook: NotebookNode, root: Path) -> NotebookNode:
    """Shortens this machine's paths in what cells hold and print; drops papermill's record, which holds some too."""
    folders = {root: "", root.parent: "../", Path.home(): "~/"}

    def shorten(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {key: shorten(value, key) for key, value in node.items() if key != "papermill"}
        if isinstance(node, list):
            return [shorten(value, key) for value in node]
        if isinstance(node, str) and not key.startswith("image/"):
            for folder, short in folders.items():
                if folder.name:  # not the root of all
                    node = re.sub(rf"(?<![\w./~-]){re.escape(str(folder))}/", short, node)
        return node

    return nbformat.from_dict(shorten(notebook))
