"""Where a run is, or goes: `runs/NAME/SEED` of a profile's reports, or beside it with a fingerprint in its name."""

import hashlib
import json
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from seg_helpers.config import ExperimentConfig, Profile, load_profile, resolve
from seg_helpers.experiments.records import (
    RECORD,
    DamagedRun,
    MissingRun,
    Run,
    is_finished,
    read_config,
    read_run,
    read_sealed,
)
from seg_helpers.files import UNREADABLE
from seg_helpers.locks import hold
from seg_helpers.progress import say_once

STARTED = "started.json"  # what is known of a run that is not finished
_BEGINNING = {STARTED, "config.yaml"}  # a folder that holds no more than these holds nothing that was computed


def plain_folder(profile: Profile, config: ExperimentConfig) -> Path:
    """The folder that a run has unless another of its name and seed is there already."""
    return profile.folder / "runs" / config.name / str(config.seed)


def find_recorded(profile: Profile, config: ExperimentConfig, data_digest: str | None = None) -> Path | None:
    """The folder of a run of these settings on these data, finished or begun; None if there is none.

    Without a digest, of runs on different data the one that was finished or, if none is, begun last.
    """
    plain = plain_folder(profile, config)
    folders = [plain, *sorted(plain.parent.glob(f"{config.seed}-*"))]
    found = [folder for folder in folders if _holds(folder, config, data_digest)]
    return max(
        found, key=lambda folder: (is_finished(folder), _read_state(folder)["sessions"][-1]["started"]), default=None
    )


def choose_folder(profile: Profile, config: ExperimentConfig, data_digest: str) -> Path:
    """Where a run is, or is to go. What another run has computed stays: then this one's fingerprint is in the name."""
    found, plain = find_recorded(profile, config, data_digest), plain_folder(profile, config)
    if found is not None:
        return found
    if not plain.is_dir() or all(path.name in _BEGINNING or ".part" in path.name for path in plain.iterdir()):
        return plain
    own = plain.with_name(f"{plain.name}-{fingerprint(config, data_digest)}")
    print(f"{config.name}: {plain} holds another run, or a damaged one, which stays; this one is in {own.name}")
    return own


def _holds(folder: Path, config: ExperimentConfig, data_digest: str | None) -> bool:
    try:
        if read_config(folder / "config.yaml").fingerprinted() != config.fingerprinted():
            return False
        state = _read_state(folder)
        return bool(state["sessions"][-1]["started"]) and data_digest in (None, state["data_digest"])
    except UNREADABLE:  # no run, damaged, or of values that are now refused
        return False


def _read_state(folder: Path) -> dict:
    """The record of a finished run, or what is known of one that was begun."""
    return read_sealed(folder / (RECORD if is_finished(folder) else STARTED))


def fingerprint(config: ExperimentConfig, data_digest: str) -> str:
    """Names an experiment on its data: 10 hexadecimal digits."""
    return hashlib.sha256(json.dumps([config.fingerprinted(), data_digest]).encode()).hexdigest()[:10]


def hold_run(profile: Profile, config: ExperimentConfig) -> AbstractContextManager[None]:
    """The lock of all runs of a name and seed: where one goes is decided under it."""
    plain = plain_folder(profile, config)
    return hold(plain.with_name(f".{plain.name}.lock"), f"run {config.name}, seed {config.seed},")


def named_by(run: Run, config: ExperimentConfig) -> Run:
    """A run with the names and the data set's folder that its profile gives it today, which decide no result."""
    today = {key: getattr(config, key) for key in ("title", "recipe", "group", "data")}
    return replace(run, config=run.config.model_copy(update=today))


def open_run(name: str, profile: str | Profile = "sample", seed: int | None = None, **places) -> Run:
    """A finished run of a profile by its name, of its first seed unless one is given, or by its folder; none is made.

    `places` are `data`, the data set's folder, and what else `load_profile` takes. MissingRun where it is not finished.
    """
    if is_finished(resolve(name)):
        return read_run(name)
    profile = load_profile(profile, **places)
    config = profile.experiment(name, seed)
    folder = find_recorded(profile, config) or plain_folder(profile, config)
    if not is_finished(folder):
        raise MissingRun(
            f"profile {profile.name} has no finished run {name}, seed {config.seed}: seg.get_run(profile, {name!r}) "
            f"makes it; finished are {', '.join(run.name for run in read_runs(profile, ablations=True)) or 'none'}"
        )
    return named_by(read_run(folder), config)


def read_runs(profile: Profile, ablations: bool = False, every_seed: bool = False) -> list[Run]:
    """The finished runs of a profile's own settings, best test mean IoU first; a damaged one is left out and said.

    Ablations are runs made for a comparison inside one notebook; of several seeds only the first is listed by default.
    """
    return find_runs(profile, ablations, every_seed)[0]


def find_runs(profile: Profile, ablations: bool = False, every_seed: bool = False) -> tuple[list[Run], list[str]]:
    """What `read_runs` reads, and a sentence on each run that it leaves out."""
    found, damaged = [], []
    for name in profile.run_names():
        for seed in profile.seeds(name) if every_seed else profile.seeds(name)[:1]:
            config = profile.experiment(name, seed)
            folder = find_recorded(profile, config) or plain_folder(profile, config)
            if not is_finished(folder) or (config.ablation and not ablations):
                continue
            try:
                run = read_run(folder)
                if run.config.fingerprinted() == config.fingerprinted():  # else what lies there is of other settings
                    found.append(named_by(run, config))
            except DamagedRun as error:
                damaged.append(f"{name} is left out: {error}")
                say_once(f"WARNING {damaged[-1]}")
    return sorted(found, key=lambda run: -run.totals[run.final_split]["mean_iou"]), damaged
