"""One dependency list, and everything that the package needs at run time inside it."""

import inspect
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from seg_helpers.models.registry import ARCHITECTURES

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


def test_the_workflow_tests_the_oldest_versions_that_are_allowed():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    oldest, newest = workflow["jobs"]["test"]["strategy"]["matrix"]["versions"]
    assert f">={oldest['python']}" == PROJECT["project"]["requires-python"]
    lowest = [entry.replace(">=", "==") + ".*" for entry in PROJECT["project"]["dependencies"] if "torch" in entry[:11]]
    assert oldest["constraints"].split() == lowest
    assert newest["constraints"] == ""


def test_the_versions_known_to_work_are_allowed_and_complete():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[\w.!+-]+", line) for line in lines), "no folder, no address"
    locked = {name_of(line): line.partition("==")[2] for line in lines}
    for entry in [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]:
        assert Requirement(entry).specifier.contains(locked[name_of(entry)]), entry


def test_the_paper_of_every_network_is_cited():
    cited = (ROOT / "CITATION.cff").read_text()
    modules = [inspect.getdoc(inspect.getmodule(network)) for network in ARCHITECTURES.values()]
    papers = re.findall(r"arXiv (\d{4}\.\d{5})", "\n".join(modules))
    assert len(set(papers)) > 9
    assert [paper for paper in papers if f"arXiv:{paper}" not in cited] == []
    assert all(reference["title"] and reference["authors"] for reference in yaml.safe_load(cited)["references"])


def test_files_that_are_read_at_run_time_are_packaged():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in (ROOT / "seg_helpers").rglob("*.*") if path.is_file() and "__pycache__" not in path.parts]
    assert [path for path in files if path.suffix != ".py" and not any(fnmatch(path.name, p) for p in patterns)] == []
