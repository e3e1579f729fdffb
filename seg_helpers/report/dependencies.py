"""What a notebook's page depends on: read from its code, without running it, quickly enough for every `make report`."""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
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
    for word in (word.zfill(2) for word in only.split()):  # Snakemake reads 01 as a number
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
    """Files of the helper package that code depends on, directly or through one another, sorted.

    A name that a package's `__init__` only passes on is followed to where it is defined: a notebook that takes
    `prepare_data` from `seg_helpers.experiments` does not depend on all that stands there.
    """
    found: set[Path] = set()
    queue = _list_imports(tree, package)
    seen = set(queue)
    while queue:
        module, name = queue.pop()
        file, folder = _locate(module, package)
        if folder and name and _locate(f"{module}.{name}", package)[0]:
            wanted = [(f"{module}.{name}", "")]
        elif folder and name in _list_reexports(file):
            wanted = [_list_reexports(file)[name]]
        elif file:
            found.add(file)
            wanted = _imports_of(file, package)
        else:
            continue
        queue += [item for item in wanted if item not in seen]
        seen.update(wanted)
    return sorted(found)


def _locate(module: str, package: Path) -> tuple[Path | None, bool]:
    """The file of a module of the package, and whether the module is a package itself; None if there is no such."""
    path = package.parent.joinpath(*module.split("."))
    if (path / "__init__.py").is_file():
        return path / "__init__.py", True
    return (path.with_suffix(".py"), False) if path.with_suffix(".py").is_file() else (None, False)


@cache
def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


@cache
def _list_reexports(file: Path) -> dict[str, tuple[str, str]]:
    """Name to (module, name there) of what a module imports from others."""
    imports = [node for node in _parse(file).body if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name: (node.module, alias.name) for node in imports for alias in node.names}


@cache
def _imports_of(file: Path, package: Path) -> list[tuple[str, str]]:
    return _list_imports(_parse(file), package)


def _list_imports(tree: ast.Module, package: Path) -> list[tuple[str, str]]:
    """(module, name) of what code takes from the package; of a whole package, the attributes that it uses."""
    nodes = list(ast.walk(tree))
    taken = [
        (alias.name, "", alias.asname or "")
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    taken += [
        (node.module, alias.name, alias.asname or alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    ]
    used = [
        (node.value.id, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    found = []
    for module, name, local in taken:
        if module.partition(".")[0] != package.name:
            continue
        whole = f"{module}.{name}" if name else module
        if local and _locate(whole, package)[1]:
            found += [(whole, attribute) for owner, attribute in used if owner == local]
        else:
            found.append((module, "" if name == "*" else name))
    return found


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
