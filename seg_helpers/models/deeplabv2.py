"""DeepLabV2 (Chen, Papandreou, Kokkinos, Murphy, Yuille, TPAMI 2018, arXiv 1606.00915).

A dilated encoder keeps features at 1/8; atrous spatial pyramid pooling adds the class scores of four 3x3 convolutions.
The paper's multi-scale input and its CRF are no part of the network.
"""

from torch import Tensor, nn

from seg_helpers.models.blocks import resize
from seg_helpers.models.encoders import build_encoder
from seg_helpers.models.network import SegmentationNetwork

RATES = (6, 12, 18, 24)


class AtrousScores(nn.Module):
    """The sum of 3x3 convolutions straight to class scores, one for each of `RATES` (ASPP-L of section 3.2)."""

    def __init__(self, inputs: int, num_classes: int):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(inputs, num_classes, kernel_size=3, padding=rate, dilation=rate) for rate in RATES
        )

    def forward(self, features: Tensor) -> Tensor:
        return sum(branch(features) for branch in self.branches)


class DeepLabV2(SegmentationNetwork):
    """Wide views without losing resolution: atrous convolutions of four rates, added.

    The encoder is the paper's "resnet101" or another that can be dilated; `output_stride` is 8 as there, or 16 or 32.
    """

    def __init__(self, num_classes: int, encoder: str = "mobilenet_v2", *, output_stride: int = 8):
        super().__init__()
        self.encoder = build_encoder(encoder, output_stride)
        self.classifier = AtrousScores(self.encoder.out_channels[-1], num_classes)

    def forward(self, images: Tensor) -> Tensor:
        scores = self.classifier(self.encoder(images)[-1])  # (N, C, H/8, W/8)
        return resize(scores, images.shape[-2:])

    def parts(self) -> dict[str, nn.Module]:
        return self.encoder_parts() | {
            f"atrous rate {branch.dilation[0]}": branch for branch in self.classifier.branches
        }
