"""Every published page in Chromium: it asks for nothing, is not cut on a phone, and axe-core has nothing serious to say.

Skipped where playwright, axe or a browser is missing: `make test-browser` gets the first two.
"""

import os
import shutil
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

REPORTS = Path(os.environ.get("REPORTS") or Path(__file__).parents[2] / "reports")
PAGES = sorted([*REPORTS.glob("*.html"), *REPORTS.glob("*/*.html")])

each_page = pytest.mark.parametrize("path", PAGES, ids=[str(page.relative_to(REPORTS)) for page in PAGES])
in_light_and_dark = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as running:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")  # else the one that playwright installs
        try:
            browser = running.chromium.launch(executable_path=chromium, chromium_sandbox=False)
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {error}")
        yield browser
        browser.close()


def open_page(browser, path, width=1280, scheme="light"):
    """The page, and what it asked for and said while it was opened."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    noticed = []
    page.on("request", lambda request: noticed.append(request.url))
    page.on("console", lambda message: noticed.append(message.text))
    page.on("pageerror", lambda error: noticed.append(str(error)))
    page.goto(path.resolve().as_uri())
    return page, noticed


@each_page
def test_asks_for_nothing_and_says_nothing(browser, path):
    page, noticed = open_page(browser, path)
    page.context.close()
    assert [word for word in noticed if not word.startswith("data:")] == [path.resolve().as_uri()]


@each_page
def test_is_no_wider_than_a_phone(browser, path):
    page, _ = open_page(browser, path, width=390)
    width = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert width <= 390


@in_light_and_dark
@each_page
def test_axe_finds_nothing_serious(browser, path, scheme):
    page, _ = open_page(browser, path, scheme=scheme)
    found = axe.Axe().run(page).response["violations"]
    page.context.close()
    assert [
        (violation["id"], [node["target"] for node in violation["nodes"]][:5])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ] == []


def test_a_click_on_a_heading_sorts(browser, tmp_path):
    rows = {"U-Net": "12.5 M", "FCN": "900 k", "SegNet": "29.4 M"}
    script = Path(__file__).parents[2] / "seg_helpers" / "report" / "templates" / "seg" / "tables.js"
    cells = "".join(f"<tr><td>{name}</td><td>{count}</td></tr>" for name, count in rows.items())
    head = '<tr><th style="text-align: left">model</th><th style="text-align: right">parameters</th></tr>'
    path = tmp_path / "page.html"
    path.write_text(f"<table><thead>{head}</thead><tbody>{cells}</tbody></table><script>{script.read_text()}</script>")
    page, _ = open_page(browser, path)

    def click(heading):
        page.get_by_role("button", name=heading).click()
        return [cell.text_content() for cell in page.query_selector_all("td:first-child")]

    assert click("parameters") == ["SegNet", "U-Net", "FCN"]
    assert click("parameters") == ["FCN", "U-Net", "SegNet"]
    assert click("model") == ["FCN", "SegNet", "U-Net"]
    assert page.get_attribute("th", "aria-sort") == "ascending"
    page.context.close()
