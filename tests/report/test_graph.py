"""`make report` on a project of tiny notebooks: what runs, what is left alone, and what a failure leaves behind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
# one that shows no runs, one that shows a recipe's, one that shows all
PAGES = ["01_data_exploration", "03_fcn", "11_comparison"]


@pytest.fixture
def project(tmp_path, write_notebook):
    """A project folder with this one's Makefile, Snakefile and profiles, its environment, and three notebooks."""
    notebooks = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks" / "profiles", notebooks / "profiles")
    for name in ("Makefile", "pyproject.toml", "notebooks/Snakefile"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / ".venv" / ".installed").touch()
    for stem in PAGES:
        write_notebook(stem, "print(data)", folder=notebooks)
    return tmp_path


def make(project: Path, *variables: str, dry: bool = False) -> tuple[int, str]:
    """Calls `make report`; dry, Snakemake only says what it would run."""
    command = ["make", "report", "PROFILE=smoke", *variables]
    if dry:
        command.append("SNAKEMAKE_OPTIONS=--dry-run --quiet progress")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr


def would_run(project: Path, *variables: str) -> list[str]:
    status, said = make(project, *variables, dry=True)
    assert status == 0, said
    return sorted(set(re.findall(r"^rule notebook_(\w+):", said, re.MULTILINE)))


def add_record(folder: Path, run: str) -> None:
    """Writes what a finished run is known by, with a date that tells nothing."""
    record = folder / "runs" / run / "0" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    os.utime(record, (0, 0))


def test_what_is_out_of_date_runs_and_a_failure_stops_nothing_else(project, write_notebook):
    notebooks, folder = project / "notebooks", project / "reports" / "smoke"
    status, said = make(project, "ONLY=99")
    assert status != 0
    assert f"ONLY=99: no such notebook; there are {', '.join(PAGES)}" in said
    assert would_run(project, "ONLY=01 11") == ["01_data_exploration", "11_comparison"]

    write_notebook("03_fcn", "print(data)", "1 / 0", folder=notebooks)
    status, said = make(project, "CORES=2")
    assert status != 0
    assert "03_fcn failed in code cell 4 of 4, under “Section 2”" in said
    assert (folder / "01_data_exploration.html").is_file(), said
    assert (folder / "03_fcn.failed.ipynb").is_file()
    assert not (folder / "11_comparison.html").exists()  # it shows what 03 should have made
    assert "1 notebook failed" in (folder / "index.html").read_text()
    assert would_run(project) == ["03_fcn", "11_comparison"]

    write_notebook("03_fcn", "print(data)", folder=notebooks)
    add_record(folder, "fcn8s")
    status, said = make(project)
    assert status == 0, said
    assert "reports/smoke/index.html" in said
    assert sorted(path.stem for path in folder.glob("*.html")) == [*PAGES, "index"]
    # neighbors are linked once they are there
    assert "03_fcn.html" in (folder / "01_data_exploration.html").read_text()

    assert would_run(project, "CORES=2") == []
    assert would_run(project, "CORES=2", "ONLY=01") == []
    assert would_run(project, "DATA=elsewhere") == PAGES
    assert would_run(project, f"WEIGHTS={notebooks / 'Snakefile'}") == ["03_fcn", "11_comparison"]

    add_record(folder, "unet")  # made elsewhere, long ago
    assert would_run(project) == ["11_comparison"]
    shutil.rmtree(folder / "runs" / "fcn8s")
    assert would_run(project) == ["03_fcn", "11_comparison"]
    (folder / "03_fcn.html").unlink()
    os.utime(notebooks / "profiles" / "smoke.yaml")
    assert "01_data_exploration" not in would_run(project)  # touched, but the same
    (notebooks / "profiles" / "smoke.yaml").open("a").write("# changed\n")
    assert would_run(project) == PAGES


def test_help_names_every_target_and_variable():
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in ("report", "test", "bench", "lab", "clean", "PROFILE", "DATA", "WEIGHTS", "ONLY", "CORES"):
        assert re.search(rf"^  {name} ", said, re.MULTILINE), name
