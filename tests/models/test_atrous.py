"""Dilated depthwise convolutions: the same operation, computed in float32 on a CPU."""

import copy

import pytest
import torch
from torch import nn

from seg_helpers.models import build_model
from seg_helpers.models.atrous import AtrousDepthwiseConv2d, speed_up_atrous


def build(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.ReLU(), nn.Conv2d(8, 4, 1))


def test_it_is_the_same_convolution():
    plain, fast = build(), build()
    speed_up_atrous(fast)
    assert isinstance(fast[0], AtrousDepthwiseConv2d)
    assert type(fast[2]) is nn.Conv2d
    assert plain.state_dict().keys() == fast.state_dict().keys()
    images = torch.randn(2, 8, 9, 11)
    torch.testing.assert_close(plain(images), fast(images))


@pytest.mark.parametrize("dilation", [2, 3, 4])
@pytest.mark.parametrize("size", [(12, 24), (13, 24)])  # pixels are rearranged where the dilation divides the size
def test_rearranged_pixels_give_the_same_values_and_gradients(dilation, size):
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, 3, padding=dilation, dilation=dilation, groups=6)
    fast = copy.deepcopy(plain)
    speed_up_atrous(fast)
    images = torch.randn(2, 6, *size).to(memory_format=torch.channels_last)
    results = []
    for layer in (plain, fast):
        features = images.clone().requires_grad_()
        output = layer(features)
        (output * torch.linspace(0, 1, size[1])).sum().backward()
        results.append((output, features.grad, layer.weight.grad, layer.bias.grad))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_under_autocast_it_rounds_only_its_result():
    plain, fast = build(), build()
    speed_up_atrous(fast)
    images = torch.randn(2, 8, 9, 11)
    exact = plain[0](images)
    with torch.autocast("cpu", torch.bfloat16):
        result = fast[0](images)
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, exact.bfloat16())
    result.sum().backward()
    assert fast[0].weight.grad.dtype == torch.float32


@pytest.mark.parametrize("name", ["deeplabv2", "deeplabv3", "deeplabv3plus", "pspnet"])
def test_dilated_networks_have_no_slow_one_left(name):
    network = build_model(name, 11, encoder="mobilenet_v2")
    dilated = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.groups > 1 and max(m.dilation) > 1]
    assert dilated
    assert all(type(module) is AtrousDepthwiseConv2d for module in dilated)
