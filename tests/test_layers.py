"""The layers of the package: each imports only those that stand above it."""

import ast
from pathlib import Path

import pytest

import seg_helpers

PACKAGE = Path(seg_helpers.__file__).parent
FOUNDATION = ("errors", "progress", "locks", "files")  # imports but errors of the package; all may import it
LAYERS = (
    "scenes",  # painters that know nothing of the rest
    "config",
    "classes",
    "datasets",
    "models",
    "evaluation",  # above training, which counts its own batches with the same confusion matrices
    "training",
    "experiments",
    "figures",
    "report",
    "cli",
)
FILES = sorted(PACKAGE.rglob("*.py"))


def layer_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import; write the full name"
            found |= {(*node.module.split("."), alias.name) for alias in node.names}
    return {parts[1] for parts in found if parts[0] == "seg_helpers" and len(parts) > 1}


def test_every_module_belongs_to_a_layer():
    layers = {layer_of(file) for file in FILES}
    assert layers - {"__init__"} <= {*FOUNDATION, *LAYERS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_only_layers_above(file):
    layer = layer_of(file)
    above = LAYERS[: LAYERS.index(layer)] if layer in LAYERS else ()
    allowed = {layer, *FOUNDATION, *above, "__version__"} if layer not in FOUNDATION else {"errors"}
    assert imported_layers(file) <= allowed


@pytest.mark.parametrize("file", sorted((PACKAGE / "models").rglob("*.py")), ids=lambda file: file.stem)
def test_models_know_no_data_set(file):
    assert imported_layers(file).isdisjoint({"scenes", "classes", "datasets"})
