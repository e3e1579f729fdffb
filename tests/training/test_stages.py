"""Stages: which epoch belongs to which, and that what is frozen does not move by a bit."""

import pytest
import torch
from tiny_network import TinyNetwork

from seg_helpers.config import OptimizerConfig, StageConfig
from seg_helpers.models import build_model
from seg_helpers.training.optimizers import build_optimizer
from seg_helpers.training.stages import freeze_encoder, stage_of, train_mode


def test_epochs_belong_to_stages():
    stages = tuple(StageConfig(epochs=n) for n in (2, 1, 3))
    assert [stage_of(stages, epoch) for epoch in range(6)] == [(0, 0), (0, 0), (1, 2), (2, 3), (2, 3), (2, 3)]


def train_steps(network, frozen, steps=2):
    """Two AdamW steps with weight decay and momentum from before the freeze: what could move a frozen weight."""
    optimizer = build_optimizer(network, OptimizerConfig(learning_rate=0.1, weight_decay=0.5, decay="all"))
    network.requires_grad_(True)
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modules = {id(module) for module in frozen}
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(id(module) not in modules)
    train_mode(network, frozen)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        network(torch.randn(2, 3, 64, 64, generator=generator) * 3 + 1).square().mean().backward()
        optimizer.step()
    return {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize(
    ("unfreeze", "still"), [(0, ("encoder.0.", "encoder.1.")), (1, ("encoder.0.",)), (2, ()), ("all", ())]
)
def test_only_what_a_stage_trains_moves(unfreeze, still):
    torch.manual_seed(0)
    network = TinyNetwork()
    moved = train_steps(network, freeze_encoder(network, unfreeze))
    names = set(network.state_dict())
    frozen = {name for name in names if name.startswith(still)}
    assert moved == names - frozen  # weights, running statistics and their counters alike


@pytest.mark.parametrize(("name", "encoder"), [("unet", "mobilenet_v2"), ("unet", "resnet18"), ("unet", "vgg11_bn")])
@pytest.mark.parametrize("unfreeze", [0, 2])
def test_real_encoders_stand_still(name, encoder, unfreeze):
    torch.manual_seed(0)
    network = build_model(name, 3, encoder=encoder)
    stages = network.encoder_stages()
    moved = train_steps(network, freeze_encoder(network, unfreeze), steps=1)
    top = {
        id(value) for stage in stages[len(stages) - unfreeze :] for value in stage.state_dict(keep_vars=True).values()
    }
    inside = network.encoder.state_dict(keep_vars=True)
    moved_inside = {name.removeprefix("encoder.") for name in moved if name.startswith("encoder.")}
    assert moved_inside == {name for name, value in inside.items() if id(value) in top}
    assert any(not name.startswith("encoder.") for name in moved)


def test_freezing_is_undone_by_the_next_stage():
    network = TinyNetwork()
    freeze_encoder(network, 0)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    assert network.head.weight.requires_grad
    freeze_encoder(network, 1)
    assert [p.requires_grad for p in network.encoder.parameters()] == [False] * 3 + [True] * 3
    assert freeze_encoder(network, "all") == []
    assert all(p.requires_grad for p in network.parameters())


def test_frozen_parts_are_in_eval_mode_until_thawed():
    network = TinyNetwork()
    train_mode(network, freeze_encoder(network, 0))
    assert network.training
    assert network.norm[0].training
    assert not any(module.training for module in network.encoder.modules())
    train_mode(network, freeze_encoder(network, "all"))
    assert all(module.training for module in network.modules())


def test_a_stage_that_the_network_cannot_have_is_explained():
    with pytest.raises(ValueError, match="unfreeze: 3: the encoder has 2 stages; give 0 to 2 or all"):
        freeze_encoder(TinyNetwork(), 3)
    with pytest.raises(ValueError, match="unfreeze: -1"):
        freeze_encoder(TinyNetwork(), -1)
    with pytest.raises(ValueError, match="FastSCNN has no encoder: a stage can only have unfreeze: all"):
        freeze_encoder(build_model("fast_scnn", 3), 0)
