"""What a notebook's page depends on: read from its code, without running it, quickly enough for every `make report`."""

import ast
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent  # seg_helpers/
RUN_READERS = {"get_run", "list_runs", "read_run"}  # functions of seg_helpers.experiments


def list_notebooks(folder: Path) -> list[Path]:
    """The notebooks of a folder that are pages of a report (`NN_name.ipynb`), in their order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def choose_notebooks(notebooks: list[Path], only: str = "") -> list[Path]:
    """Those that `only` names, by stem or by number; all if it names none.

    Raises:
        ValueError: a word names no notebook.
    """
    chosen = set()
    for word in only.split():
        found = [path for path in notebooks if path.stem == word or path.stem.startswith(f"{word}_")]
        if not found:
            known = ", ".join(path.stem for path in notebooks)
            raise ValueError(f"ONLY={word}: no such notebook; there are {known}")
        chosen.update(found)
    return [path for path in notebooks if path in chosen] if chosen else notebooks


def read_code(notebook: Path) -> ast.Module:
    """The syntax tree of a notebook's code cells; lines of IPython's own (`%`, `!`) are left out."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    lines = [line for source in sources for line in source.splitlines()]
    python = [line for line in lines if not line.lstrip().startswith(("%", "!"))]
    return ast.parse("\n".join(python), filename=str(notebook))


def find_modules(tree: ast.Module, package: Path = PACKAGE) -> list[Path]:
    """Files of the helper package that code imports, directly or through one another, sorted."""
    found: set[Path] = set()
    queue = _list_imports(tree, package.name)
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        queue.append(name.rpartition(".")[0] or package.name)  # importing a.b runs a/__init__.py as well
        file = package.parent.joinpath(*name.split("."))
        file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        if file.is_file() and file not in found:
            found.add(file)
            queue += _list_imports(ast.parse(file.read_text(encoding="utf-8")), package.name)
    return sorted(found)


def _list_imports(tree: ast.Module, package: str) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.partition(".")[0] == package]


def find_recipes(tree: ast.Module, recipes: dict[str, list[str]]) -> list[str]:
    """Recipes whose runs a notebook shows: those that it names, or names a run of; all if it reads runs unnamed.

    Args:
        tree: the notebook's code.
        recipes: recipe to the names of its runs.
    """
    nodes = list(ast.walk(tree))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = [recipe for recipe, runs in recipes.items() if texts & {recipe, *runs}]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    used |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return named or (list(recipes) if used & RUN_READERS else [])


def digest_runs(profile_folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Finished run to a digest of its metrics: what a page that shows these runs was made from."""
    files = {name: profile_folder / "runs" / name / "metrics.json" for name in names}
    found = {name: file.read_bytes() for name, file in files.items() if file.is_file()}
    return {name: hashlib.sha256(content).hexdigest()[:16] for name, content in found.items()}


def drop_outdated(stamp: Path, page: Path, runs: dict[str, str]) -> None:
    """Remove a page's stamp if the page is gone, or a run that it shows was added, removed or made anew since."""
    if stamp.is_file() and not (page.is_file() and stamp.read_text() == json.dumps(runs)):
        stamp.unlink()
