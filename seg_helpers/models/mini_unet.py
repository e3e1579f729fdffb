"""Mini U-Net (arXiv 1810.08395 and a public implementation): ResNet18 and an output of a quarter the size.

encoder features   lateral 1x1   decoder (each after ReLU; BN first but for the deepest)
512 at 1/32                      transposed 3x3, 512 to 128, doubled
256 at 1/16        to 128        concatenated: 256; transposed 3x3 to 128, doubled
128 at 1/8         to 128        concatenated: 256; transposed 3x3 to 128, doubled
 64 at 1/4         to 128        concatenated: 256; transposed 3x3 to C, same size
"""

import torch
from torch import Tensor, nn

from seg_helpers.models.encoders import build_encoder
from seg_helpers.models.network import SegmentationNetwork


class UpBlock(nn.Module):
    """Norm (but for the deepest), ReLU and a transposed convolution to twice the size."""

    def __init__(self, inputs: int, outputs: int, norm: bool = True):
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs) if norm else nn.Identity()
        self.relu = nn.ReLU()  # not in place: the encoder's features are used elsewhere too
        self.transposed = nn.ConvTranspose2d(inputs, outputs, kernel_size=3, stride=2, padding=1, output_padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return self.transposed(self.relu(self.norm(features)))


class MiniUNet(SegmentationNetwork):
    """Real time on a soccer robot: narrow decoder, logits of (N, C, H/4, W/4)."""

    def __init__(self, num_classes: int, encoder: str = "resnet18"):
        super().__init__()
        self.encoder = build_encoder(encoder)
        at4, at8, at16, at32 = self.encoder.out_channels[2:]
        width = 128
        self.doubling16 = UpBlock(at32, width, norm=False)
        self.lateral16 = nn.Conv2d(at16, width, kernel_size=1)
        self.doubling8 = UpBlock(2 * width, width)
        self.lateral8 = nn.Conv2d(at8, width, kernel_size=1)
        self.doubling4 = UpBlock(2 * width, width)
        self.lateral4 = nn.Conv2d(at4, width, kernel_size=1)
        self.head = nn.Sequential(
            nn.BatchNorm2d(2 * width), nn.ReLU(), nn.ConvTranspose2d(2 * width, num_classes, 3, padding=1)
        )

    def forward(self, images: Tensor) -> Tensor:
        at4, at8, at16, features = self.encoder(images)[2:]
        for doubling, lateral, skip in (
            (self.doubling16, self.lateral16, at16),
            (self.doubling8, self.lateral8, at8),
            (self.doubling4, self.lateral4, at4),
        ):
            features = torch.cat([doubling(features), lateral(skip)], dim=1)  # (N, 256, …)
        return self.head(features)  # (N, C, H/4, W/4)
