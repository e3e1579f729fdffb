"""Where a result comes from: commit, versions, and what git says has changed since."""

import datetime
import importlib.metadata
import platform
import subprocess

from seg_helpers.config import ConfigError, project_root

LIBRARIES = (
    "torch", "torchvision", "segmentation-models-pytorch", "timm", "albumentations", "accelerate", "numpy", "pandas",
    "matplotlib", "papermill",
)  # fmt: skip
# what decides no run's result
APART = (
    *("figures", "report", "recipes", "groups.yaml", "cli.py", "progress.py", "locks.py", "files.py"),
    *("experiments/tables.py", "experiments/plan.py", "experiments/folders.py", "models/summary.py"),
)


def list_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide results."""
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def read_commit() -> tuple[str, bool]:
    """The repository's commit and whether code, notebooks or profiles differ from it; ("", False) outside git."""
    changed = _git("status", "--porcelain", "--", "seg_helpers", "notebooks", "pyproject.toml")
    return _git("rev-parse", "HEAD") or "", bool(changed)


def list_changes(commit: str) -> list[str] | None:
    """Files that decide a run's result and differ from a commit's; None where git does not know the commit."""
    apart = [f":(exclude)seg_helpers/{part}" for part in APART]
    changed = _git("diff", "--name-only", commit, "--", "seg_helpers", *apart) if commit else None
    return None if changed is None else changed.splitlines()


def utc_now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True)
    except (ConfigError, OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
