"""DeepLabV3 (Chen, Papandreou, Schroff, Adam, arXiv 1706.05587) and V3+ (Chen et al., ECCV 2018, arXiv 1802.02611).

Atrous spatial pyramid pooling lays a 1x1, three dilated 3x3 convolutions and the image's average side by
side. V3 upsamples its scores by the encoder's output stride; V3+ brings the features to 1/4 first and lays
the encoder's own features of that size beside them. Both are segmentation-models-pytorch's.
"""

from collections.abc import Sequence

import segmentation_models_pytorch as smp
from torch import nn

from seg_helpers.models.atrous import speed_up_atrous
from seg_helpers.models.blocks import PooledBatchNorm2d
from seg_helpers.models.encoders import check_encoder
from seg_helpers.models.unet import EncoderDecoder


class DeepLabV3(EncoderDecoder):
    """ASPP, a 3x3 convolution and the scores, upsampled by the output stride.

    Args:
        num_classes: Channels of the logits.
        encoder: Encoder that can be dilated.
        rates: The three dilations, as the papers have them: (12, 24, 36) at output stride 8, half of them at 16.
        output_stride: 8 or 16.
        separable: Depthwise separable 3x3 convolutions.
        channels: Channels of every branch.
        dropout: Dropout before the scores.
    """

    smp_class = smp.DeepLabV3

    def __init__(
        self,
        num_classes: int,
        encoder: str = "mobilenet_v2",
        *,
        rates: Sequence[int] = (12, 24, 36),
        output_stride: int = 8,
        separable: bool = False,
        channels: int = 256,
        dropout: float = 0.5,
    ):
        check_encoder(encoder, output_stride)
        network = self.smp_class(
            encoder,
            encoder_weights=None,
            encoder_output_stride=output_stride,
            decoder_channels=channels,
            decoder_atrous_rates=tuple(rates),
            decoder_aspp_separable=separable,
            decoder_aspp_dropout=dropout,
            classes=num_classes,
        )
        super().__init__(network)
        average = self.aspp.convs[-1]
        average[2] = PooledBatchNorm2d(average[2].num_features)
        speed_up_atrous(self)

    @property
    def aspp(self) -> nn.Module:
        return self.decoder.aspp

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
    """ASPP, upsampled to 1/4, beside the encoder's features of that size, and the scores; arguments as for V3."""

    smp_class = smp.DeepLabV3Plus

    def __init__(
        self,
        num_classes: int,
        encoder: str = "mobilenet_v2",
        *,
        rates: Sequence[int] = (6, 12, 18),
        output_stride: int = 16,
        separable: bool = True,
        channels: int = 256,
        dropout: float = 0.5,
    ):
        options = {"output_stride": output_stride, "separable": separable, "channels": channels, "dropout": dropout}
        super().__init__(num_classes, encoder, rates=rates, **options)

    @property
    def aspp(self) -> nn.Module:
        return self.decoder.aspp[0]

    def decoder_parts(self) -> dict[str, nn.Module]:
        convolution, low_level = nn.ModuleList(self.decoder.aspp[1:]), self.decoder.block1
        return {"ASPP conv": convolution, "low level": low_level, "decoder": self.decoder.block2}
