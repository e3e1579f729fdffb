"""PSPNet (Zhao, Shi, Qi, Wang, Jia, CVPR 2017, arXiv 1612.01105).

The deepest features are averaged over grids of 1, 2, 3 and 6 cells a side, and the averages are laid beside them: what
is where in the whole scene. Pyramid and head are segmentation-models-pytorch's. Its own default cuts the encoder off
after three stages, at 1/8; here the encoder is whole and dilated, as in the paper.
"""

from collections.abc import Sequence

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base.modules import Conv2dReLU
from segmentation_models_pytorch.decoders.pspnet.decoder import PSPModule
from torch import Tensor, nn

from seg_helpers.models.blocks import AuxiliaryHead, resize
from seg_helpers.models.unet import EncoderDecoder


class PSPNet(EncoderDecoder):
    """Pooled context of the whole scene beside the features at 1/8.

    The encoder is dilated to the paper's `output_stride` of 8, or 16; for 32 it may be any. Without `bins` there is no
    pyramid; `aux` adds a head on the encoder's fourth stage (section 3.3).
    """

    def __init__(
        self,
        num_classes: int,
        encoder: str = "mobilenet_v2",
        *,
        bins: Sequence[int] = (1, 2, 3, 6),
        output_stride: int = 8,
        aux: bool = False,
    ):
        network = smp.PSPNet(
            encoder,
            encoder_weights=None,
            encoder_depth=5,
            output_stride=output_stride,
            upsampling=output_stride,
            psp_dropout=0.1,
            classes=num_classes,
        )
        inputs = network.encoder.out_channels[-1]
        network.decoder.psp = PSPModule(inputs, tuple(bins)) if bins else nn.Identity()
        pooled = inputs // len(bins) * len(bins) if bins else 0
        network.decoder.conv = Conv2dReLU(inputs + pooled, 512, kernel_size=1, use_norm="batchnorm")
        network.initialize()
        super().__init__(network)
        inner = self.encoder.out_channels[4]
        self.auxiliary_head = AuxiliaryHead(inner, max(inner // 4, 32), num_classes) if aux else None

    def forward(self, images: Tensor) -> Tensor | dict:
        features = self.encoder(images)
        logits = self.head(self.decoder(features))
        if not (self.training and self.auxiliary_head):
            return logits
        return {"logits": logits, "auxiliary": [resize(self.auxiliary_head(features[4]), images.shape[-2:])]}

    def parts(self) -> dict[str, nn.Module]:
        pyramid = {f"pyramid {block.pool_size}": block for block in getattr(self.decoder.psp, "blocks", [])}
        return self.encoder_parts() | pyramid | {"fusion": self.decoder.conv, "head": self.head}
