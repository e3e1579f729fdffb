"""Fast-SCNN (Poudel, Liwicki, Cipolla, BMVC 2019, arXiv 1902.04502): real time at 1024x2048.

Table 1 of the paper, for an image of H x W (t expansion, c channels, n repetitions, s stride):

    input         block                  t   c   n  s
    H   x W       Conv2D                 -  32   1  2   learning to downsample
    H/2 x W/2     DSConv                 -  48   1  2
    H/4 x W/4     DSConv                 -  64   1  2
    H/8 x W/8     bottleneck             6  64   3  2   global feature extractor
    H/16 x W/16   bottleneck             6  96   3  2
    H/32 x W/32   bottleneck             6 128   3  1
    H/32 x W/32   pyramid pooling        - 128   -  -
    H/32 x W/32   feature fusion         - 128   -  -   with the H/8 output of learning to downsample
    H/8 x W/8     DSConv                 - 128   2  1   classifier
    H/8 x W/8     Conv2D                 -   C   1  1

Table 3, feature fusion: the low branch is upsampled by X = 4, then a depthwise 3x3 of dilation X and a 1x1.
"""

import torch
from torch import Tensor, nn

from seg_helpers.models.blocks import AuxiliaryHead, ConvNorm, PooledBatchNorm2d, resize
from seg_helpers.models.network import SegmentationNetwork

UPSAMPLING = 4  # of the low branch, from H/32 to the skip's H/8: X of table 3


class SeparableConv(nn.Sequential):
    """DSConv: depthwise 3x3, then pointwise; no ReLU between the two (section 3.2.1)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(
            ConvNorm(inputs, inputs, stride=stride, groups=inputs, relu=False),
            ConvNorm(inputs, outputs, kernel=1),
        )


class Bottleneck(nn.Module):
    """Inverted residual of MobileNetV2: expand sixfold, depthwise 3x3, project linearly (table 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        hidden = 6 * inputs
        self.layers = nn.Sequential(
            ConvNorm(inputs, hidden, kernel=1),
            ConvNorm(hidden, hidden, stride=stride, groups=hidden),
            ConvNorm(hidden, outputs, kernel=1, relu=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features) if self.residual else self.layers(features)


class PyramidPooling(nn.Module):
    """Averages over 1, 2, 3 and 6 cells a side, each a quarter of the channels, beside the features."""

    def __init__(self, channels: int, bins: tuple[int, ...] = (1, 2, 3, 6)):
        super().__init__()
        quarter = channels // len(bins)
        self.branches = nn.ModuleList()
        for cells in bins:
            convolution = nn.Conv2d(channels, quarter, kernel_size=1, bias=False)
            norm = PooledBatchNorm2d(quarter)
            self.branches.append(nn.Sequential(nn.AdaptiveAvgPool2d(cells), convolution, norm, nn.ReLU(inplace=True)))
        self.project = ConvNorm(channels + quarter * len(bins), channels, kernel=1)

    def forward(self, features: Tensor) -> Tensor:
        pooled = [resize(branch(features), features.shape[-2:]) for branch in self.branches]
        return self.project(torch.cat([features, *pooled], dim=1))


class FeatureFusion(nn.Module):
    """Adds the upsampled global features to the skip of learning to downsample (table 3)."""

    def __init__(self, low_channels: int, skip_channels: int, outputs: int):
        super().__init__()
        self.depthwise = ConvNorm(low_channels, low_channels, groups=low_channels, dilation=UPSAMPLING)
        self.low = nn.Sequential(nn.Conv2d(low_channels, outputs, kernel_size=1), nn.BatchNorm2d(outputs))
        self.skip = nn.Sequential(nn.Conv2d(skip_channels, outputs, kernel_size=1), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, low: Tensor, skip: Tensor) -> Tensor:
        low = resize(low, skip.shape[-2:])
        return self.relu(self.low(self.depthwise(low)) + self.skip(skip))


class FastSCNN(SegmentationNetwork):
    """Real time in 1.1 M parameters, from scratch: two branches that share the first three layers.

    `dropout` comes before the last layer, 0.3 in the paper; `aux` adds heads after learning to downsample and after the
    global features (section 4).
    """

    def __init__(self, num_classes: int, *, dropout: float = 0.1, aux: bool = False):
        super().__init__()
        self.learning_to_downsample = nn.Sequential(
            ConvNorm(3, 32, stride=2), SeparableConv(32, 48, stride=2), SeparableConv(48, 64, stride=2)
        )
        self.bottleneck1 = nn.Sequential(Bottleneck(64, 64, stride=2), *(Bottleneck(64, 64, 1) for _ in range(2)))
        self.bottleneck2 = nn.Sequential(Bottleneck(64, 96, stride=2), *(Bottleneck(96, 96, 1) for _ in range(2)))
        self.bottleneck3 = nn.Sequential(Bottleneck(96, 128, 1), *(Bottleneck(128, 128, 1) for _ in range(2)))
        self.pyramid_pooling = PyramidPooling(128)
        self.feature_fusion = FeatureFusion(128, 64, 128)
        self.classifier = nn.Sequential(
            SeparableConv(128, 128),
            SeparableConv(128, 128),
            nn.Dropout(dropout),
            nn.Conv2d(128, num_classes, kernel_size=1),
        )
        channels = (64, 128) if aux else ()
        self.auxiliary_heads = nn.ModuleList(AuxiliaryHead(c, 32, num_classes, dropout) for c in channels)

    def forward(self, images: Tensor) -> Tensor | dict:
        size = images.shape[-2:]
        skip = self.learning_to_downsample(images)  # (N, 64, H/8, W/8)
        low = self.bottleneck3(self.bottleneck2(self.bottleneck1(skip)))  # (N, 128, H/32, W/32)
        low = self.pyramid_pooling(low)
        fused = self.feature_fusion(low, skip)  # (N, 128, H/8, W/8)
        logits = resize(self.classifier(fused), size)
        if not (self.training and self.auxiliary_heads):
            return logits
        inner = zip(self.auxiliary_heads, (skip, low), strict=True)
        return {"logits": logits, "auxiliary": [resize(head(features), size) for head, features in inner]}
