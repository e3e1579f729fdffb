"""SegFormer (Xie, Wang, Yu, Anandkumar, Alvarez, Luo, NeurIPS 2021, arXiv 2105.15203): a transformer and an MLP.

The encoder attends to the whole image at strides 4, 8, 16 and 32 (section 3.1); the decoder brings its four maps to one
width, upsamples them to a quarter of the image and mixes them with one 1x1 convolution (section 3.2). Encoder and
decoder are segmentation-models-pytorch's.
"""

import segmentation_models_pytorch as smp
import torch
from torch import nn

from seg_helpers.models.unet import EncoderDecoder


class SegFormer(EncoderDecoder):
    """Every position attends to the whole image; the decoder is a few 1x1 convolutions.

    The encoder is one of "mit_b0" to "mit_b5" (ValueError for any other); the decoder has 256 channels, the paper's for
    B0 and B1.
    """

    def __init__(self, num_classes: int, encoder: str = "mit_b0"):
        if not encoder.startswith("mit_b"):
            raise ValueError(f"SegFormer's encoder is one of mit_b0 to mit_b5, got {encoder!r}")
        with torch.device("cpu"):  # the rates of its stochastic depth are read off a tensor, which needs values
            super().__init__(smp.Segformer(encoder, encoder_weights=None, classes=num_classes))

    def encoder_stages(self) -> list[nn.Module]:
        """A stage is its patch embedding, its attention blocks and a layer norm."""
        parts = dict(self.encoder.named_children())
        return [nn.ModuleList(parts[f"{kind}{i}"] for kind in ("patch_embed", "block", "norm")) for i in range(1, 5)]
