import ast
import json
import shutil

import pytest

from seg_helpers.config import RECIPES, load_profile, project_root
from seg_helpers.report.dependencies import (
    ALL,
    SHOWN,
    choose_notebooks,
    drop_outdated,
    list_notebooks,
    list_package,
    list_records,
    write_stamp,
)

NOTEBOOKS = list_notebooks(project_root() / "notebooks")
RUN_READERS = {
    "get_run",
    "get_runs",
    "list_runs",
    "read_runs",
    "read_run",
    "list_candidates",
}  # functions of seg_helpers.experiments


@pytest.fixture
def profile(tmp_path):
    profile = load_profile("smoke", reports=tmp_path)
    profile.folder.mkdir()
    return profile


def finish(profile, run: str):
    """Writes what a finished run of the profile is known by."""
    record = profile.folder / "runs" / run / "0" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    return record


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_table_says_which_recipes_a_notebook_names(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    nodes = list(ast.walk(ast.parse(code)))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    profile = load_profile("sample")
    named = [recipe for recipe in ALL if texts & {recipe, *profile.run_names(recipe)}]
    called = {getattr(node, "id", getattr(node, "attr", None)) for node in nodes}
    reads_runs = bool(called & RUN_READERS)
    assert sorted(SHOWN.get(path.stem, ALL)) == sorted(named or (ALL if reads_runs else []))


def test_every_recipe_is_shown_by_the_comparison_and_most_by_a_page_of_their_own():
    assert set(SHOWN) <= {path.stem for path in NOTEBOOKS} | {"index"}
    own = [recipe for page, recipes in SHOWN.items() if recipes is not ALL for recipe in recipes]
    assert set(ALL) == {path.stem for path in RECIPES.glob("*.yaml")}
    assert set(own) <= set(ALL)
    assert SHOWN["11_comparison"] == SHOWN["index"] == ALL


def test_notebooks_are_chosen_by_stem_or_number(tmp_path, write_notebook):
    for stem in ("04_unet", "01_data", "11_all", "scratch"):
        write_notebook(stem)
    notebooks = list_notebooks(tmp_path)
    assert [path.stem for path in notebooks] == ["01_data", "04_unet", "11_all"]
    assert choose_notebooks(notebooks) == notebooks
    assert [path.stem for path in choose_notebooks(notebooks, "11 01_data")] == ["01_data", "11_all"]
    with pytest.raises(ValueError, match="ONLY=05: no such notebook; there are 01_data, 04_unet, 11_all"):
        choose_notebooks(notebooks, "05")


def test_the_package_is_its_modules_recipes_and_templates_without_what_python_compiles(tmp_path):
    for name in (
        "a.py",
        "recipes/fcn.yaml",
        "report/page.css",
        "__pycache__/a.pyc",
        "report/__pycache__/b.pyc",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_package(tmp_path)]
    assert found == ["a.py", "recipes/fcn.yaml", "report/page.css"]


def test_records_are_those_of_the_runs_that_a_page_shows(profile):
    shown, other = finish(profile, "fcn8s"), finish(profile, "unet")
    (profile.folder / "runs" / "fcn8s" / "1").mkdir()  # begun, not finished
    assert list_records(profile, "03_fcn") == [shown]
    assert list_records(profile, "01_data_exploration") == []
    assert list_records(profile, "index") == list_records(profile, "12_a_new_one") == [shown, other]


def test_the_index_is_of_the_profiles_own_runs_too(tmp_path):
    profile = load_profile("camvid-cpu", reports=tmp_path)
    own = finish(profile, "pilot_encoder")
    assert list_records(profile, "index") == [own]
    assert list_records(profile, "03_fcn") == []


def test_a_stamp_lasts_while_the_page_and_its_runs_are_there(profile):
    page, stamp = profile.folder / "03_fcn.html", profile.folder / ".work" / "03_fcn.done"

    def lasts() -> bool:
        drop_outdated(profile, "03_fcn")
        return stamp.exists()

    def publish():
        page.write_text("a page")
        write_stamp(profile, "03_fcn")

    assert not lasts()
    publish()
    assert lasts()
    finish(profile, "unet")  # another page's
    assert lasts()
    added = finish(profile, "fcn8s")
    assert not lasts()
    publish()
    assert lasts()
    shutil.rmtree(added.parent)
    assert not lasts()
    publish()
    page.unlink()
    assert not lasts()
