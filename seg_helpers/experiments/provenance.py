"""Where a result comes from: commit, a digest of the code that decides it, versions, device."""

import ast
import datetime
import hashlib
import importlib.metadata
import platform
import subprocess
from pathlib import Path

import seg_helpers
from seg_helpers.config import ConfigError, project_root

PACKAGE = Path(seg_helpers.__file__).parent
LIBRARIES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "albumentations", "accelerate", "numpy", "pandas",
    "matplotlib", "papermill",
)  # fmt: skip


def list_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide results."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def read_commit() -> tuple[str, bool]:
    """The repository's commit and whether code, notebooks or profiles differ from it; ("", False) outside git."""
    try:
        changed = _git("status", "--porcelain", "--", "seg_helpers", "notebooks", "pyproject.toml")
        return _git("rev-parse", "HEAD"), bool(changed)
    except (ConfigError, OSError, subprocess.CalledProcessError):
        return "", False


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=project_root(), capture_output=True, text=True, check=True).stdout.strip()


def digest_code(model_module: str) -> dict[str, str]:
    """Digests of the code that decides a run's result, by part; comments, docstrings and layout do not count.

    Generated scenes and splits are data: the data set's own digest covers them.

    Args:
        model_module: the module that defines the network, e.g. `seg_helpers.models.unet`.
    """
    roots = {
        "data": ["seg_helpers.datasets.loader"],
        "model": [model_module],
        "training": ["seg_helpers.training.loop"],
        "evaluation": ["seg_helpers.evaluation.prediction", "seg_helpers.evaluation.statistics"],
    }
    return {part: _digest_files(_follow_imports(modules)) for part, modules in roots.items()}


def utc_now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _follow_imports(modules: list[str]) -> list[Path]:
    """The files of these modules and of those they import from the same subpackage, sorted."""
    found: dict[str, Path] = {}
    queue = list(modules)
    while queue:
        name = queue.pop()
        file = PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py")
        if name in found or not file.is_file():
            continue
        found[name] = file
        own = name.rpartition(".")[0] + "."
        imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        queue += [node.module for node in imports if (node.module or "").startswith((own, "seg_helpers.classes"))]
    return sorted(found.values())


def _digest_files(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        tree = ast.parse(file.read_text())
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list) and body and isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
                first = body[0]
                if isinstance(first, ast.Expr) and isinstance(getattr(first, "value", None), ast.Constant):
                    node.body = body[1:] or [ast.Pass()]
        digest.update(f"{file.relative_to(PACKAGE)}\n{ast.unparse(tree)}\n".encode())
    return digest.hexdigest()[:16]
