"""HRNet against its stage tables, and what each Mini-HRNet changes."""

import pytest
import torch
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock

from seg_helpers.models import build_model, count_parameters, summarize_model
from seg_helpers.models.hrnet import ExchangeModule, HRNetHead

COUNTS = {
    "w48": (65_859_379, 65_853_611),
    "w18": (9_641_119, 9_638_951),
    "w18_small_v2": (3_939_579, 3_937_411),
    "w18_small_v1": (1_540_819, 1_538_891),
}


@pytest.mark.parametrize("variant", COUNTS)
def test_parameter_counts(variant):
    counts = tuple(count_parameters("hrnet", classes, variant=variant) for classes in (19, 11))
    assert counts == COUNTS[variant]


@pytest.fixture(scope="module")
def w18():
    with torch.device("meta"):
        return build_model("hrnet", 19, variant="w18")


def test_w18_part_by_part(w18):
    parts = summarize_model(w18, (512, 1024)).parts.set_index("name")["output"]
    branches = ["18x128x256", "36x64x128", "72x32x64", "144x16x32"]
    expected = {
        "stem": "64x128x256",
        "stage 1": "256x128x256",
        "stage 2 module 1": ", ".join(branches[:2]),
        **{f"stage 3 module {i}": ", ".join(branches[:3]) for i in (1, 2, 3, 4)},
        **{f"stage 4 module {i}": ", ".join(branches) for i in (1, 2, 3)},
        "head": "19x128x256",
        "logits": "19x512x1024",
    }
    assert {name: parts[name] for name in parts.index if not name.startswith("transition")} == expected


def test_w18_layer_by_layer(w18):
    body = w18.encoder
    assert [type(block).__name__ for block in body.layer1] == ["Bottleneck"] * 4
    assert [(c.in_channels, c.out_channels, c.stride) for c in (body.conv1, body.conv2)] == [
        (3, 64, (2, 2)),
        (64, 64, (2, 2)),
    ]
    for name, modules, widths in (
        ("stage2", 1, (18, 36)),
        ("stage3", 4, (18, 36, 72)),
        ("stage4", 3, (18, 36, 72, 144)),
    ):
        stage = body.get_submodule(name)
        assert len(stage) == modules
        for module in stage:
            for branch, width in zip(module.branches, widths, strict=True):
                assert [(type(b), b.conv1.in_channels, b.conv2.out_channels) for b in branch] == [
                    (BasicBlock, width, width)
                ] * 4
            for target, paths in enumerate(module.fuse_layers):
                steps = [[c for c in path.modules() if hasattr(c, "kernel_size")] for path in paths]
                # one 1x1 from a coarser branch, one 3x3 of stride 2 for each level down from a finer one
                expected = [max(target - source, 0) or int(source > target) for source in range(len(widths))]
                assert [len(convolutions) for convolutions in steps] == expected
                assert all(c.kernel_size == ((1, 1) if c.stride == (1, 1) else (3, 3)) for s in steps for c in s)


def test_the_head_is_one_convolution_of_all_branches_concatenated():
    torch.manual_seed(0)
    head = HRNetHead((4, 8, 16), hidden=28, num_classes=3).eval()
    branches = [torch.randn(1, 4, 12, 16), torch.randn(1, 8, 6, 8), torch.randn(1, 16, 3, 4)]
    weight = torch.cat([project.weight for project in head.projects], dim=1)
    resized = [branches[0], *(F.interpolate(b, size=(12, 16), mode="bilinear") for b in branches[1:])]
    with torch.no_grad():
        hidden = F.conv2d(torch.cat(resized, dim=1), weight, head.projects[0].bias)
        expected = head.classify(F.relu(head.norm(hidden)))
        torch.testing.assert_close(head(branches), expected, atol=1e-5, rtol=1e-5)


def test_an_exchange_sums_every_branch_into_every_other():
    torch.manual_seed(0)
    module = ExchangeModule((4, 8), blocks=(1, 1)).eval()
    inputs = [torch.randn(1, 4, 8, 8), torch.randn(1, 8, 4, 4)]
    with torch.no_grad():
        before = module(inputs)
        inputs[1] = inputs[1] + 1
        after = module(inputs)
    assert [entry.shape for entry in after] == [(1, 4, 8, 8), (1, 8, 4, 4)]
    assert all((a != b).any() for a, b in zip(before, after, strict=True))


def test_approach_1_has_no_branch_at_a_32th():
    with torch.device("meta"):
        summary = summarize_model(build_model("mini_hrnet", 19, approach=1), (64, 64))
    assert summary.parts["stride"].max() == 16
    assert not summary.parts["name"].str.startswith("stage 4").any()


def test_approach_3_keeps_to_13_percent_of_w48():
    assert count_parameters("mini_hrnet", 19, approach=3) <= 8_560_000 < 0.131 * COUNTS["w48"][0]
    with torch.device("meta"):
        networks = [build_model("mini_hrnet", 19, approach=approach) for approach in (1, 2, 3)]
        first, second, third = (summarize_model(network).multiply_adds for network in networks)
        ancestor = summarize_model(build_model("hrnet", 19)).multiply_adds
    assert third < min(first, second)
    assert max(first, second) < ancestor


def test_a_pooled_exchange_has_no_strided_convolution():
    module = ExchangeModule((4, 8), blocks=(1, 1), light=True)
    kernels = {m.kernel_size for m in module.fuse_layers.modules() if isinstance(m, torch.nn.Conv2d)}
    assert kernels == {(1, 1)}
    coarse = module.eval()([torch.ones(1, 4, 7, 9), torch.ones(1, 8, 4, 5)])[1]
    assert coarse.shape == (1, 8, 4, 5)
