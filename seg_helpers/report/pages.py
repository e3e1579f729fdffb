"""Turns an executed notebook into a page that needs nothing but itself.

nbconvert and `index.html.j2` make its cells into HTML, which is given what they cannot, and `page.html.j2` frames it.
"""

import datetime
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import latex2mathml.converter
from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader, Template
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from seg_helpers.errors import SegError
from seg_helpers.progress import format_seconds

TEMPLATES = Path(__file__).parent / "templates"
LARGEST_PAGE = 3_000_000  # bytes


class PageError(SegError):
    """A page that cannot be published as it is; the message says what to change, and where."""


def find_title(notebook: NotebookNode) -> str:
    """The notebook's first top heading; empty if it has none."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(r"^#\s+(.+?)\s*#*$", text, re.MULTILINE)
    return re.sub(r"[*`]", "", found[1]) if found else ""


def render_page(notebook: NotebookNode, pages: Sequence[dict]) -> str:
    """The page of an executed notebook with a `report` record in its metadata, among `pages`: `stem` and `title` of each."""
    filters = {"markdown2html": render_markdown}
    exporter = HTMLExporter(template_name="seg", extra_template_basedirs=[str(TEMPLATES)], filters=filters)
    body = BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")
    contents, record = _arrange(body), notebook.metadata["report"]
    title, log = find_title(notebook) or record["stem"], _take_log(body)
    return get_template("page.html.j2").render(
        record=record, title=title, pages=pages, contents=contents, body=str(body), log=log
    )


def render_markdown(text: str) -> str:
    """Markdown as HTML; PageError for a formula that cannot be read."""
    return MarkdownWithMath(renderer=PageRenderer(escape=False, exclude_anchor_links=True)).render(text)


@cache
def get_template(name: str) -> Template:
    """A template of pages or the index; it escapes all that is filled in."""
    loader = FileSystemLoader(TEMPLATES / "seg")
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters |= {"duration": format_seconds, "date": _format_date}
    return environment.get_template(name)


def _format_date(seconds: float) -> str:
    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{date.day} {date:%B %Y, %H:%M} UTC"


class PageRenderer(IPythonRenderer):
    """Markdown to HTML with formulas as MathML, in place of a script from the network."""

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
        raise PageError(f"the formula ${formula.strip()}$ cannot be shown: {type(error).__name__} {error}") from error


def _arrange(body: BeautifulSoup) -> list[tuple[str, str, str]]:
    """Dresses a page's headings, images, tables and links; returns its contents: (h2 or h3, anchor, text)."""
    title = body.find("h1")
    if title:
        title.decompose()  # it stands in the masthead
    for heading in body.find_all("h1"):
        heading.name = "h2"
    contents, taken = [], Counter()
    for heading in body.find_all(["h2", "h3"]):
        text = heading.get_text(" ", strip=True)
        anchor = re.sub(r"\s+", "-", text)
        taken[anchor] += 1
        anchor = anchor if taken[anchor] == 1 else f"{anchor}-{taken[anchor]}"
        heading["id"] = anchor
        contents.append((heading.name, anchor, text))
    for number, figure in enumerate(body.find_all("figure", class_=["plate", "pictures"]), 1):
        figure["id"] = f"figure-{number}"
    for code in body.select(".highlight pre"):
        code["tabindex"] = "0"  # it may scroll, and those without a mouse too
    for table in body.find_all("table"):
        dress_table(table, body)
    lead_to_pages(body)
    return contents


def _take_log(body: BeautifulSoup) -> str:
    """Takes out what cells print before the first section: it says how the page was made, which stands at its foot."""
    section = body.find("h2")
    printed = section.find_all_previous(["pre", "details"], class_="stdout") if section else []
    return "\n".join((each.find("pre") or each).get_text().rstrip() for each in map(Tag.extract, reversed(printed)))


def lead_to_pages(body: BeautifulSoup) -> None:
    """Turns the links to other notebooks into links to their pages."""
    for link in body.find_all("a", href=re.compile(r"^\d\d_\w+\.ipynb"), download=False):
        link["href"] = link["href"].replace(".ipynb", ".html")


def dress_table(table: Tag, body: BeautifulSoup) -> None:
    """Lets a table scroll on its own below its caption, which names it."""
    sheet = table.wrap(body.new_tag("figure", attrs={"class": "sheet"}))
    region = table.wrap(body.new_tag("div", attrs={"class": "scroll", "role": "region", "tabindex": "0"}))
    if caption := table.caption:
        region["aria-label"] = table["aria-label"] = caption.get_text(" ", strip=True)
        caption.name, caption.attrs = "figcaption", {}
        sheet.insert(0, caption.extract())


def check_page(html: str) -> list[str]:
    """Warnings of what a page should not have: images without a description, too many bytes.

    Raises:
        PageError: the page would load something from elsewhere.
    """
    soup = BeautifulSoup(html, "html.parser")
    loaded = [tag[key] for key in ("src", "srcset", "poster") for tag in soup.find_all(attrs={key: True})]
    loaded += [tag["href"] for tag in soup.find_all("link", href=True)]
    styles = [*(tag.get_text() for tag in soup.find_all("style")), *(tag["style"] for tag in soup.find_all(style=True))]
    loaded += re.findall(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""", "\n".join(styles))
    if outside := ", ".join(url for url in loaded if not url.startswith(("data:", "#"))):
        raise PageError(f"the page would load {outside}: embed it, or leave it out of the notebook")
    warnings = []
    if undescribed := sum(not tag.get("alt", "").strip() for tag in soup.find_all("img")):
        warnings.append(f"{undescribed} images without alt text: display figures by `show`")
    if (size := len(html.encode())) > LARGEST_PAGE:
        warnings.append(f"the page has {size / 1e6:.1f} MB, more than 3: draw fewer or smaller figures")
    return warnings
