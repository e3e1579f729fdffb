"""Mini U-Net against its description, part by part."""

import pytest
import torch

from seg_helpers.models import build_model, count_parameters, summarize_model


def test_parameter_counts():
    assert count_parameters("mini_unet", 4) == 12_425_028
    assert count_parameters("mini_unet", 11) == 12_441_163


def test_parts_and_their_order():
    with torch.device("meta"):
        summary = summarize_model(build_model("mini_unet", 4), (480, 640))
    decoder = summary.parts[~summary.parts["name"].str.startswith("encoder ")]
    described = list(decoder[["name", "output", "parameters"]].itertuples(index=False, name=None))
    assert described == [
        ("doubling16", "128x30x40", 9 * 512 * 128 + 128),
        ("lateral16", "128x30x40", 256 * 128 + 128),
        ("doubling8", "128x60x80", 512 + 9 * 256 * 128 + 128),
        ("lateral8", "128x60x80", 128 * 128 + 128),
        ("doubling4", "128x120x160", 512 + 9 * 256 * 128 + 128),
        ("lateral4", "128x120x160", 64 * 128 + 128),
        ("head", "4x120x160", 512 + 9 * 256 * 4 + 4),
        ("logits", "4x120x160", 0),
    ]
    assert summary.parameters - decoder["parameters"].sum() == 11_176_512


def test_every_step_is_fed_by_the_deeper_one_and_its_lateral():
    with torch.device("meta"):
        edges = summarize_model(build_model("mini_unet", 4), (64, 64)).edges
    into = {part: {start for start, end in edges if end == part} for _, part in edges}
    assert into["doubling16"] == {"encoder 5"}
    assert into["doubling8"] == {"doubling16", "lateral16"}
    assert into["doubling4"] == {"doubling8", "lateral8"}
    assert into["head"] == {"doubling4", "lateral4"}
    assert into["lateral4"] == {"encoder 2"}


@pytest.mark.parametrize("encoder", ["resnet34", "mobilenet_v2", "vgg11_bn"])
def test_other_encoders(encoder):
    with torch.device("meta"):
        network = build_model("mini_unet", 4, encoder=encoder).eval()
        assert network(torch.empty(1, 3, 64, 96)).shape == (1, 4, 16, 24)
