"""Fast-SCNN against table 1 of its paper: layer by layer, and its parameters by part."""

import pytest
import torch
from torch import nn

from seg_helpers.models import build_model, count_parameters, summarize_model

# table 1: block, expansion t, channels c, repetitions n, stride s
TABLE = [
    ("conv", None, 32, 1, 2),
    ("separable", None, 48, 1, 2),
    ("separable", None, 64, 1, 2),
    ("bottleneck", 6, 64, 3, 2),
    ("bottleneck", 6, 96, 3, 2),
    ("bottleneck", 6, 128, 3, 1),
]


def list_table_convolutions() -> list[tuple]:
    """(inputs, outputs, kernel, stride, groups) of each convolution that table 1 implies, in order."""
    layers, inputs = [], 3
    for block, expansion, channels, repetitions, stride in TABLE:
        for repetition in range(repetitions):
            step = stride if repetition == 0 else 1
            if block == "conv":
                layers.append((inputs, channels, 3, step, 1))
            elif block == "separable":
                layers += [(inputs, inputs, 3, step, inputs), (inputs, channels, 1, 1, 1)]
            else:
                hidden = expansion * inputs
                layers += [
                    (inputs, hidden, 1, 1, 1), (hidden, hidden, 3, step, hidden), (hidden, channels, 1, 1, 1)
                ]  # fmt: skip
            inputs = channels
    return layers


@pytest.fixture(scope="module")
def network():
    with torch.device("meta"):
        return build_model("fast_scnn", 19)


def test_the_two_branches_are_table_1_layer_by_layer(network):
    parts = [network.learning_to_downsample, network.bottleneck1, network.bottleneck2, network.bottleneck3]
    convolutions = [m for part in parts for m in part.modules() if isinstance(m, nn.Conv2d)]
    built = [(c.in_channels, c.out_channels, c.kernel_size[0], c.stride[0], c.groups) for c in convolutions]
    assert built == list_table_convolutions()
    assert all(c.bias is None for c in convolutions)


def test_a_separable_convolution_has_no_relu_inside_and_a_bottleneck_ends_linearly(network):
    kinds = [type(m).__name__ for m in network.learning_to_downsample[1].modules() if not list(m.children())]
    assert kinds == ["DepthwiseConv2d", "BatchNorm2d", "Conv2d", "BatchNorm2d", "ReLU"]
    kinds = [type(m).__name__ for m in network.bottleneck1[1].layers.modules() if not list(m.children())]
    assert kinds == [
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "Conv2d",
        "BatchNorm2d",
        "ReLU",
        "Conv2d",
        "BatchNorm2d",
    ]
    assert [block.residual for block in network.bottleneck3] == [False, True, True]


def test_outputs_and_parameters_by_part_at_1024x2048(network):
    parts = summarize_model(network, (1024, 2048)).parts.set_index("name")
    expected = {
        "learning_to_downsample": ("64x128x256", 6_640),
        "bottleneck1": ("64x64x128", 162_816),
        "bottleneck2": ("96x32x64", 303_168),
        "bottleneck3": ("128x32x64", 550_464),
        "pyramid_pooling": ("128x32x64", 49_664),
        "feature_fusion": ("128x128x256", 26_752),
        "classifier": ("19x128x256", 38_547),
        "logits": ("19x1024x2048", 0),
    }
    assert {name: (row.output, row.parameters) for name, row in parts.iterrows()} == expected


def test_parameter_counts():
    assert count_parameters("fast_scnn", 19) == 1_138_051
    assert count_parameters("fast_scnn", 11) == 1_137_019


def test_the_upsampled_branch_is_convolved_with_a_dilation_of_the_ratio_of_resolutions(network):
    """Table 3: the depthwise convolution after the upsampling by 4 has dilation 4, as if it had run before it."""
    depthwise = network.feature_fusion.depthwise[0]
    assert (depthwise.groups, depthwise.kernel_size, depthwise.dilation, depthwise.padding) == (
        128,
        (3, 3),
        (4, 4),
        (4, 4),
    )
