"""What a profile's runs still need: which are finished, begun or missing, in the order that they are trained in."""

from typing import NamedTuple

import pandas as pd

from seg_helpers.config import ConfigError, ExperimentConfig, Profile
from seg_helpers.experiments.folders import find_recorded
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.records import is_finished
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import epoch_of, find_state


class PlannedRun(NamedTuple):
    """A run and seed of a profile, and what is left of it in words: nothing once it is finished."""

    name: str
    seed: int
    left: str


def plan_runs(profile: Profile, only: str = "") -> list[PlannedRun]:
    """Every run and seed that a profile trains, or (`only`, separated by blanks) some; first those of its `order`.

    Raises:
        ConfigError: a name is no run of the profile, or one that it skips.
    """
    for name in only.split():
        profile.experiment(name)  # an unknown one is told with the nearest known
        if name in profile.skipped:
            raise ConfigError(f"profile {profile.name} leaves {name} out: {profile.skipped[name]}")
    names = dict.fromkeys(only.split() or [*profile.order, *profile.run_names()])
    runs = [(name, seed) for name in names if name not in profile.skipped for seed in profile.seeds(name)]
    return [PlannedRun(name, seed, _describe_left(profile.experiment(name, seed), profile)) for name, seed in runs]


def _describe_left(config: ExperimentConfig, profile: Profile) -> str:
    folder = find_recorded(profile, config, prepare_data(config.data, config.seed).digest)
    if folder and is_finished(folder):
        return ""
    saved = find_state(folder / "last") if folder else None
    if saved is None:
        return "not begun"
    done, seconds = epoch_of(saved), pd.read_csv(folder / "history.csv")["seconds"].mean()
    return f"{done} of {config.epochs} epochs, {format_seconds((config.epochs - done) * seconds)} left"


def describe_plan(planned: list[PlannedRun]) -> str:
    """What is left and how long it takes on one core, as far as begun runs tell."""
    left = [f"  {run.name}, seed {run.seed}: {run.left}" for run in planned if run.left]
    if not left:
        return f"all {len(planned)} runs are finished"
    return "\n".join([f"{len(planned) - len(left)} of {len(planned)} runs are finished; left:", *left])
