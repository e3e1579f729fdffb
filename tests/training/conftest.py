"""Fixtures of the training tests: a bench in a folder of its own, and configurations of a few steps."""

import pytest
import torch
from tiny_network import Bench

from seg_helpers.config import AugmentationConfig, ExperimentConfig


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def experiment():
    """Builds a configuration of few epochs of two steps; keyword arguments replace its parts."""

    def build(**changes) -> ExperimentConfig:
        plain = {
            "name": "tiny",
            "model": {"name": "tiny"},
            "augmentation": AugmentationConfig(scale=None, brightness=0.2, contrast=0, saturation=0, hue=0),
            "optimizer": {"name": "adamw", "learning_rate": 0.02},
            "epochs": 3,
            "batch_size": 4,
            "precision": "fp32",
            "workers": 0,
        }
        return ExperimentConfig.model_validate(plain | changes)

    return build


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny tensors are slower on more threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
