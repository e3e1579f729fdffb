"""U-Net (Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597) on a pretrained encoder.

The decoder is segmentation-models-pytorch's: at each of five steps the features are doubled in size,
concatenated with the encoder's features of that size and passed through two 3x3 convolutions.
"""

from collections.abc import Sequence

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from seg_helpers.models.encoders import undilate_pointwise
from seg_helpers.models.network import SegmentationNetwork


class EncoderDecoder(SegmentationNetwork):
    """An encoder, a decoder and a head of segmentation-models-pytorch behind this package's contract."""

    def __init__(self, network: smp.base.SegmentationModel):
        super().__init__()
        self.encoder = undilate_pointwise(network.encoder)
        self.decoder = network.decoder
        self.head = network.segmentation_head

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.decoder(self.encoder(images)))


class UNet(EncoderDecoder):
    """Encoder and decoder with skips at every resolution: sharp borders, thin objects.

    `decoder_channels` are those of the five decoder steps, deepest first.
    """

    def __init__(
        self,
        num_classes: int,
        encoder: str = "mobilenet_v2",
        *,
        decoder_channels: Sequence[int] = (256, 128, 64, 32, 16),
    ):
        options = {"encoder_weights": None, "classes": num_classes, "decoder_channels": tuple(decoder_channels)}
        super().__init__(smp.Unet(encoder, **options))

    def parts(self) -> dict[str, nn.Module]:
        steps = {f"decoder {i}": block for i, block in enumerate(self.decoder.blocks, start=1)}
        return self.encoder_parts() | {"center": self.decoder.center} | steps | {"head": self.head}
