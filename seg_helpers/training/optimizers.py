"""The optimizer: parameter groups by encoder and by what weight decay applies to."""

from collections.abc import Sequence

import torch
from torch import nn

from seg_helpers.config import OptimizerConfig


def build_optimizer(model: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """Builds the optimizer with one group for each learning rate (`model.encoder` has its own, if any) and decay.

    Every parameter is in a group, frozen ones too: they get no gradient, so no step, until a stage thaws them.
    """
    encoder = {id(p) for p in model.encoder.parameters()} if getattr(model, "encoder", None) is not None else set()
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for module in model.modules():
        depthwise = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
        spared = config.decay == "dense" and depthwise
        for parameter in module.parameters(recurse=False):
            decays = config.decay == "all" or (parameter.ndim > 1 and not spared)
            groups.setdefault((id(parameter) in encoder, decays), []).append(parameter)
    settings = [
        {
            "params": parameters,
            "weight_decay": config.weight_decay if decays else 0.0,
            "lr": config.learning_rate * (config.encoder_lr_mult if in_encoder else 1.0),
        }
        for (in_encoder, decays), parameters in groups.items()
    ]
    if config.name == "sgd":
        return torch.optim.SGD(settings, momentum=config.momentum)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.name]
    return kind(settings, fused=True)  # one pass over each parameter in place of a dozen


def set_learning_rate(optimizer: torch.optim.Optimizer, base_lrs: Sequence[float], factor: float) -> float:
    """Sets every group to `factor` times its own of `base_lrs`; returns the highest learning rate set."""
    for group, base_lr in zip(optimizer.param_groups, base_lrs, strict=True):
        group["lr"] = base_lr * factor
    return max(group["lr"] for group in optimizer.param_groups)
