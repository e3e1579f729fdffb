"""What must hold before a notebook or its page is published."""

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup
from nbformat import NotebookNode

LARGEST_PAGE = 3_000_000  # bytes


class PageError(RuntimeError):
    """A page that cannot be published as it is; the message says what to change in the notebook."""


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook stopped.

    Attributes:
        cell: number of the code cell, as `In [cell]` shows it.
        cells: how many code cells the notebook has.
        section: the nearest heading above the cell.
        source: the cell's code.
        error: what was raised, or what else went wrong.
    """

    cell: int
    cells: int
    section: str
    source: str
    error: str

    @property
    def place(self) -> str:
        return (
            f"code cell {self.cell} of {self.cells}, under “{self.section}”" * bool(self.cells)
            or self.section
        )

    def __str__(self) -> str:
        code = "\n".join(f"    {line}" for line in self.source.splitlines())
        return f"{self.place}:\n{code}\n{self.error}" if code else f"{self.place}: {self.error}"


def list_sections(notebook: NotebookNode) -> list[str]:
    """For each cell the nearest heading at or above it; the first one's is "the beginning" if it has none."""
    section, sections = "the beginning", []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = re.search(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            section = heading[1] if heading else section
        sections.append(section)
    return sections


def find_failure(notebook: NotebookNode, crashed_at: int | None = None, crash: str = "") -> Failure | None:
    """The first code cell that raised, ended the kernel or did not run; None if all ran.

    Papermill alone does not tell: it calls the cells of a killed kernel completed, and `sys.exit(0)` a success.

    Args:
        notebook: as executed.
        crashed_at: index of the cell that ran when the kernel was lost; its own record of it cannot be trusted.
        crash: what was seen of that loss.
    """
    code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
    sections = list_sections(notebook)
    for number, i in enumerate(code, 1):
        cell = notebook.cells[i]
        raised = [f"{out.ename}: {out.evalue}" for out in cell.outputs if out.output_type == "error"]
        error = raised[0] if raised else None
        if error and error.startswith("SystemExit"):
            error = f"{error.rstrip(': ')}: the cell ended the notebook, and no later cell ran"
        if error is None and crashed_at is not None and i >= crashed_at:
            error = crash
        if error is None and cell.execution_count is None:
            error = "the cell did not run"
        if error:
            return Failure(number, len(code), sections[i], cell.source, error)
    return Failure(len(code), len(code), sections[-1], "", crash) if crash else None


def check_page(html: str) -> list[str]:
    """Looks for what a page must not have.

    Returns:
        Warnings: images without a description, too many bytes.

    Raises:
        PageError: the page would load something from elsewhere.
    """
    soup = BeautifulSoup(html, "html.parser")
    loaded = [tag[key] for key in ("src", "srcset", "poster") for tag in soup.find_all(attrs={key: True})]
    loaded += [tag["href"] for tag in soup.find_all("link", href=True)]
    styles = [tag.get_text() for tag in soup.find_all("style")]
    styles += [tag["style"] for tag in soup.find_all(style=True)]
    loaded += [
        url for style in styles for url in re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""", style)
    ]
    outside = ", ".join(url for url in loaded if not url.startswith(("data:", "#")))
    if outside:
        raise PageError(f"the page would load {outside}: embed it, or leave it out of the notebook")
    warnings = []
    undescribed = sum(not tag.get("alt", "").strip() for tag in soup.find_all("img"))
    if undescribed:
        warnings.append(f"{undescribed} images without alt text: display figures by `show`")
    size = len(html.encode())
    if size > LARGEST_PAGE:
        warnings.append(f"the page has {size / 1e6:.1f} MB, more than 3: draw fewer or smaller figures")
    return warnings
