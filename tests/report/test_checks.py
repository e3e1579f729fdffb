import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from seg_helpers.report.checks import LARGEST_PAGE, PageError, check_page, find_failure


def notebook_of(*cells) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell("# Title"), *cells])


def test_a_notebook_that_ran_to_its_end_has_no_failure():
    assert find_failure(notebook_of(new_code_cell("1", execution_count=1), new_code_cell("  "))) is None


def test_failure_names_the_cell_its_section_and_the_error():
    error = new_output("error", ename="KeyError", evalue="'unet'", traceback=[])
    failure = find_failure(
        notebook_of(
            new_code_cell("1", execution_count=1),
            new_markdown_cell("## How good is it?"),
            new_code_cell("runs['unet']", execution_count=2, outputs=[error]),
            new_code_cell("2"),
        )
    )
    assert (failure.cell, failure.cells, failure.section) == (2, 3, "How good is it?")
    assert str(failure) == "code cell 2 of 3, under “How good is it?”:\n    runs['unet']\nKeyError: 'unet'"


def test_a_cell_without_a_count_did_not_run():
    failure = find_failure(notebook_of(new_code_cell("1", execution_count=1), new_code_cell("2")))
    assert (failure.cell, failure.error) == (2, "the cell did not run")


def test_a_lost_kernel_is_blamed_on_the_cell_that_ran_though_it_looks_finished():
    cells = [new_code_cell(str(n), execution_count=n) for n in (1, 2, 3)]
    failure = find_failure(notebook_of(*cells), crashed_at=2, crash="DeadKernelError: Kernel died")
    assert (failure.cell, failure.error) == (2, "DeadKernelError: Kernel died")
    after_the_last = find_failure(notebook_of(*cells), crashed_at=9, crash="RuntimeError: lost")
    assert (after_the_last.cell, after_the_last.error) == (3, "RuntimeError: lost")


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
