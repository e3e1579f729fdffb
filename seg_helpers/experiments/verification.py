"""Does today's code still make a recorded run? Its first epoch is made again and its val scores are counted again."""

import json
import tempfile
from pathlib import Path

import numpy as np

from seg_helpers.config import Profile
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.provenance import digest_code, read_commit, utc_now
from seg_helpers.experiments.records import Run, is_finished, read_run
from seg_helpers.experiments.runner import load_network, score_split, train_run
from seg_helpers.training.checkpoints import write_text
from seg_helpers.training.devices import build_accelerator


class VerificationError(RuntimeError):
    """A recorded run that today's code does not make."""


def verify_run(profile: Profile, name: str) -> Run:
    """Makes a finished run's first epoch again, scores val again, and records that both agree to the last digit.

    Needs the data, the run's weights and a machine like the one that made it. What is recorded is the commit and the
    code digests that were found to agree; `Run.changed_code` takes them as the run's own from then on.

    Raises:
        VerificationError: there is no such run, or a number differs; the message says which, by how much. Nothing is
            recorded.
    """
    folder = profile.folder / "runs" / name
    if not is_finished(folder):
        raise VerificationError(f"{name}: there is no finished run in {folder}: train it first")
    run = read_run(folder)
    if not run.best_weights.is_file():
        raise VerificationError(f"{name}: its full weights are not in {folder}, and no copy of them will do")
    data = prepare_data(run.config.data.model_copy(update={"root": profile.experiment(name).data.root}), run.config.seed)
    if data.digest != run.environment["data_digest"]:
        raise VerificationError(f"{name}: the data set is not the one that the run was made from")
    with tempfile.TemporaryDirectory() as folder:
        state = train_run(profile, run.config, data, Path(folder), epochs=1)
    _compare(name, "first epoch", run.history.iloc[0].drop("seconds").to_dict(), state.history[0])
    accelerator = build_accelerator(run.environment["precision"])
    network = load_network(run).to(accelerator.device)
    _, counts, _ = score_split(network, data, "val", accelerator, run.environment["precision"])
    confusions = counts["confusion"]
    if not np.array_equal(confusions, run.confusions["val"]):
        moved = np.abs(confusions - run.confusions["val"]).sum() // 2
        raise VerificationError(f"{name}: {moved:,} val pixels are predicted differently than recorded")
    commit, dirty = read_commit()
    found = {"commit": commit, "dirty": dirty, "at": utc_now(), "code": digest_code(run.environment["model_module"])}
    environment = run.environment | {"verified": found}
    write_text(run.path / "environment.json", json.dumps(environment, indent=1))
    return read_run(run.path)


def _compare(name: str, what: str, recorded: dict, made: dict) -> None:
    for key, value in recorded.items():
        now = made.get(key, np.nan)  # an epoch that was not validated has no val scores
        if not np.isclose(value, now, rtol=1e-12, atol=0, equal_nan=True):  # the record is decimal text
            raise VerificationError(f"{name}: {what}: {key} is {now!r} now and was recorded as {value!r}")
