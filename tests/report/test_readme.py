"""The README's results are the records', to the digit."""

import pytest

from seg_helpers.config import project_root
from seg_helpers.report.readme import BLOCK, render_results, update_readme


def test_every_result_in_the_readme_is_a_committed_record():
    text = (project_root() / "README.md").read_text()
    blocks = list(BLOCK.finditer(text))
    assert blocks
    for block in blocks:
        assert block[0] == block[1] + render_results(project_root() / block["folder"]) + block[3]


def test_a_readme_without_a_block_is_said(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Nothing here\n")
    with pytest.raises(ValueError, match=r"README.md: no <!-- results: FOLDER -->"):
        update_readme(readme)


def test_a_folder_without_runs_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no finished run"):
        render_results(tmp_path)
