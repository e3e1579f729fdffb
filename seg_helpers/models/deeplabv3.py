"""DeepLabV3 (Chen, Papandreou, Schroff, Adam, arXiv 1706.05587) and V3+ (Chen et al., ECCV 2018, arXiv 1802.02611).

Atrous spatial pyramid pooling lays a 1x1, three dilated 3x3 convolutions and the image's average side by
side. V3 upsamples its scores by the encoder's output stride; V3+ brings the features to 1/4 first and lays
the encoder's own features of that size beside them, by separable convolutions. Both are segmentation-models-pytorch's.
"""

from collections.abc import Sequence

import segmentation_models_pytorch as smp
import torch
from segmentation_models_pytorch.decoders.deeplabv3.decoder import ASPP, SeparableConv2d
from torch import Tensor, nn

from seg_helpers.models.blocks import PooledBatchNorm2d
from seg_helpers.models.unet import EncoderDecoder


class DeepLabV3(EncoderDecoder):
    """Atrous branches with batch norm and the image's average, concatenated.

    The `rates` are the papers': (12, 24, 36) at `output_stride` 8, half of them at 16. The encoder is one that can be
    dilated; each branch has `channels`.
    """

    smp_class = smp.DeepLabV3

    def __init__(
        self,
        num_classes: int,
        encoder: str = "mobilenet_v2",
        *,
        rates: Sequence[int] = (12, 24, 36),
        output_stride: int = 8,
        channels: int = 256,
    ):
        network = self.smp_class(
            encoder,
            encoder_weights=None,
            encoder_output_stride=output_stride,
            decoder_channels=channels,
            decoder_atrous_rates=tuple(rates),
            classes=num_classes,
        )
        super().__init__(network)
        average = self.aspp.convs[-1]
        average[2] = PooledBatchNorm2d(average[2].num_features)

    @property
    def aspp(self) -> nn.Module:
        return next(module for module in self.decoder.modules() if isinstance(module, ASPP))

    def parts(self) -> dict[str, nn.Module]:
        *convolutions, average = self.aspp.convs
        parts = self.encoder_parts()
        for branch in convolutions:
            rate = max(layer.dilation[0] for layer in branch.modules() if isinstance(layer, nn.Conv2d))
            parts["ASPP 1x1" if rate == 1 else f"ASPP rate {rate}"] = branch
        parts |= {"ASPP image": average, "ASPP fusion": self.aspp.project}
        return parts | self.decoder_parts() | {"head": self.head}

    def decoder_parts(self) -> dict[str, nn.Module]:
        return {"decoder": nn.ModuleList([self.decoder.conv, self.decoder.bn, self.decoder.relu])}


class DeepLabV3Plus(DeepLabV3):
    """DeepLabV3 with a skip at 1/4: wide views and sharp borders.

    Without `skip` all else stays: separable convolutions, the last of them at 1/4.
    """

    smp_class = smp.DeepLabV3Plus

    def __init__(self, num_classes: int, encoder: str = "mobilenet_v2", *, output_stride: int = 16, skip: bool = True):
        super().__init__(num_classes, encoder, rates=(6, 12, 18), output_stride=output_stride)
        self.skip = skip
        if not skip:
            self.decoder.block1 = nn.Identity()
            self.decoder.block2[0] = SeparableConv2d(256, 256, kernel_size=3, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        features = self.encoder(images)
        wide = self.decoder.up(self.decoder.aspp(features[-1]))  # (N, 256, H/4, W/4)
        if self.skip:
            wide = torch.cat([wide, self.decoder.block1(features[2])], dim=1)
        return self.head(self.decoder.block2(wide))

    def decoder_parts(self) -> dict[str, nn.Module]:
        convolution, low_level = nn.ModuleList(self.decoder.aspp[1:]), self.decoder.block1
        return {"ASPP conv": convolution, "low level": low_level, "decoder": self.decoder.block2}
