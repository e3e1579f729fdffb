"""Turns an executed notebook into a page that needs nothing but itself.

The template `templates/seg` stands on nbconvert's `lab`. What Jinja cannot do is done on the finished page: contents,
numbers of figures and tables, sizes of images, tables that scroll on their own.
"""

import base64
import datetime
import re
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import latex2mathml.converter
import nbformat
from bs4 import BeautifulSoup, Tag
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from seg_helpers.progress import format_seconds
from seg_helpers.report.checks import PageError

TEMPLATES = Path(__file__).parent / "templates"
# 0.62 (0.60 to 0.64), 3 min 05 s, 12%
NUMBER = re.compile(r"[-+−<≈]?\d[\d.,]*( ?([\d.,%()±–-]+|[kMGT]|ms|s|min|h|px|to))*$")


@dataclass(frozen=True)
class Page:
    """A page of a report, as its neighbours and the index name it."""

    stem: str
    title: str


def find_title(notebook: NotebookNode) -> str:
    """The notebook's first top heading; empty if it has none."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(r"^#\s+(.+?)\s*#*$", text, re.MULTILINE)
    return re.sub(r"[*`]", "", found[1]) if found else ""


def render_page(notebook: NotebookNode, before: Page | None = None, after: Page | None = None) -> str:
    """The page of an executed notebook that carries a `report` record in its metadata.

    Args:
        notebook: as executed; not changed.
        before: the page in front of it, if there is one.
        after: the page behind it, if there is one.
    """
    record = notebook.metadata["report"]
    page = {
        "stem": record["stem"],
        "profile": record["profile"],
        "title": find_title(notebook) or record["stem"],
        "facts": describe_record(record),
        "before": before,
        "after": after,
        "style": (TEMPLATES / "seg" / "page.css").read_text(),
        "script": (TEMPLATES / "seg" / "page.js").read_text(),
    }
    html, _ = _exporter().from_notebook_node(_number_styles(notebook), {"page": page})
    return _arrange(html)


def describe_record(record: dict) -> list[tuple[str, str]]:
    """Names and values of what a reader should know about how a page was made."""
    finished = datetime.datetime.fromtimestamp(record["finished"], datetime.UTC)
    return [
        ("Data set", record["data"]),
        ("Page made on", record["device"]),
        ("Code", describe_commit(record["commit"], record["dirty"])),
        ("Run", f"{finished:%-d %B %Y, %H:%M} UTC"),
        ("Page made in", format_seconds(record["seconds"])),
    ]


def describe_commit(commit: str, dirty: bool) -> str:
    """A commit in words, e.g. `1a2b3c4d5e with local changes`."""
    return (commit[:10] + " with local changes" * dirty) if commit else "not under version control"


class PageExporter(HTMLExporter):
    """nbconvert's HTML exporter with our template, and formulas as MathML in place of a script from the network."""

    def __init__(self, **options):
        super().__init__(template_name="seg", extra_template_basedirs=[str(TEMPLATES)], **options)

    @pass_context
    def markdown2html(self, context, source):
        attachments = context.get("cell", {}).get("attachments", {})
        return MarkdownWithMath(renderer=PageRenderer(escape=False, attachments=attachments)).render(source)


class PageRenderer(IPythonRenderer):
    """Markdown to HTML: plain headings, formulas as MathML."""

    def __init__(self, **options):
        super().__init__(exclude_anchor_links=True, **options)

    def block_math(self, body: str) -> str:
        return _to_mathml(body, "block")

    def inline_math(self, body: str) -> str:
        return _to_mathml(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


def _to_mathml(formula: str, display: str) -> str:
    try:
        return latex2mathml.converter.convert(formula.strip(), display=display)
    except Exception as error:  # the library has no common class for its errors
        raise PageError(
            f"the formula ${formula.strip()}$ cannot be shown: {type(error).__name__} {error}"
        ) from error


@cache
def _exporter() -> PageExporter:
    return PageExporter()


def _number_styles(notebook: NotebookNode) -> NotebookNode:
    """Gives each styled pandas table of a page an id of its own: equal ids would share their cells' styles."""
    notebook = nbformat.from_dict(notebook)
    tables = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            found = re.search(r'<table id="(T_\w+)"', html)
            if found:
                tables += 1
                output.data["text/html"] = re.sub(rf"\b{found[1]}(?=_|\b)", f"T{tables}", html)
    return notebook


def _arrange(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    main = soup.find("main")
    title = main.find("h1")
    if title:
        title.decompose()  # it stands in the masthead
    for heading in main.find_all("h1"):
        heading.name = "h2"
    _list_contents(soup, main)
    for number, figure in enumerate(main.select("figure.plate:has(figcaption)"), 1):
        _number(soup, figure.figcaption, f"Figure {number}. ")
    for image in main.find_all("img", src=True):
        _size(image)
    _dress_tables(soup, main)
    for link in main.find_all("a", href=re.compile(r"^\d\d_\w+\.ipynb")):
        link["href"] = link["href"].replace(".ipynb", ".html")
    return str(soup)


def _list_contents(soup: BeautifulSoup, main: Tag) -> None:
    listing, taken = soup.select_one(".contents ol"), set()
    for heading in main.find_all(["h2", "h3"]):
        text = heading.get_text(" ", strip=True)
        anchor = base = re.sub(r"\s+", "-", text)
        while anchor in taken:
            anchor = f"{base}-{sum(other.startswith(base) for other in taken) + 1}"
        taken.add(anchor)
        heading["id"] = anchor
        item = soup.new_tag("li", attrs={"class": "deeper"} if heading.name == "h3" else {})
        link = soup.new_tag("a", href=f"#{anchor}")
        link.string = text
        item.append(link)
        listing.append(item)


def _number(soup: BeautifulSoup, caption: Tag, label: str) -> None:
    mark = soup.new_tag("b")
    mark.string = label
    caption.insert(0, mark)


def _size(image: Tag) -> None:
    """Writes a PNG's size beside it, so that the page does not move while it is read."""
    kind, _, data = image["src"].partition(",")
    if kind.startswith("data:image/png"):
        image["width"], image["height"] = struct.unpack(">II", base64.b64decode(data[:32])[16:24])
        image["style"] = f"--width: {image['width']}px"


def _dress_tables(soup: BeautifulSoup, main: Tag) -> None:
    number = 0
    for table in main.find_all("table"):
        for scoped in table.parent.find_all("style", attrs={"scoped": True}):
            scoped.decompose()
        del table["border"]
        _align_numbers(table)
        sheet = table.wrap(soup.new_tag("figure", attrs={"class": "sheet"}))
        region = table.wrap(soup.new_tag("div", attrs={"class": "scroll", "role": "region", "tabindex": "0"}))
        if table.caption and table.caption.get_text(strip=True):
            number += 1
            caption = table.caption.extract()
            caption.name, caption.attrs = "figcaption", {"id": f"table-{number}"}
            _number(soup, caption, f"Table {number}. ")
            sheet.insert(0, caption)
            region["aria-labelledby"] = table["aria-labelledby"] = caption["id"]
        else:
            region["aria-label"] = "Table"


def _align_numbers(table: Tag) -> None:
    """Sets columns of numbers flush right; tables with merged cells stay as they are."""
    rows = [row.find_all(["th", "td"]) for row in table.find_all("tr")]
    if table.select("[colspan], [rowspan]") or len({len(row) for row in rows}) != 1:
        return
    for column in zip(*rows, strict=True):
        texts = [cell.get_text(strip=True) for cell in column if cell.find_parent("tbody")]
        if any(texts) and all(NUMBER.match(text) for text in texts if text not in ("", "–", "NaN")):
            for cell in column:
                cell["class"] = [*cell.get("class", []), "number"]
