"""`make runs`: which jobs it starts, in which order, and what one that fails leaves; training itself is a stand-in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
STAND_IN = """
import sys
with open("calls.txt", "a") as calls:
    print(*sys.argv[1:], file=calls)
sys.exit("unet" in sys.argv)
"""


@pytest.fixture
def make_runs(laboratory, finished, tmp_path):
    """Calls `make runs` in a project that has one finished run; returns (status, output, run and seed of each job)."""
    (tmp_path / "notebooks" / "profiles").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "notebooks/runs.smk"):
        shutil.copy(ROOT / name, tmp_path / name)
    smoke = yaml.safe_load((ROOT / "notebooks" / "profiles" / "smoke.yaml").read_text())
    runs = smoke["runs"] | {"fcn8s": {"seeds": [3, 5]}}
    profile = smoke | {"order": ["mini_unet", "unet"], "runs": runs}
    (tmp_path / "notebooks" / "profiles" / "tiny.yaml").write_text(yaml.safe_dump(profile))
    shutil.copytree(finished, tmp_path / "reports" / "tiny" / "runs" / "fast_scnn" / "0")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (tmp_path / ".venv" / ".installed").touch()
    (tmp_path / "seg_helpers").mkdir()  # `python -m` finds this one first
    (tmp_path / "seg_helpers" / "cli.py").write_text(STAND_IN)
    (tmp_path / "seg_helpers" / "__init__.py").touch()
    calls = tmp_path / "calls.txt"

    def make(only: str, *variables: str) -> tuple[int, str, list[list[str]]]:
        calls.write_text("")
        command = ["make", "runs", "PROFILE=tiny", f"DATA={laboratory.data}", f"ONLY_RUNS={only}", *variables]
        environment = os.environ | {"SEG_CACHE": str(laboratory.cache), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr, [line.split() for line in calls.read_text().splitlines()]

    return make


def job(call: list[str]) -> tuple[str, str]:
    return call[call.index("--model") + 1], call[call.index("--seed") + 1]


def test_what_is_missing_is_trained_in_its_order_and_a_failure_stops_nothing_else(make_runs):
    status, said, calls = make_runs("unet fcn8s fast_scnn", "CORES=1", "OVERRIDES=unet:epochs=1 fcn8s:title=Another")
    assert "1 of 4 runs are finished; left:\n  unet, seed 0: not begun\n  fcn8s, seed 3: not begun" in said
    assert [job(call) for call in calls] == [("unet", "0"), ("fcn8s", "3"), ("fcn8s", "5")]
    assert [call[-1] for call in calls] == ["unet:epochs=1", "fcn8s:title=Another", "fcn8s:title=Another"]
    assert all(call[0] == "train" and sum(word.startswith(("unet:", "fcn8s:")) for word in call) == 1 for call in calls)
    assert status != 0  # unet failed
    assert said.count("unet, seed 0: not begun") == 2  # before and after
    assert said.count("of 4 runs are finished") == 2
    status, said, calls = make_runs("fcn8s fast_scnn", "CORES=2")
    assert status == 0, said
    assert (
        said.count("1 of 3 runs are finished") == 2
    )  # the stand-in has made none; what is left is said at a good end too
    assert sorted(job(call) for call in calls) == [("fcn8s", "3"), ("fcn8s", "5")]  # a stamp is no record
