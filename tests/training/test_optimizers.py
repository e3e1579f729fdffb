"""Parameter groups: each parameter once, at its own rate, decayed if it should be."""

import pytest
import torch
from tiny_network import TinyNetwork

from seg_helpers.config import OptimizerConfig
from seg_helpers.models import build_model
from seg_helpers.models.registry import ARCHITECTURES
from seg_helpers.training.optimizers import build_optimizer, set_learning_rate


def group_of(optimizer, parameter):
    found = [group for group in optimizer.param_groups if any(p is parameter for p in group["params"])]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("decay", ["all", "weights", "dense"])
def test_every_parameter_of_every_network_is_in_one_group(name, decay):
    with torch.device("meta"):
        network = build_model(name, 11)
    optimizer = build_optimizer(network, OptimizerConfig(encoder_lr_mult=0.1, decay=decay))
    grouped = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {id(p) for p in network.parameters()}
    encoder = {id(p) for p in network.encoder.parameters()} if network.encoder else set()
    for group in optimizer.param_groups:
        inside = {id(p) in encoder for p in group["params"]}
        assert len(inside) == 1
        assert group["lr"] == pytest.approx(1e-4 if inside == {True} else 1e-3)


def test_frozen_parameters_are_in_a_group_too():
    network = TinyNetwork()
    network.encoder.requires_grad_(False)
    optimizer = build_optimizer(network, OptimizerConfig())
    grouped = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert {id(p) for p in network.encoder.parameters()} <= grouped


@pytest.mark.parametrize(
    ("rule", "decayed"),
    [
        ("all", {"convolution": True, "depthwise": True, "norm": True, "bias": True}),
        ("weights", {"convolution": True, "depthwise": True, "norm": False, "bias": False}),
        ("dense", {"convolution": True, "depthwise": False, "norm": False, "bias": False}),
    ],
)
def test_weight_decay_follows_its_rule(rule, decayed):
    network = TinyNetwork()
    optimizer = build_optimizer(network, OptimizerConfig(weight_decay=0.3, decay=rule))
    parameters = {
        "convolution": network.head.weight,
        "depthwise": network.encoder[1][0].weight,
        "norm": network.norm[0].weight,
        "bias": network.head.bias,
    }
    for kind, parameter in parameters.items():
        assert group_of(optimizer, parameter)["weight_decay"] == (0.3 if decayed[kind] else 0.0), kind


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_optimizers_by_name(name, kind):
    optimizer = build_optimizer(TinyNetwork(), OptimizerConfig(name=name, momentum=0.7))
    assert type(optimizer) is kind
    assert name != "sgd" or all(group["momentum"] == 0.7 for group in optimizer.param_groups)


def test_a_factor_keeps_the_groups_ratio():
    network = TinyNetwork()
    optimizer = build_optimizer(network, OptimizerConfig(learning_rate=0.1, encoder_lr_mult=0.5))
    base_lrs = [group["lr"] for group in optimizer.param_groups]
    for factor in (0.2, 0.01, 1.0):  # of the configured one, not of what was set before
        assert set_learning_rate(optimizer, base_lrs, factor) == pytest.approx(0.1 * factor)
        assert group_of(optimizer, network.head.weight)["lr"] == pytest.approx(0.1 * factor)
        assert group_of(optimizer, network.encoder[0][0].weight)["lr"] == pytest.approx(0.05 * factor)


def test_an_encoder_lr_mult_of_zero_holds_the_encoder_still():
    network = TinyNetwork()
    before = network.encoder[0][0].weight.clone()
    optimizer = build_optimizer(network, OptimizerConfig(encoder_lr_mult=0.0))
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    assert torch.equal(network.encoder[0][0].weight, before)
