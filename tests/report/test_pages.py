import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_output

from seg_helpers.report.pages import LARGEST_PAGE, PageError, check_page, find_title, render_page

STYLED = '<style>#T_t_row0_col1 {{color: {0}}}</style><table id="T_t"><caption>Scores of {0}</caption>{1}</table>'
PAGES = [
    {"stem": "02_before", "title": "One < two"},
    {"stem": "03_tiny", "title": "Tiny"},
    {"stem": "04_unet", "title": "U-Net"},
]
ROWS = (
    "<thead><tr><th>class</th><th>IoU</th><th>time</th></tr></thead>"
    '<tbody><tr><td>sky</td><td id="T_t_row0_col1">0.9</td><td>3 min 05 s</td></tr>'
    "<tr><td>7 poles</td><td>–</td><td>42 s</td></tr></tbody>"
)


def html_output(html: str):
    return new_output("display_data", {"text/html": html})


@pytest.fixture
def page(make_executed, picture):
    """A page with two figures, two tables of the same id, formulas and a long log."""
    notebook = make_executed(
        "## Loss\n\nThe share $p_i$ of $$\\frac{a}{b}$$ and [the next](04_unet.ipynb#Loss).",
        [picture],
        [new_output("stream", name="stdout", text="".join(f"epoch {n}\n" for n in range(1, 31)))],
        "### In detail\n\n## Loss",
        [picture, html_output(STYLED.format("red", ROWS)), html_output(STYLED.format("blue", ROWS))],
        [new_output("display_data", {"text/markdown": "**Poles** are `hard`."})],
        [new_output("stream", name="stdout", text="<b>two</b> lines\n")],
    )
    html = render_page(notebook, PAGES)
    assert check_page(html) == []
    return BeautifulSoup(html, "html.parser")


def test_page_can_make_no_request(page):
    policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none'")
    assert not page.find_all("script", src=True)


def test_figures_have_alt_text_numbers_captions_and_anchors(page):
    figures = page.select("main figure.plate")
    assert [figure.img["alt"] for figure in figures] == ['a "navy" area'] * 2
    assert [figure.figcaption.get_text() for figure in figures] == ["Navy & nothing else."] * 2
    style = page.style.get_text()
    for figure, word in ((":is(.plate, .pictures)", "Figure"), (".sheet", "Table")):  # numbered by the style sheet
        assert f"{figure}:has(figcaption) {{ counter-increment: {word.lower()}; }}" in style
        assert f'{figure} figcaption::before {{ content: "{word} " counter({word.lower()}) ". "; }}' in style
    assert [figure["id"] for figure in figures] == ["figure-1", "figure-2"]


def test_contents_list_every_section_once_and_lead_to_it(page):
    links = page.select(".contents details:first-child a")
    assert [link.get_text() for link in links] == ["Loss", "In detail", "Loss"]
    targets = [page.find(id=link["href"][1:]) for link in links]
    assert [target.name for target in targets] == ["h2", "h3", "h2"]
    assert len(set(map(id, targets))) == 3


def test_no_id_is_given_twice(page):
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_styles_of_one_table_do_not_reach_the_next(page):
    styles = [style.get_text() for style in page.select("main style")]
    cells = [table.find("td", id=True)["id"] for table in page.select("main table")]
    assert [f"#{cell} " in style for cell, style in zip(cells, styles, strict=True)] == [True, True]
    assert cells[0] != cells[1]


def test_tables_scroll_alone_and_carry_their_captions(page):
    table = page.select_one("main table")
    assert table.parent["class"] == ["scroll"]
    assert table["aria-label"] == table.parent["aria-label"] == "Scores of red"
    assert table.parent.parent.figcaption.get_text() == "Scores of red"
    assert table.caption is None


def test_formulas_are_mathml(page):
    assert [formula["display"] for formula in page.find_all("math")] == ["inline", "block"]
    assert "$" not in page.main.get_text()


def test_a_formula_that_cannot_be_read_is_named(make_executed):
    with pytest.raises(PageError, match=r"the formula \$a\^\$ cannot be shown"):
        render_page(make_executed("$a^$"), PAGES)


def test_code_and_long_logs_are_folded_and_short_ones_are_not(page):
    assert page.select_one("details.code pre").get_text(strip=True) == "step(2)"
    log = page.select_one("details.log")
    assert "30 lines" in log.summary.get_text()
    assert "epoch 30" in log.summary.get_text()
    assert page.select_one("pre.printed").get_text() == "<b>two</b> lines"


def test_code_that_the_page_is_about_is_open(make_executed):
    notebook = make_executed([], [])
    notebook.cells[1].metadata["tags"] = ["shown"]
    cells = BeautifulSoup(render_page(notebook, PAGES), "html.parser").select("details.code")
    assert [cell.has_attr("open") for cell in cells] == [True, False]


def test_findings_are_set_as_text(page):
    assert page.select_one(".finding p").decode_contents() == "<strong>Poles</strong> are <code>hard</code>."


def test_foot_says_what_was_run_on_what_and_when(page):
    facts = {item.dt.get_text(): item.dd.get_text() for item in page.select("footer .facts div")}
    assert facts == {
        "Data set": "sample",
        "Page made on": "a test's device",
        "Code": "0123456789",
        "Made": "15 January 2027, 08:00 UTC",
        "Page made in": "1 min 01 s",
    }
    assert page.html["lang"] == "en"
    assert [heading.get_text() for heading in page.find_all("h1")] == ["Tiny"]
    assert page.find(id=page.select_one("a.skip")["href"][1:]).name == "main"


def test_what_the_opening_prints_stands_at_the_foot(make_executed):
    printed = [new_output("stream", name="stdout", text=text) for text in ("loaded\n", "a line\n" * 30, "scores\n")]
    page = BeautifulSoup(render_page(make_executed(printed[:2], "## Scores", printed[2:]), PAGES), "html.parser")
    assert [each.get_text() for each in page.select("main .stdout")] == ["scores"]
    assert page.footer.find("pre").get_text().split("\n")[:2] == ["loaded", "a line"]


def test_links_lead_to_pages(page):
    turns = {link["rel"][0]: link for link in page.select(".turn a")}
    assert turns["prev"]["href"] == "02_before.html"
    assert "One < two" in turns["prev"].get_text()
    assert turns["next"]["href"] == "04_unet.html"
    assert page.select_one("main a[href^='04_unet']")["href"] == "04_unet.html#Loss"
    others = [(link.get_text(), link["href"]) for link in page.select(".others a")]
    assert others[1:3] == [("02 One < two", "02_before.html"), ("03 Tiny", "03_tiny.html")]
    assert page.select_one(".others [aria-current=page]").get_text() == "03 Tiny"
    assert page.select_one(".colophon a[download]")["href"] == "03_tiny.ipynb"


def test_local_changes_and_a_missing_repository_are_said(make_executed):
    assert "0123456789 with local changes" in render_page(make_executed(dirty=True), PAGES)
    assert "not under version control" in render_page(make_executed(commit=""), PAGES)


def test_title_is_plain_text(make_executed):
    assert find_title(make_executed(title="What `unet` *does*")) == "What unet does"


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<img alt="a" src="figures/a.png">',
        '<link rel="stylesheet" href="style.css">',
        "<style>@import 'https://fonts.example/x.css';</style>",
        '<p style="background: url(https://example.org/x.png)">',
    ],
)
def test_a_page_that_loads_anything_is_refused(html):
    with pytest.raises(PageError, match=r"the page would load .*: embed it"):
        check_page(html)


def test_links_and_embedded_data_load_nothing():
    html = '<a href="https://example.org">a</a><img alt="a" src="data:image/png;base64,AA"><a href="#b">b</a>'
    assert check_page(html) == []


def test_images_without_alt_text_and_large_pages_are_warned_of():
    warnings = check_page('<img src="data:,"><img alt=" " src="data:,">' + " " * LARGEST_PAGE)
    assert [warning.split(":")[0] for warning in warnings] == [
        "2 images without alt text",
        "the page has 3.0 MB, more than 3",
    ]
