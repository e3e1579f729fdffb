"""Verification: today's code makes a recorded run again, or says what differs and records nothing."""

import json
import shutil

import numpy as np
import pytest

from seg_helpers.experiments import VerificationError, read_run, verify_run

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def copied(laboratory, finished, tmp_path):
    folder = tmp_path / "smoke" / "runs" / "fast_scnn"
    shutil.copytree(finished, folder)
    environment = json.loads((folder / "environment.json").read_text())
    environment["code"]["training"] = "0" * 16  # as if its code had changed since
    (folder / "environment.json").write_text(json.dumps(environment))
    return laboratory.profile(tmp_path), folder


def test_a_run_that_is_made_again_is_recorded_as_verified(copied, finished):
    profile, folder = copied
    assert read_run(folder).changed_code() == ["training"]
    run = verify_run(profile, "fast_scnn")
    assert run.changed_code() == []
    assert run.environment["code"]["training"] == "0" * 16  # what made it stays on record
    assert run.environment["verified"]["at"] >= run.environment["finished"]
    assert (folder / "metrics.json").read_bytes() == (finished / "metrics.json").read_bytes()


def test_a_first_epoch_that_differs_is_told(copied):
    profile, folder = copied
    lines = (folder / "history.csv").read_text().splitlines()
    column = lines[0].split(",").index("train_loss")
    cells = lines[1].split(",")
    cells[column] = repr(float(cells[column]) * (1 + 1e-9))
    (folder / "history.csv").write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    before = (folder / "environment.json").read_bytes()
    with pytest.raises(VerificationError, match=r"fast_scnn: first epoch: train_loss is .* now and was recorded as"):
        verify_run(profile, "fast_scnn")
    assert (folder / "environment.json").read_bytes() == before


def test_val_scores_that_differ_are_told(copied):
    profile, folder = copied
    arrays = dict(np.load(folder / "counts.npz"))
    truth = int(arrays["confusion/val"][0].sum(1).argmax())
    found = int(arrays["confusion/val"][0, truth].argmax())
    arrays["confusion/val"][0, truth, found] -= 5
    arrays["confusion/val"][0, truth, (found + 1) % 11] += 5
    np.savez_compressed(folder / "counts.npz", **arrays)
    with pytest.raises(VerificationError, match="fast_scnn: 5 val pixels are predicted differently than recorded"):
        verify_run(profile, "fast_scnn")


def test_other_data_cannot_verify_a_run(copied):
    profile, folder = copied
    environment = json.loads((folder / "environment.json").read_text())
    (folder / "environment.json").write_text(json.dumps(environment | {"data_digest": "of other frames"}))
    with pytest.raises(VerificationError, match="the data set is not the one that the run was made from"):
        verify_run(profile, "fast_scnn")
