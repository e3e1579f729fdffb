"""A network is found by its run, its name or its file, and a file far from its run says what it is of."""

import numpy as np
import pytest
import torch
from tiny import save, tiny_image

from seg_helpers.classes import CAMVID11
from seg_helpers.cli import main
from seg_helpers.errors import SegError
from seg_helpers.experiments import predictors
from seg_helpers.experiments.predictors import open_predictor
from seg_helpers.figures.predictions import predict
from seg_helpers.training.checkpoints import CheckpointError, save_weights


def test_weights_say_of_which_network_they_are(finished, tmp_path, monkeypatch):
    """A shipped file alone, far from its run, predicts what the run does, but for half precision."""
    picture = tiny_image(3, (64, 96))
    assert main(["export", str(finished), "--weights", str(tmp_path / "street.safetensors")]) == 0
    monkeypatch.setattr(predictors, "SHIPPED", tmp_path)
    shipped, run = open_predictor("street"), open_predictor(finished)
    assert shipped.classes is run.classes is CAMVID11
    assert list(shipped.size) == list(run.size) == [64, 96]
    assert np.abs(predict("street", picture).probabilities() - predict(run, picture).probabilities()).max() < 0.01
    with pytest.raises(SegError, match="no weights, run's folder or shipped network 'stret'; did you mean 'street'"):
        open_predictor("stret")


def test_other_weights_are_refused_in_a_sentence(tmp_path):
    save_weights(torch.nn.Linear(2, 2), tmp_path / "bare.safetensors")
    save(tmp_path / "picture.png", tiny_image(1))
    for name in ("bare.safetensors", "picture.png"):
        with pytest.raises(CheckpointError, match=f"{name} does not say of which network it is"):
            open_predictor(tmp_path / name)


def test_the_command_predicts_by_a_run_or_a_shipped_network(finished, tmp_path, monkeypatch, capsys):
    picture = save(tmp_path / "picture.png", tiny_image(3, (64, 96)))
    places = ["--profile", "smoke", "--reports", str(finished.parents[3])]
    output = ["--output", str(tmp_path / "out")]
    assert main(["predict", str(picture), "--run", "fast_scnn", *places, *output]) == 0
    assert (tmp_path / "out" / "picture_overlay.jpg").is_file()
    assert main(["predict", str(picture), "--weights", str(finished / "best.safetensors"), *output]) == 0
    monkeypatch.setattr(predictors, "SHIPPED", tmp_path / "nothing")
    capsys.readouterr()
    assert main(["predict", str(picture), *output]) == 1
    assert "shipped network 'fast_scnn'" in capsys.readouterr().err
