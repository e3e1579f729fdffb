"""FCN: what each head fuses, the bilinear start of the doublings, and the paper's VGG16."""

import pytest
import torch
import torch.nn.functional as F

from seg_helpers.models import build_model, count_parameters
from seg_helpers.models.fcn import LearnedDoubling


@pytest.mark.parametrize(
    ("head", "scores"),
    [("32s", {"score32"}), ("16s", {"score32", "score16"}), ("8s", {"score32", "score16", "score8"})],
)
def test_each_head_scores_its_strides(head, scores):
    network = build_model("fcn", 3, encoder="resnet18", head=head)
    assert {name for name, _ in network.named_children() if name.startswith("score")} == scores


def test_doubling_starts_as_bilinear_interpolation():
    scores = torch.randn(1, 2, 6, 7)
    with torch.no_grad():
        doubled = LearnedDoubling(2)(scores)
    exact = F.interpolate(scores, scale_factor=2, mode="bilinear", align_corners=False)
    assert doubled.shape == exact.shape
    torch.testing.assert_close(doubled[..., 1:-1, 1:-1], exact[..., 1:-1, 1:-1])


def test_vgg16_is_the_papers_network():
    # VGG16's convolutions, fc6 7x7 and fc7 of 4096, scores of pool5, pool4 (512) and pool3 (256), two 4x4 doublings
    fc = 512 * 49 * 4096 + 4096 + 4096 * 4096 + 4096
    scores = 21 * (4096 + 512 + 256 + 3)
    assert count_parameters("fcn", 21, encoder="vgg16") == 14_714_688 + fc + scores + 2 * 21 * 21 * 16


def test_vgg_scores_features_after_their_pooling():
    with torch.device("meta"):
        network, images = build_model("fcn", 2, encoder="vgg11").eval(), torch.empty(1, 3, 64, 96)
    seen = {}
    for name in ("score8", "score16", "fc6"):
        network.get_submodule(name).register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: inputs[0].shape[1:]})
        )
    with torch.no_grad():
        network(images)
    assert seen == {"score8": (256, 8, 12), "score16": (512, 4, 6), "fc6": (512, 2, 3)}
