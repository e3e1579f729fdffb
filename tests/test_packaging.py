"""One dependency list, and everything that the package needs at run time inside it."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text())


def test_environment_names_nothing_that_pyproject_lacks(environment):
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    by_pip = [entry for group in environment["dependencies"] if isinstance(group, dict) for entry in group["pip"]]
    listed = {name_of(requirement) for requirement in PROJECT["project"]["dependencies"]}
    extras = PROJECT["project"]["optional-dependencies"]
    assert {name_of(entry) for entry in plain} - {"python", "pip"} <= listed
    for entry in by_pip:
        installed = re.fullmatch(r"-e \.(?:\[(\w+)\])?", entry)
        assert installed, f"{entry}: name it in pyproject.toml; here only the project itself is installed"
        assert installed[1] is None or installed[1] in extras


def test_environment_asks_for_the_same_python(environment):
    assert f"python{PROJECT['project']['requires-python']}" in environment["dependencies"]


@pytest.mark.parametrize("file", ["environment.yml", "pyproject.toml"])
def test_every_dependency_says_what_uses_it(file):
    entry = r"^\s*- (?!pip:)\S" if file.endswith(".yml") else r'^    "[a-z][\w-]*(\[\w+\])?[<>=]'
    entries = [line for line in (ROOT / file).read_text().splitlines() if re.search(entry, line)]
    assert entries
    assert [line for line in entries if not re.search(r"\s# \S+", line)] == []


def test_files_that_are_read_at_run_time_are_packaged():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in (ROOT / "seg_helpers").rglob("*.*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in files if path.suffix != ".py" and not any(fnmatch(path.name, p) for p in patterns)] == []
