"""PSPNet and the DeepLabs: bins, rates and output strides do what they say."""

import pytest
import torch

from seg_helpers.models import build_model, summarize_model


def dilations(network) -> set[int]:
    return {m.dilation[0] for m in network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)}


def summarize(name: str, **options):
    with torch.device("meta"):
        return summarize_model(build_model(name, 4, **options), (192, 256))


def test_pyramid_bins_are_the_diagrams_parts_and_none_is_possible():
    parts = summarize("pspnet", bins=(1, 4)).parts.set_index("name")
    assert [name for name in parts.index if name.startswith("pyramid")] == ["pyramid 1", "pyramid 4"]
    assert parts.loc["pyramid 4", "output"] == "640x24x32"
    bare = summarize("pspnet", bins=())
    assert ("encoder 5", "fusion") in bare.edges
    assert not bare.parts["name"].str.startswith("pyramid").any()


@pytest.mark.parametrize("name", ["pspnet", "deeplabv2", "deeplabv3", "deeplabv3plus"])
@pytest.mark.parametrize("output_stride", [8, 16])
def test_output_stride_is_the_encoders(name, output_stride):
    parts = summarize(name, output_stride=output_stride).parts.set_index("name")
    assert parts.loc["encoder 5", "stride"] == output_stride


def test_deeplabv2_adds_four_rates_of_scores():
    torch.manual_seed(0)
    network = build_model("deeplabv2", 4, encoder="mobilenet_v2").eval()
    assert [branch.dilation for branch in network.classifier.branches] == [(r, r) for r in (6, 12, 18, 24)]
    features = torch.randn(1, 1280, 5, 6)
    with torch.no_grad():
        total = torch.stack([branch(features) for branch in network.classifier.branches]).sum(0)
        torch.testing.assert_close(network.classifier(features), total)
    edges = summarize("deeplabv2").edges
    assert [start for start, end in edges if end == "logits"] == [f"atrous rate {rate}" for rate in (12, 18, 24, 6)]


def test_rates_reach_the_aspp():
    with torch.device("meta"):
        assert {3, 5, 7} <= dilations(build_model("deeplabv3", 4, rates=(3, 5, 7)))
        assert {6, 12, 18} <= dilations(build_model("deeplabv3plus", 4))


def test_deeplabv3plus_is_v3_with_a_skip_at_a_quarter():
    plus, plain = summarize("deeplabv3plus"), summarize("deeplabv3", output_stride=16)
    assert ("encoder 2", "low level") in plus.edges
    assert ("low level", "decoder") in plus.edges
    assert plus.parts.set_index("name").loc["decoder", "stride"] == 4
    assert {start for start, end in plain.edges if end != "encoder 3"} & {"encoder 2"} == set()
    assert plain.parts.set_index("name").loc["decoder", "stride"] == 16


def test_deeplabv3plus_without_its_skip_lacks_nothing_else():
    plus, bare = summarize("deeplabv3plus"), summarize("deeplabv3plus", skip=False)
    assert {start for start, end in bare.edges if end == "decoder"} == {"ASPP conv"}
    assert bare.parts.set_index("name").loc["decoder", "stride"] == 4
    # a 1x1 convolution of the encoder's 24 channels to 48 and its batch norm; 48 inputs of the last separable convolution
    assert plus.parameters - bare.parameters == (24 * 48 + 2 * 48) + (9 * 48 + 48 * 256)


def test_deeplabv3plus_computes_as_its_library_does():
    torch.manual_seed(0)
    network = build_model("deeplabv3plus", 4).eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected = network.head(network.decoder(network.encoder(images)))
        assert torch.equal(network(images), expected)
