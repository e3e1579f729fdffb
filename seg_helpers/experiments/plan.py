"""What a profile's runs still need: which are finished, begun or missing, in the order that they are trained in."""

from dataclasses import dataclass

import pandas as pd

from seg_helpers.config import ConfigError, Profile
from seg_helpers.experiments.folders import find_recorded
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.records import is_finished
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import epoch_of, find_state


@dataclass(frozen=True)
class PlannedRun:
    """A run and seed of a profile: epochs that are done, of how many, and seconds an epoch where one was made."""

    name: str
    seed: int
    finished: bool
    epochs_done: int
    epochs: int
    epoch_seconds: float | None

    @property
    def seconds_left(self) -> float | None:
        """Seconds of training that are left; None where no epoch tells how long one takes."""
        if self.finished:
            return 0.0
        return None if self.epoch_seconds is None else (self.epochs - self.epochs_done) * self.epoch_seconds


def plan_runs(profile: Profile, only: str = "") -> list[PlannedRun]:
    """Every run and seed that a profile trains: first those of its `order`, then the rest as the recipes list them.

    Args:
        profile: the profile; what it skips is left out.
        only: names of runs, separated by blanks; empty for all.

    Raises:
        ConfigError: a name is no run of the profile.
    """
    names = [name for name in profile.run_names() if name not in profile.skipped]
    for name in only.split():
        if name not in names:
            profile.experiment(name)  # an unknown one is told with the nearest known
            raise ConfigError(f"profile {profile.name} leaves {name} out: {profile.skipped[name]}")
    first = [name for name in profile.order if name in names]
    chosen = dict.fromkeys(only.split() or [*first, *names])
    return [_plan_run(profile, name, seed) for name in chosen for seed in profile.seeds(name)]


def _plan_run(profile: Profile, name: str, seed: int) -> PlannedRun:
    config = profile.experiment(name, seed)
    digest = prepare_data(config.data, seed).digest
    folder = find_recorded(profile, config, digest)
    if folder is None:
        return PlannedRun(name, seed, False, 0, config.epochs, None)
    history = folder / "history.csv"
    seconds = pd.read_csv(history)["seconds"].mean() if history.is_file() else None
    saved = find_state(folder / "last")
    return PlannedRun(name, seed, is_finished(folder), epoch_of(saved) if saved else 0, config.epochs, seconds)


def describe_plan(planned: list[PlannedRun]) -> str:
    """What is left and how long it takes on one core, as far as begun runs tell."""
    left = [run for run in planned if not run.finished]
    if not left:
        return f"all {len(planned)} runs are finished"
    lines = [f"{len(planned) - len(left)} of {len(planned)} runs are finished; left:"]
    for run in left:
        seconds = run.seconds_left
        time = (
            "not begun"
            if seconds is None
            else f"{run.epochs_done} of {run.epochs} epochs, {format_seconds(seconds)} left"
        )
        lines.append(f"  {run.name}, seed {run.seed}: {time}")
    return "\n".join(lines)
