"""Where a run comes from: the code's digest follows what decides a result, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

import seg_helpers
from seg_helpers import config
from seg_helpers.experiments import provenance
from seg_helpers.experiments.provenance import digest_code, list_versions, read_commit

UNET = "seg_helpers.models.unet"


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A copy of the package whose files a test may change."""
    copy = tmp_path / "seg_helpers"
    shutil.copytree(Path(seg_helpers.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", copy)
    return copy


def changed_parts(package, file, edit) -> list[str]:
    before = digest_code(UNET)
    path = package / file
    path.write_text(edit(path.read_text()))
    after = digest_code(UNET)
    return [part for part in before if before[part] != after[part]]


def add_code(text: str) -> str:
    return text + "\n\nANOTHER = 1\n"


PARTS = {
    "data": ["datasets/loader.py", "datasets/augmentation.py", "datasets/cache.py", "datasets/files.py"],
    "model": ["models/unet.py", "models/encoders.py", "models/network.py"],
    "training": [
        *("training/loop.py", "training/losses.py", "training/schedules.py", "training/optimizers.py"),
        *("training/stages.py", "training/range_test.py", "training/checkpoints.py"),
    ],
    "evaluation": [
        *("evaluation/confusion.py", "evaluation/metrics.py"),
        *("evaluation/prediction.py", "evaluation/statistics.py"),
    ],
    "": ["models/fcn.py", "evaluation/speed.py", "figures/style.py", "report/runner.py", "scenes/street.py"],
}


def test_a_part_knows_its_files(package):
    before = digest_code(UNET)
    for part, files in PARTS.items():
        for file in files:
            text = (package / file).read_text()
            (package / file).write_text(add_code(text))
            after = digest_code(UNET)
            (package / file).write_text(text)
            assert [name for name in before if before[name] != after[name]] == ([part] if part else []), file


def test_classes_decide_what_labels_mean(package):
    assert "data" in changed_parts(package, "classes.py", add_code)


def test_comments_docstrings_and_layout_do_not_count(package):
    def retell(text):
        assert "(N, H, W)" in text or "(N,H,W)" in text
        lines = [f"{line}  # told anew" if line.startswith("    return ") else line for line in text.splitlines()]
        return "\n\n# a remark\n".join(["\n".join(lines), ""]).replace("Sum", "Total").replace("weighted mean", "mean")

    assert changed_parts(package, "training/losses.py", retell) == []


def test_a_changed_docstring_alone_does_not_count_and_a_changed_number_does(package):
    def retell(text):
        assert text.startswith('"""')
        return '"""Another story."""' + text[text.index('"""', 3) + 3 :]

    assert changed_parts(package, "training/range_test.py", retell) == []
    assert changed_parts(package, "training/range_test.py", lambda t: t.replace("DIVERGED = 4.0", "DIVERGED = 5.0")) == ["training"]


def test_a_new_helper_module_counts_once_it_is_imported(package):
    (package / "training" / "tricks.py").write_text("FACTOR = 2\n")
    assert changed_parts(package, "training/tricks.py", add_code) == []
    line = "from seg_helpers.training.tricks import FACTOR\n"
    loop = package / "training" / "loop.py"
    loop.write_text(loop.read_text().replace("import math\n", f"import math\n\n{line}", 1))
    assert changed_parts(package, "training/tricks.py", add_code) == ["training"]


def test_versions_name_python_and_what_decides_results():
    versions = list_versions()
    assert {"python", "torch", "albumentations", "segmentation-models-pytorch"} <= set(versions)
    assert all(versions.values())


def git(folder, *arguments):
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_the_commit_and_local_changes_are_read(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "reports").mkdir()
    for file in ("pyproject.toml", "notebooks/a.yaml", "reports/page.html"):
        (tmp_path / file).write_text("first")
    monkeypatch.chdir(tmp_path)
    assert config.project_root() == tmp_path
    assert read_commit() == ("", False)  # no repository
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    assert read_commit() == (git(tmp_path, "rev-parse", "HEAD"), False)
    (tmp_path / "reports" / "page.html").write_text("second")
    assert read_commit()[1] is False  # a new report is no change of the code
    (tmp_path / "notebooks" / "a.yaml").write_text("second")
    assert read_commit()[1] is True
