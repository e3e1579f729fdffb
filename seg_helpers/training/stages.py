"""Stages of a run: which part of the network is trained, and what is frozen with its batch norms."""

from bisect import bisect_right
from itertools import accumulate

from torch import nn

from seg_helpers.config import StageConfig


def stage_of(stages: tuple[StageConfig, ...], epoch: int) -> tuple[int, int]:
    """The stage that an epoch (from 0) belongs to, and the stage's first epoch."""
    ends = list(accumulate(stage.epochs for stage in stages))
    index = bisect_right(ends, epoch)
    return index, ends[index] - stages[index].epochs


def freeze_encoder(model: nn.Module, unfreeze: int | str) -> list[nn.Module]:
    """Leaves only the encoder's deepest `unfreeze` stages, and all that follows the encoder, trainable; or `"all"`.

    Returns:
        The frozen modules. `train_mode` keeps them in eval mode: a batch norm in train mode would go on moving its
        statistics though its weights stand still.

    Raises:
        ValueError: the network has no encoder, or fewer stages than asked for.
    """
    model.requires_grad_(True)
    if unfreeze == "all":
        return []
    if getattr(model, "encoder", None) is None:
        raise ValueError(f"{type(model).__name__} has no encoder: a stage can only have unfreeze: all")
    parts = list(model.encoder_stages())
    if not 0 <= unfreeze <= len(parts):
        raise ValueError(f"unfreeze: {unfreeze}: the encoder has {len(parts)} stages; give 0 to {len(parts)} or all")
    trained = {id(m) for part in parts[len(parts) - unfreeze :] for m in part.modules()}
    frozen = [m for m in model.encoder.modules() if id(m) not in trained]
    for module in frozen:
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(False)
    return frozen


def train_mode(model: nn.Module, frozen: list[nn.Module]) -> None:
    """Puts the network in train mode, and what is frozen in eval mode."""
    model.train()
    for module in frozen:
        module.training = False
