"""Fully convolutional networks (Long, Shelhamer, Darrell, CVPR 2015, arXiv 1411.4038).

The deepest features are scored at stride 32. FCN-16s doubles these scores and adds scores of the features
at stride 16; FCN-8s does it once more at stride 8. Doubling is a transposed convolution that starts as
bilinear interpolation and is learned; the last upsampling stays bilinear (paper, section 4.3).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.models.blocks import resize
from seg_helpers.models.encoders import build_encoder
from seg_helpers.models.network import SegmentationNetwork

# strides of the features that each head scores, deepest first
HEADS = {"32s": (32,), "16s": (32, 16), "8s": (32, 16, 8)}


class LearnedDoubling(nn.ConvTranspose2d):
    """Learned upsampling by two, initialized as bilinear interpolation."""

    def __init__(self, channels: int):
        super().__init__(channels, channels, kernel_size=4, stride=2, padding=1, bias=False)
        ramp = torch.tensor([0.25, 0.75, 0.75, 0.25])
        with torch.no_grad():
            self.weight.zero_()
            self.weight[range(channels), range(channels)] = torch.outer(ramp, ramp)


class FCN(SegmentationNetwork):
    """The first end-to-end network: scores at strides 32, 16 and 8, added and upsampled.

    Encoder "vgg16" gives the paper's network: its two convolutionalized fully connected layers have 4096 channels, 7x7
    in the first, and dropout of 0.5. On an encoder that is no VGG they have 256, 3x3 and 0.1. `head` is one of
    `HEADS`.
    """

    def __init__(self, num_classes: int, encoder: str = "mobilenet_v2", *, head: str = "8s"):
        super().__init__()
        if head not in HEADS:
            raise ValueError(f"FCN has heads {', '.join(HEADS)}, got {head!r}")
        vgg = encoder.startswith("vgg")
        fc_channels, fc_kernel, dropout = (4096, 7, 0.5) if vgg else (256, 3, 0.1)
        self.encoder = build_encoder(encoder)
        channels = dict(zip((1, 2, 4, 8, 16, 32), self.encoder.out_channels, strict=True))
        self.pooled = vgg  # its features are taken before each pooling; the paper scores them after it
        if vgg:  # the features after the pooling to stride s have the channels of those before it
            channels |= {8: channels[4], 16: channels[8]}
        self.fc6 = nn.Conv2d(channels[32], fc_channels, fc_kernel, padding=fc_kernel // 2)
        self.fc7 = nn.Conv2d(fc_channels, fc_channels, 1)
        self.dropout = nn.Dropout2d(dropout)
        self.score32 = nn.Conv2d(fc_channels, num_classes, 1)
        self.skip_strides = HEADS[head][1:]
        for stride in self.skip_strides:
            self.add_module(f"score{stride}", nn.Conv2d(channels[stride], num_classes, 1))
            self.add_module(f"double{stride}", LearnedDoubling(num_classes))

    def forward(self, images: Tensor) -> Tensor:
        features = dict(zip((1, 2, 4, 8, 16, 32), self.encoder(images), strict=True))
        if self.pooled:
            features |= {8: F.max_pool2d(features[4], 2), 16: F.max_pool2d(features[8], 2)}
        hidden = self.dropout(F.relu(self.fc6(features[32])))
        hidden = self.dropout(F.relu(self.fc7(hidden)))
        scores = self.score32(hidden)  # (N, C, H/32, W/32)
        for stride in self.skip_strides:
            skip = self.get_submodule(f"score{stride}")(features[stride])
            scores = self.get_submodule(f"double{stride}")(scores) + skip
        return resize(scores, images.shape[-2:])
