"""The processes that share a run."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import parse_flag_from_env

from seg_helpers.config import ConfigError
from seg_helpers.locks import Held, hold


@contextlib.contextmanager
def claim_gpu() -> Iterator[None]:
    """Computes on a GPU that no other run on this machine has claimed, where there are several to choose from."""
    if torch.cuda.device_count() < 2 or "WORLD_SIZE" in os.environ:
        yield
        return
    for index in range(torch.cuda.device_count()):
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(hold(Path(tempfile.gettempdir(), f"seg-gpu-{index}.lock"), f"GPU {index}"))
            except Held:
                continue
            torch.cuda.set_device(index)
            yield
            return
    raise ConfigError(f"all {torch.cuda.device_count()} GPUs are claimed by other runs: wait for one of them")


def join_processes() -> PartialState:
    """This process among those that were launched together, on the devices that an Accelerator would take.

    Raises:
        ConfigError: several were launched and none knows of the others: they would write over each other's run.
    """
    state = PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))
    launched = int(os.environ.get("WORLD_SIZE", 1))
    if launched != state.num_processes:
        raise ConfigError(
            f"{launched} processes were launched, but there is no GPU for each: launch one, or set ACCELERATE_USE_CPU=1"
        )
    return state
