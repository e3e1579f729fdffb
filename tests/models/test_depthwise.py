"""Dilated and strided depthwise convolutions: the same operation, computed in float32 on a CPU where that is quicker."""

import copy

import pytest
import torch
from torch import nn

from seg_helpers.models import build_model
from seg_helpers.models.depthwise import AtrousDepthwiseConv2d, DepthwiseConv2d, speed_up_depthwise


def build(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8), nn.ReLU(), nn.Conv2d(8, 4, 1))


def test_it_is_the_same_convolution():
    plain, fast = build(), build()
    speed_up_depthwise(fast)
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
    speed_up_depthwise(fast)
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
    speed_up_depthwise(fast)
    images = torch.randn(2, 8, 9, 11)
    exact = plain[0](images)
    with torch.autocast("cpu", torch.bfloat16):
        result = fast[0](images)
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, exact.bfloat16())
    result.sum().backward()
    assert fast[0].weight.grad.dtype == torch.float32


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (5, 1), (5, 2)])
def test_it_has_the_plain_ones_result_and_gradients_at_least_as_exact(kernel, stride):
    torch.manual_seed(0)
    plain = nn.Conv2d(8, 8, kernel, stride, padding=kernel // 2, groups=8, bias=False)
    exact, fast = copy.deepcopy(plain).double(), copy.deepcopy(plain)
    speed_up_depthwise(fast)
    assert type(fast) is DepthwiseConv2d
    images = torch.randn(2, 8, 12, 15).to(memory_format=torch.channels_last).bfloat16()
    results = []
    for layer in (exact, plain, fast):
        features = images.double() if layer is exact else images.clone()
        features.requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=layer is not exact):
            output = layer(features)
        output.backward(torch.linspace(-1, 1, output.numel()).reshape(output.shape).to(output))
        results.append((output.detach(), features.grad, layer.weight.grad))
    assert torch.equal(results[2][0], results[1][0])
    for true, usual, found in list(zip(*results, strict=True))[1:]:
        assert (found - true).abs().sum() <= (usual - true).abs().sum()
        torch.testing.assert_close(found, usual, rtol=0.02, atol=0.02)
    torch.testing.assert_close(fast(images.float()), plain(images.float()), rtol=0, atol=0)  # without autocast: itself


@pytest.mark.parametrize("name", ["fcn", "deeplabv2", "deeplabv3", "deeplabv3plus", "pspnet", "fast_scnn"])
def test_networks_have_no_slow_one_left(name):
    modules = list(build_model(name, 11).modules())
    depthwise = [m for m in modules if isinstance(m, nn.Conv2d) and m.groups == m.in_channels > 1]
    slow = [m for m in depthwise if max(m.dilation) > 1 or max(m.stride) > 1]
    assert slow
    assert all(type(module) in (AtrousDepthwiseConv2d, DepthwiseConv2d) for module in slow)
