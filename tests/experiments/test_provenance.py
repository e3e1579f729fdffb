"""Where a run comes from: the commit, what has changed since, versions and checksums."""

import hashlib
import subprocess

from seg_helpers import config
from seg_helpers.experiments.provenance import list_changes, list_versions, read_commit
from seg_helpers.files import checksum_files


def test_versions_name_python_and_what_decides_results():
    versions = list_versions()
    assert {"python", "torch", "albumentations", "segmentation-models-pytorch"} <= set(versions)
    assert all(versions.values())


def test_checksums_are_of_content_by_path(tmp_path):
    (tmp_path / "inner").mkdir()
    files = [tmp_path / "b.txt", tmp_path / "inner" / "a.txt"]
    for file in files:
        file.write_text(file.name)
    expected = {"b.txt": hashlib.sha256(b"b.txt").hexdigest(), "inner/a.txt": hashlib.sha256(b"a.txt").hexdigest()}
    assert checksum_files(tmp_path, files) == expected


def git(folder, *arguments):
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_the_commit_and_what_changed_since_are_read(tmp_path, monkeypatch):
    files = (
        "pyproject.toml",
        "notebooks/a.yaml",
        "reports/page.html",
        "seg_helpers/models/fcn.py",
        "seg_helpers/cli.py",
    )
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("first")
    monkeypatch.chdir(tmp_path)
    assert config.project_root() == tmp_path
    assert read_commit() == ("", False)  # no repository
    assert list_changes("") is None
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    first = git(tmp_path, "rev-parse", "HEAD")
    assert read_commit() == (first, False)
    (tmp_path / "reports" / "page.html").write_text("second")
    assert read_commit() == (first, False)  # a new report is no change of the code
    (tmp_path / "seg_helpers" / "cli.py").write_text("second")
    assert read_commit() == (first, True)
    assert list_changes(first) == []  # the command line decides no result
    (tmp_path / "seg_helpers" / "models" / "fcn.py").write_text("second")
    assert list_changes(first) == ["seg_helpers/models/fcn.py"]
    git(tmp_path, "commit", "-am", "second")
    assert list_changes(first) == ["seg_helpers/models/fcn.py"]
    assert list_changes("0" * 40) is None  # a commit of another repository
