"""Executes one notebook by papermill, checks what came out, and has it published.

A page that was published stays until a better one replaces it: a notebook that fails is kept beside it as
`NAME.failed.ipynb`.
"""

import ast
import contextlib
import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import remove_error_markers
from traitlets.config import Config

from seg_helpers.config import Profile, load_profile, project_root
from seg_helpers.progress import format_seconds
from seg_helpers.report.checks import Failure, PageError, find_failure, list_sections

LINE_SECONDS = 5.0  # within a section, a line on the running cell at most this often
NO_WIDGETS = "ignore:IProgress not found"  # tqdm asks for widgets, which a page cannot show
START_SECONDS = 180  # a busy machine may take a minute to start a kernel; one that dies is noticed at once
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


class NotebookFailed(RuntimeError):
    """A notebook that did not run to its end; the message has the cell and the error."""


@dataclass(frozen=True)
class Request:
    """A notebook and the values of the five names in its `parameters` cell."""

    notebook: Path
    profile: str = "sample"
    data: str = ""
    weights: str = ""
    overrides: tuple[str, ...] = ()
    reports: str = "reports"

    @property
    def stem(self) -> str:
        return self.notebook.stem

    def parameters(self) -> dict:
        names = ("profile", "data", "weights", "reports")
        return {name: getattr(self, name) for name in names} | {"overrides": list(self.overrides)}

    def load_profile(self) -> Profile:
        return load_profile(**self.parameters())


def run_notebook(request: Request, threads: int | None = None) -> Path:
    """Executes, checks and publishes a notebook; the index is written anew whatever comes of it.

    Args:
        request: the notebook and its parameters.
        threads: threads that the kernel computes with; None leaves the choice to the libraries.

    Returns:
        The published page.

    Raises:
        ConfigError: the profile or an override is wrong; nothing was run.
        NotebookFailed: a cell raised, ended the kernel or did not run, or the page cannot be published.
    """
    profile = request.load_profile()
    work = profile.folder / ".work"
    work.mkdir(parents=True, exist_ok=True)
    with _hold(work / f"{request.stem}.lock", f"{request.stem} of profile {profile.name}"):
        notebook, failure = _execute(request, profile, work / f"{request.stem}.ipynb", threads)
        publishing = _import_publishing()
        if failure is None:
            try:
                return publishing.publish_notebook(notebook, profile)
            except PageError as error:
                failure = Failure(0, 0, "the finished page", "", str(error))
        failed = publishing.keep_failed(notebook, failure, profile)
        raise NotebookFailed(f"{request.stem} failed in {failure}\nThe notebook up to there: {failed}")


def _check_parameters(request: Request) -> str:
    """What is wrong with the parameters cell, if anything: papermill injects names that no cell ever reads."""
    cells = nbformat.read(request.notebook, as_version=4).cells
    tagged = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    nodes = [node for source in tagged for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    names = [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
    if sorted(names) == sorted(request.parameters()):
        return ""
    wanted = ", ".join(request.parameters())
    return f"one cell tagged `parameters` must assign {wanted}; found {', '.join(names) or 'none'}"


def _import_publishing():
    """Torch comes with it, which takes seconds: so it is first done beside the kernel, which has to wait for it too."""
    from seg_helpers.report import publishing

    return publishing


def _execute(request: Request, profile: Profile, output: Path, threads: int | None):
    """Runs the notebook; returns it as far as it came, with its record, and the failure if there was one."""
    output.unlink(missing_ok=True)
    papermill_engines.register("console", ConsoleEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # else it warns of cells that its parser misreads
    console = Console(request.stem)
    lost = _check_parameters(request)
    variables = dict.fromkeys(THREAD_VARIABLES, str(threads)) if threads else {}
    with (
        # one folder a run: kernels side by side would share a history file; sockets need a shorter path than $TMPDIR
        tempfile.TemporaryDirectory(prefix="seg-", dir="/tmp") as own,
        _environment(IPYTHONDIR=own, JUPYTER_RUNTIME_DIR=own, PYTHONWARNINGS=NO_WIDGETS, **variables),
        ThreadPoolExecutor(1) as pool,
    ):
        origin = pool.submit(lambda: _import_publishing().describe_origin())
        try:
            if not lost:
                papermill.execute_notebook(
                    request.notebook,
                    output,
                    request.parameters(),
                    engine_name="console",
                    kernel_name="python3",
                    start_timeout=START_SECONDS,
                    progress_bar=False,
                    coalesce_streams=True,
                    cwd=project_root(),
                    config=Config(
                        KernelManager={"transport": "ipc", "ip": f"{own}/kernel"}
                    ),  # sockets, not ports
                    stdout_file=console,
                    stderr_file=console,
                )
        except PapermillExecutionError:
            pass  # the notebook holds the error
        except Exception as error:
            lost = f"{type(error).__name__}: {error}"
            if "Kernel died" in lost:
                lost += "; it was ended from outside, or the machine ran out of memory"
    reached = output if output.is_file() else request.notebook  # it may fail before papermill writes
    notebook = remove_error_markers(nbformat.read(reached, as_version=4))
    failure = find_failure(notebook, console.cell if lost else None, lost)
    seconds = console.finish("failed" if failure else "done")
    notebook.metadata["report"] = {
        "stem": request.stem,
        "profile": profile.name,
        "data": profile.data().dataset,
        "finished": time.time(),
        "seconds": round(seconds, 1),
        **origin.result(),
    }
    return make_portable(notebook, project_root()), failure


class Console:
    """What a person sees of a notebook while it runs: the section, the cell of how many, and what cells print.

    Lines begin with the notebook's name, since several may run at once.
    """

    def __init__(self, name: str):
        self.cell = 0  # index of the running cell
        self._name, self._start = name, time.monotonic()
        self._section, self._last, self._partial = "", 0.0, ""

    def announce(self, index: int, sections: list[str]) -> None:
        """Says which cell runs, where a section begins or the last line is some seconds old."""
        self.cell, now = index, time.monotonic()
        if sections[index] != self._section or now - self._last > LINE_SECONDS:
            self._section, self._last = sections[index], now
            self._print(f"[{index + 1}/{len(sections)}] {format_seconds(now - self._start)}: {self._section}")

    def write(self, text: str) -> None:
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._print(f"  {line.rpartition(chr(13))[2]}")  # of a bar drawn over itself, its last state

    def flush(self) -> None:
        """Part of a file's interface; lines are flushed as they are printed."""

    def finish(self, word: str) -> float:
        """Says that it is over; returns the seconds it took."""
        seconds = time.monotonic() - self._start
        self.write("\n" if self._partial else "")
        self._print(f"{word} after {format_seconds(seconds)}")
        return seconds

    def _print(self, text: str) -> None:
        print(f"{self._name}  {text}", flush=True)


class ConsoleEngine(NBClientEngine):
    """Papermill's own engine, which tells the console which cell runs."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, **options):
        sections = list_sections(nb_man.nb)
        start_cell = nb_man.cell_start

        def announce(cell, cell_index, **more):
            options["stdout_file"].announce(cell_index, sections)
            start_cell(cell, cell_index, **more)

        nb_man.cell_start = announce
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


def make_portable(notebook: NotebookNode, root: Path) -> NotebookNode:
    """Shorten this machine's paths in what cells hold and print, and drop papermill's record, which holds some too."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.source = _shorten(cell.source, root)
        for output in cell.get("outputs", []):
            for holder in (output, output.get("data", {})):
                for key, value in holder.items():
                    if key in ("text", "evalue") or key.startswith("text/"):
                        holder[key] = _shorten(value, root)
            if "traceback" in output:
                output.traceback = [_shorten(line, root) for line in output.traceback]
    return notebook


def _shorten(text: str, root: Path) -> str:
    for folder, short in ((root, ""), (root.parent, "../"), (Path.home(), "~/")):
        if folder != Path(folder.anchor):
            text = re.sub(rf"(?<![\w./~-]){re.escape(str(folder))}/", short, text)
    return text


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Environment variables for the kernel that is started inside."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _hold(file: Path, what: str) -> Iterator[None]:
    """A lock that vanishes with the process that holds it, however that ends."""
    with open(file, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotebookFailed(f"{what} is being run by another process: wait for it, or end it") from None
        yield
