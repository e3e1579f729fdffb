"""Dilated depthwise convolutions: the same operation, computed in float32 on a CPU."""

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
    assert torch.equal(plain(images), fast(images))


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
