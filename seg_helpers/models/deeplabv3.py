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
from seg_helpers.models.encoders import check_encoder, load_weights
from seg_helpers.models.unet import EncoderDecoder


class DeepLabV3(EncoderDecoder):
    """ASPP, a 3x3 convolution and the scores, upsampled by the output stride."""

    def __init__(self, network: smp.DeepLabV3):
        super().__init__(network)
        let_pooling_train_alone(network.decoder.aspp)
        speed_up_atrous(self)

    def parts(self) -> dict[str, nn.Module]:
        convolution = nn.ModuleList([self.decoder.conv, self.decoder.bn, self.decoder.relu])
        return encoder_and_aspp(self, self.decoder.aspp) | {"decoder": convolution, "head": self.head}


class DeepLabV3Plus(EncoderDecoder):
    """ASPP, upsampled to 1/4, beside the encoder's features of that size, and the scores."""

    def __init__(self, network: smp.DeepLabV3Plus):
        super().__init__(network)
        let_pooling_train_alone(network.decoder.aspp[0])
        speed_up_atrous(self)

    def parts(self) -> dict[str, nn.Module]:
        aspp, *convolution = self.decoder.aspp
        low_level = {"ASPP conv": nn.ModuleList(convolution), "low level": self.decoder.block1}
        return encoder_and_aspp(self, aspp) | low_level | {"decoder": self.decoder.block2, "head": self.head}


def let_pooling_train_alone(aspp: nn.Module) -> None:
    """Let the image's average be normalised in a batch of one, where it is one value per channel."""
    pooling = aspp.convs[-1]
    pooling[2] = PooledBatchNorm2d(pooling[2].num_features)


def encoder_and_aspp(network: EncoderDecoder, aspp: nn.Module) -> dict[str, nn.Module]:
    """The diagram's first parts: the encoder's stages, each branch of the pyramid and their fusion."""
    parts = network.encoder_parts()
    *convolutions, pooling = aspp.convs
    for branch in convolutions:
        dilations = [layer.dilation[0] for layer in branch.modules() if isinstance(layer, nn.Conv2d)]
        parts["ASPP 1x1" if max(dilations) == 1 else f"ASPP rate {max(dilations)}"] = branch
    return parts | {"ASPP image": pooling, "ASPP fusion": aspp.project}


def build_deeplabv3(
    num_classes: int,
    encoder: str = "mobilenet_v2",
    encoder_weights: str = "none",
    weights_file: str | None = None,
    *,
    rates: Sequence[int] = (12, 24, 36),
    output_stride: int = 8,
    channels: int = 256,
    separable: bool = False,
    dropout: float = 0.5,
) -> DeepLabV3:
    """Build a DeepLabV3.

    Args:
        num_classes: Channels of the logits.
        encoder: Encoder that can be dilated.
        encoder_weights: "none", "imagenet" or a path.
        weights_file: Local file for "imagenet".
        rates: The three dilations; the paper's for output stride 8 (half of them at 16).
        output_stride: 8 or 16.
        channels: Channels of every branch.
        separable: Depthwise separable 3x3 convolutions.
        dropout: Dropout before the scores.
    """
    check_encoder(encoder, output_stride)
    network = smp.DeepLabV3(
        encoder,
        encoder_weights=None,
        encoder_output_stride=output_stride,
        decoder_channels=channels,
        decoder_atrous_rates=tuple(rates),
        decoder_aspp_separable=separable,
        decoder_aspp_dropout=dropout,
        classes=num_classes,
    )
    load_weights(network.encoder, encoder, encoder_weights, weights_file)
    return DeepLabV3(network)


def build_deeplabv3plus(
    num_classes: int,
    encoder: str = "mobilenet_v2",
    encoder_weights: str = "none",
    weights_file: str | None = None,
    *,
    rates: Sequence[int] = (6, 12, 18),
    output_stride: int = 16,
    channels: int = 256,
    separable: bool = True,
    dropout: float = 0.5,
) -> DeepLabV3Plus:
    """Build a DeepLabV3+.

    Args:
        num_classes: Channels of the logits.
        encoder: Encoder that can be dilated.
        encoder_weights: "none", "imagenet" or a path.
        weights_file: Local file for "imagenet".
        rates: The three dilations; the paper's for output stride 16 (twice as much at 8).
        output_stride: 8 or 16.
        channels: Channels of every branch.
        separable: Depthwise separable 3x3 convolutions.
        dropout: Dropout before the scores.
    """
    check_encoder(encoder, output_stride)
    network = smp.DeepLabV3Plus(
        encoder,
        encoder_weights=None,
        encoder_output_stride=output_stride,
        decoder_channels=channels,
        decoder_atrous_rates=tuple(rates),
        decoder_aspp_separable=separable,
        decoder_aspp_dropout=dropout,
        classes=num_classes,
    )
    load_weights(network.encoder, encoder, encoder_weights, weights_file)
    return DeepLabV3Plus(network)
