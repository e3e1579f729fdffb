"""The processes that share a run."""

import os

from accelerate import PartialState
from accelerate.utils import parse_flag_from_env

from seg_helpers.config import ConfigError


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
