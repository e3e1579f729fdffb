import json

import pytest

from seg_helpers.report.dependencies import (
    choose_notebooks,
    digest_runs,
    drop_outdated,
    find_modules,
    find_recipes,
    list_notebooks,
    read_code,
)

RECIPES = {"fcn": ["fcn8s", "fcn16s_study"], "unet": ["unet", "unet_frozen"]}
PACKAGE = {
    "__init__.py": "",
    "base.py": "import json",
    "shapes/__init__.py": "from tiny.shapes.circle import area\nfrom tiny.shapes.square import side",
    "shapes/circle.py": "from tiny.base import pi",
    "shapes/square.py": "",
    "alone.py": "def later():\n    from tiny import shapes\n    return shapes.side",
}


@pytest.fixture
def package(tmp_path):
    for name, text in PACKAGE.items():
        file = tmp_path / "tiny" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "tiny"


@pytest.mark.parametrize(
    ("code", "files"),
    [
        ("import numpy", []),
        ("from tiny.base import pi", ["base.py"]),
        ("from tiny.shapes import area", ["base.py", "shapes/circle.py"]),
        ("from tiny import shapes as s\ns.side(2)", ["shapes/square.py"]),
        ("from tiny.shapes.circle import area", ["base.py", "shapes/circle.py"]),
        ("import tiny.alone", ["alone.py", "shapes/square.py"]),
        ("%matplotlib inline\n!ls\nfrom tiny import base", ["base.py"]),
    ],
)
def test_modules_are_followed_to_where_names_are_defined(package, write_notebook, code, files):
    tree = read_code(write_notebook("01_a", code))
    assert [str(file.relative_to(package)) for file in find_modules(tree, package)] == files


@pytest.mark.parametrize(
    ("code", "recipes"),
    [
        ("get_run(project, 'fcn8s')", ["fcn"]),
        ("project.run_names('unet')", ["unet"]),
        ("[get_run(project, name) for name in ('unet', 'fcn8s')]", ["fcn", "unet"]),
        ("experiments.list_runs(project.folder)", ["fcn", "unet"]),
        ("prepare_data(project.data())", []),
    ],
)
def test_recipes_are_those_named_or_all_where_runs_are_listed(write_notebook, code, recipes):
    assert find_recipes(read_code(write_notebook("01_a", code)), RECIPES) == recipes


def test_notebooks_are_chosen_by_stem_or_number(tmp_path, write_notebook):
    for stem in ("04_unet", "01_data", "11_all", "scratch"):
        write_notebook(stem)
    notebooks = list_notebooks(tmp_path)
    assert [path.stem for path in notebooks] == ["01_data", "04_unet", "11_all"]
    assert choose_notebooks(notebooks) == notebooks
    assert [path.stem for path in choose_notebooks(notebooks, "11 01_data")] == ["01_data", "11_all"]
    with pytest.raises(ValueError, match="ONLY=05: no such notebook; there are 01_data, 04_unet, 11_all"):
        choose_notebooks(notebooks, "05")


def test_a_stamp_lasts_while_page_and_runs_are_as_they_were(tmp_path):
    stamp, page, metrics = (
        tmp_path / "a.done",
        tmp_path / "a.html",
        tmp_path / "runs" / "unet" / "metrics.json",
    )
    metrics.parent.mkdir(parents=True)
    names = ["unet", "fcn8s"]

    def lasts() -> bool:
        drop_outdated(stamp, page, digest_runs(tmp_path, names))
        return stamp.exists()

    def publish():
        page.write_text("a page")
        stamp.write_text(json.dumps(digest_runs(tmp_path, names)))

    publish()
    assert lasts()
    metrics.write_text("1")  # a run was made elsewhere and put here
    assert not lasts()
    publish()
    assert lasts()
    metrics.write_text("2")
    assert not lasts()
    publish()
    page.unlink()
    assert not lasts()
