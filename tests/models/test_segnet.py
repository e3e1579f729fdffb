"""SegNet: the mirrored decoder and the unpooling by remembered places."""

import torch

from seg_helpers.models import build_model, count_parameters, summarize_model


def test_decoder_mirrors_the_encoder():
    with torch.device("meta"):
        network = build_model("segnet", 11)
    encoder = [m for m in network.encoder.modules() if isinstance(m, torch.nn.Conv2d)]
    decoder = [m for m in network.decoder.modules() if isinstance(m, torch.nn.Conv2d)]
    mirrored = [(c.out_channels, c.in_channels) for c in reversed(encoder)]
    assert [(c.in_channels, c.out_channels) for c in decoder] == [*mirrored[:-1], (64, 11)]
    assert 29_400_000 < count_parameters("segnet", 11) < 29_500_000  # the paper's 29.5 M


def test_a_maximum_returns_to_its_place():
    torch.manual_seed(0)
    network = build_model("segnet", 2, encoder="vgg11_bn").eval()
    unpooled = []
    network.decoder[-1].register_forward_pre_hook(lambda module, inputs: unpooled.append(inputs[0]))
    pooled = []
    network.encoder.features[2].register_forward_hook(lambda module, inputs, output: pooled.append(output))
    with torch.no_grad():
        network(torch.randn(1, 3, 64, 96))
    (before,), (after,) = pooled, unpooled
    assert after.shape == before.shape
    windows = torch.nn.functional.max_pool2d(before, 2, return_indices=True)[1]
    kept = torch.zeros_like(before, dtype=torch.bool).flatten(2).scatter_(2, windows.flatten(2), True)
    assert not after.flatten(2)[~kept].any()
    assert after.flatten(2)[kept].any()


def test_each_decoder_block_takes_indices_from_its_encoder_block():
    with torch.device("meta"):
        edges = summarize_model(build_model("segnet", 2, encoder="vgg11_bn"), (64, 64)).edges
    assert {("encoder 1", "decoder 5"), ("encoder 2", "decoder 4"), ("encoder 5", "decoder 1")} <= set(edges)
