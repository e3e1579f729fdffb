"""Summaries: counted by hand on a network small enough, and the graph of one that is not a chain."""

import torch
from torch import nn

from seg_helpers.models import SegmentationNetwork, build_model, summarize_model


class Diamond(SegmentationNetwork):
    """Two paths from one stem, added by a function and upsampled by another."""

    stride = 4

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.left = nn.Sequential(nn.Conv2d(8, 4, 1, bias=False), nn.BatchNorm2d(4))
        self.right = nn.Conv2d(8, 4, 3, padding=1)
        self.unused = nn.Conv2d(4, 4, 1)

    def forward(self, images):
        stem = self.stem(images)
        return nn.functional.interpolate(self.left(stem) + self.right(stem), scale_factor=2)


def test_costs_and_edges_counted_by_hand():
    summary = summarize_model(Diamond(), (10, 14))
    assert summary.size == (12, 16)
    pixels = 6 * 8
    cost = {"stem": 27 * 8 * pixels, "left": 8 * 4 * pixels, "right": 9 * 8 * 4 * pixels}
    parts = summary.parts.set_index("name")
    assert parts["multiply_adds"].to_dict() == cost | {"logits": 0}
    assert parts["parameters"].to_dict() == {"stem": 216, "left": 32 + 8, "right": 288 + 4, "logits": 0}
    assert parts["output"].to_dict() == {
        "stem": "8x6x8",
        "left": "4x6x8",
        "right": "4x6x8",
        "logits": "4x12x16",
    }
    assert parts["stride"].to_dict() == {"stem": 2, "left": 2, "right": 2, "logits": 1}
    assert set(summary.edges) == {
        ("input", "stem"), ("stem", "left"), ("stem", "right"), ("left", "logits"), ("right", "logits")
    }  # fmt: skip
    assert summary.multiply_adds == sum(cost.values())
    assert summary.parameters == 216 + 40 + 292 + 20


def test_the_network_is_left_alone():
    network = build_model("fast_scnn", 3, aux=True).train()
    summary = summarize_model(network, (64, 64))
    assert network.training
    assert {p.device.type for p in network.parameters()} == {"cpu"}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert summary.parameters == sum(p.numel() for p in network.parameters())


def test_unet_skips_are_edges():
    with torch.device("meta"):
        edges = summarize_model(build_model("unet", 3, encoder="resnet18"), (64, 64)).edges
    skips = {("encoder 4", "decoder 1"), ("encoder 3", "decoder 2"), ("encoder 2", "decoder 3")}
    assert skips | {("encoder 1", "decoder 4"), ("encoder 5", "decoder 1")} <= set(edges)
    assert ("encoder 3", "decoder 3") not in edges
