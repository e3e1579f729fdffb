"""Scores are aligned: what lies beyond a picture's edge, down to the next multiple of 32, does not move its labels."""

import pytest
import torch
import torch.nn.functional as F
from zoo import SMALL, build_calibrated

from seg_helpers.evaluation.prediction import predict_logits

SIZES = {(360, 480): (384, 480), (180, 240): (192, 256), (350, 470): (352, 480)}


def make_picture(height: int, width: int) -> torch.Tensor:
    """A smooth random picture, (1, 3, H, W)."""
    coarse = torch.randn(1, 3, 12, 16, generator=torch.Generator().manual_seed(3))
    return F.interpolate(coarse, (height, width), mode="bicubic")


@pytest.mark.parametrize("case", SMALL)
def test_a_picture_extended_by_reflection_gets_the_same_labels(case):
    network = build_calibrated(case)
    for (height, width), (full_height, full_width) in SIZES.items():
        picture = make_picture(height, width)
        extended = F.pad(picture, (0, full_width - width, 0, full_height - height), mode="reflect")
        labels, extended_labels = (predict_logits(network, x).argmax(1) for x in (picture, extended))
        assert torch.equal(labels, extended_labels[:, :height, :width]), (height, width)
