"""SegNet (Badrinarayanan, Kendall, Cipolla, TPAMI 2017, arXiv 1511.00561).

VGG's convolutions with batch norm; the decoder mirrors them and undoes each pooling by writing every value
back to where the maximum was: it passes on places, not features.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.models.blocks import ConvNorm
from seg_helpers.models.encoders import build_encoder
from seg_helpers.models.network import SegmentationNetwork


class SegNet(SegmentationNetwork):
    """VGG16 mirrored; upsampling by the places of the pooled maxima.

    The encoder is "vgg16_bn" as in the paper, or another VGG.
    """

    def __init__(self, num_classes: int, encoder: str = "vgg16_bn"):
        super().__init__()
        if not encoder.startswith("vgg"):
            raise ValueError(f"SegNet mirrors the poolings of a VGG, got encoder {encoder!r}: use vgg16_bn")
        self.encoder = build_encoder(encoder)
        blocks, block, channels = [], [], 3
        for layer in self.encoder.features:
            if isinstance(layer, nn.Conv2d):
                block.append((layer.out_channels, channels))
                channels = layer.out_channels
            elif isinstance(layer, nn.MaxPool2d):
                blocks.append([ConvNorm(outputs, inputs) for outputs, inputs in reversed(block)])
                block = []
        blocks[0][-1] = nn.Conv2d(64, num_classes, kernel_size=3, padding=1)  # the mirror of the first layer
        self.decoder = nn.ModuleList(nn.Sequential(*layers) for layers in reversed(blocks))

    def forward(self, images: Tensor) -> Tensor:
        features, poolings = images, []
        for layer in self.encoder.features:
            if isinstance(layer, nn.MaxPool2d):
                features, indices = F.max_pool2d(features, 2, stride=2, return_indices=True)
                poolings.append(indices)
            else:
                features = layer(features)
        for block in self.decoder:
            features = block(F.max_unpool2d(features, poolings.pop(), 2, stride=2))
        return features  # (N, C, H, W)

    def parts(self) -> dict[str, nn.Module]:
        return self.encoder_parts() | {f"decoder {i}": block for i, block in enumerate(self.decoder, start=1)}
