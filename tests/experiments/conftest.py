"""A laboratory: 24 generated frames of 96x64, and runs of the smoke profile in report folders of their own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from seg_helpers.cli import main
from seg_helpers.config import Profile, load_profile, project_root
from seg_helpers.datasets import ensure_sample

# Sends itself SIGKILL when the named training step begins: nothing is flushed, no handler runs.
KILLED = """
import os, signal, sys
from seg_helpers import cli
from seg_helpers.training import loop
train_step, left = loop.Trainer.train_step, int(sys.argv[1])
def count(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return train_step(*arguments)
loop.Trainer.train_step = count
sys.exit(cli.main(sys.argv[2:]))
"""


class Laboratory:
    """Runs experiments of the smoke profile on tiny scenes, in this process or in one of their own."""

    def __init__(self, root: Path):
        self.root, self.data, self.cache = root, root / "sample", root / "cache"

    @contextlib.contextmanager
    def at_work(self):
        """One thread, as in the processes that are started, and a cache of its own."""
        threads = torch.get_num_threads()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SEG_CACHE", str(self.cache))
            torch.set_num_threads(1)
            yield
            torch.set_num_threads(threads)

    def arguments(self, reports: str, run: str, *overrides: str) -> list[str]:
        where = ["--data", str(self.data), "--reports", str(self.root / reports)]
        return ["train", "--profile", "smoke", "--model", run, *where, *overrides]

    def profile(self, reports: str, *overrides: str) -> Profile:
        return load_profile("smoke", self.data, overrides=overrides, reports=self.root / reports)

    def folder(self, reports: str, run: str) -> Path:
        return self.root / reports / "smoke" / "runs" / run / "0"

    def train(self, reports: str, run: str, *overrides: str) -> Path:
        """Makes a run in this process; returns its folder."""
        with self.at_work():
            assert main(self.arguments(reports, run, *overrides)) == 0
        return self.folder(reports, run)

    def start(
        self, reports: str, run: str, *overrides: str, kill_at_step: int = 0, processes: int = 1, **settings: str
    ) -> int:
        """Makes a run in processes of its own, killed when that training step begins; returns the exit status."""
        how = ["-c", KILLED, str(kill_at_step)] if kill_at_step else ["-m", "seg_helpers.cli"]
        environment = os.environ | {"SEG_CACHE": str(self.cache), "OMP_NUM_THREADS": "1"} | settings
        launcher = ["-m", "torch.distributed.run", "--standalone", "--no-python", "--nproc_per_node"]
        launch = [sys.executable, *launcher, str(processes)] if processes > 1 else []
        command = [*launch, sys.executable, *how, *self.arguments(reports, run, *overrides)]
        # to a file: a loader's worker outlives its killed parent by seconds and would keep a pipe open
        with open(self.root / "output.txt", "w") as output:
            return subprocess.call(command, cwd=project_root(), env=environment, stdout=output, stderr=output)

    def output(self) -> str:
        return (self.root / "output.txt").read_text()


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory) -> Laboratory:
    laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"))
    ensure_sample(laboratory.data, "sample", frames=24, size=(64, 96))
    return laboratory


@pytest.fixture(scope="session")
def finished(laboratory) -> Path:
    """The folder of a finished run of three epochs, with dropout and without an encoder; do not write to it."""
    return laboratory.train("whole", "fast_scnn")


@pytest.fixture
def at_work(laboratory):
    with laboratory.at_work():
        yield


@pytest.fixture
def outcome():
    """Reads all of a run's folder that must not depend on when, and how often, it was started."""

    def read(folder: Path) -> dict:
        history = pd.read_csv(folder / "history.csv").drop(columns=["seconds", "processor_seconds"])
        with np.load(folder / "counts.npz") as arrays:
            counts = {name: arrays[name].tolist() for name in arrays.files}
        files = [folder / name for name in ("metrics.json", "config.yaml", "best.safetensors")]
        files += (folder / "predictions").iterdir()
        return {"history": history.to_dict("list"), "counts": counts} | {f.name: f.read_bytes() for f in files}

    return read
