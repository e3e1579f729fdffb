"""What a profile's runs still need: which are finished, begun or missing, in the order that they are trained in."""

import math
from typing import NamedTuple

import pandas as pd

from seg_helpers.config import ConfigError, ExperimentConfig, Profile
from seg_helpers.experiments.folders import find_recorded, plain_folder
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.records import is_finished
from seg_helpers.files import UNREADABLE
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import CheckpointError, epoch_of, find_state


class PlannedRun(NamedTuple):
    """A run and seed of a profile, and what is left of it in words: nothing once it is finished."""

    name: str
    seed: int
    left: str
    seconds: float  # that are left of it, NaN where nothing tells


def plan_runs(profile: Profile, only: str = "") -> list[PlannedRun]:
    """Every run and seed that a profile trains, or (`only`, separated by blanks) some; first those of its `order`.

    Raises:
        ConfigError: a name is no run of the profile, or one that it skips, or an override is for none of them.
    """
    for name in only.split():
        profile.experiment(name)  # an unknown one is told with the nearest known
        if name in profile.skipped:
            raise ConfigError(f"profile {profile.name} leaves {name} out: {profile.skipped[name]}")
    if only:
        profile.check_overrides(only.split())
    names = dict.fromkeys(only.split() or [*profile.order, *profile.run_names()])
    runs = [(name, seed) for name in names if name not in profile.skipped for seed in profile.seeds(name)]
    return [PlannedRun(name, seed, *_tell_left(profile.experiment(name, seed), profile)) for name, seed in runs]


def _tell_left(config: ExperimentConfig, profile: Profile) -> tuple[str, float]:
    folder = find_recorded(profile, config, prepare_data(config.data, config.seed).digest)
    if folder and is_finished(folder):
        return "", 0.0
    try:
        saved = find_state(folder / "last") if folder else None
        done, text = (epoch_of(saved), f"{epoch_of(saved)} of {config.epochs} epochs") if saved else (0, "not begun")
        histories = [
            pd.read_csv(file) for file in plain_folder(profile, config).parent.glob("*/history.csv")
        ]  # any seed's
        if not histories:
            return text, math.nan
        seconds = (config.epochs - done) * pd.concat(histories)["seconds"].mean()
    except (CheckpointError, *UNREADABLE) as error:
        return f"how much cannot be told ({error})", math.nan
    return f"{text}, {format_seconds(seconds)} left", seconds


def describe_plan(planned: list[PlannedRun]) -> str:
    """What is left and how long it takes on one core, as far as epochs that were trained tell."""
    left = [run for run in planned if run.left]
    if not left:
        return f"all {len(planned)} runs are finished"
    lines = [f"  {run.name}, seed {run.seed}: {run.left}" for run in left]
    told = [run.seconds for run in left if not math.isnan(run.seconds)]
    beside = f", beside {len(left) - len(told)} of which nothing tells" if len(told) < len(left) else ""
    total = f"in all {format_seconds(sum(told))} on one core{beside}"
    return "\n".join([f"{len(planned) - len(left)} of {len(planned)} runs are finished; left:", *lines, total])
