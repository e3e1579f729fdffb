"""Networks as a run's configuration asks for them."""

import torch
from torch import nn

from seg_helpers.config import ConfigError, ExperimentConfig, Profile
from seg_helpers.errors import SegError
from seg_helpers.experiments.records import DamagedRun, Run
from seg_helpers.files import checksum_files
from seg_helpers.models import SegmentationNetwork, build_model
from seg_helpers.training.checkpoints import load_weights


def build_network(profile: Profile, name: str, num_classes: int) -> nn.Module:
    """The untrained network of a run, to look at: pretrained weights are not loaded."""
    return build_configured(profile.experiment(name), num_classes)


def build_configured(config: ExperimentConfig, num_classes: int, **weights) -> SegmentationNetwork:
    """The untrained network of a configuration, with `build_model`'s `weights`; ConfigError names the run."""
    model = config.model
    try:
        return build_model(model.name, num_classes, encoder=model.encoder, **weights, **model.options)
    except (ValueError, TypeError, RuntimeError, SegError) as error:
        raise ConfigError(f"run {config.name}: model: {error}") from error


def load_network(run: Run) -> SegmentationNetwork:
    """A run's network with its best weights, in eval mode on the CPU.

    Raises:
        CheckpointError: its folder has none.
        DamagedRun: they are not those that were recorded.
    """
    network = build_configured(run.config, run.classes.num_classes)
    if run.weights.stem == "half":
        print(f"{run.name}: its full weights are not in its folder; this is their copy in half precision")
    load_weights(network, run.weights)
    if checksum_files(run.path, [run.weights])[run.weights.name] != run.record["files"].get(run.weights.name):
        raise DamagedRun(
            f"{run.weights} is not what was recorded: get it anew, or move the run's folder to train again"
        )
    return network.eval().to(memory_format=torch.channels_last)  # as it was trained and scored: the same bits again
