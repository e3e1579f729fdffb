"""What every network of the zoo has in common: its size rule, its encoder, its named parts."""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models import ResNet


class SegmentationNetwork(nn.Module):
    """Base of all networks: images (N, 3, H, W) in, logits (N, C, H, W) out, of Mini U-Net (N, C, H/4, W/4).

    With auxiliary heads, in training mode only, it returns `{"logits": Tensor, "auxiliary": [Tensor, ...]}` instead.
    Heights and widths must be multiples of `stride`, for every network though some would run at any size: on 360 rows
    12 cells stand for 384, and stretched onto 360 they lie beside the image.
    """

    stride: int = 32

    def __init__(self):
        super().__init__()
        self.encoder: nn.Module | None = None  # may be pretrained, frozen and given its own learning rate

    def __call__(self, images: Tensor) -> Tensor | dict[str, Tensor | list[Tensor]]:
        """Runs the network; ValueError with the size to use where the images' size is no multiple of `stride`."""
        size = tuple(images.shape[-2:])
        padded = self.padded_size(size)
        if padded != size:
            raise ValueError(
                f"{type(self).__name__} takes heights and widths that are multiples of {self.stride}, got "
                f"{size[0]}x{size[1]}: pad the images to {padded[0]}x{padded[1]} and crop the logits"
            )
        return super().__call__(images)

    def padded_size(self, size: Sequence[int]) -> tuple[int, int]:
        """(height, width) rounded up to multiples of `stride`."""
        height, width = (-(-side // self.stride) * self.stride for side in size)
        return height, width

    def encoder_stages(self) -> list[nn.Module]:
        """The encoder's stages from the input to the deepest, to unfreeze the last k of them."""
        return split_stages(self.encoder) if self.encoder is not None else []

    def parts(self) -> dict[str, nn.Module]:
        """The blocks of the architecture's diagram by name, in the order of the data's way."""
        children = {name: child for name, child in self.named_children() if child is not self.encoder}
        return self.encoder_parts() | children

    def encoder_parts(self) -> dict[str, nn.Module]:
        """The encoder's stages under their names in the diagram."""
        return {f"encoder {i}": stage for i, stage in enumerate(self.encoder_stages(), start=1)}


def split_stages(encoder: nn.Module) -> list[nn.Module]:
    """ResNets, MobileNetV2 and VGG cut where the resolution halves; any other encoder into children with parameters."""
    if isinstance(encoder, ResNet):
        layers = [encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4]
        return [nn.ModuleList([encoder.conv1, encoder.bn1]), *layers]
    if hasattr(encoder, "features") and hasattr(encoder, "_out_indexes"):
        # the indices of the last module at each resolution, as segmentation-models-pytorch keeps them
        ends = [index + 1 for index in encoder._out_indexes]
        starts = [0, *ends[:-1]]
        stages = [encoder.features[start:end] for start, end in zip(starts, ends, strict=True)]
        return [stage for stage in stages if any(True for _ in stage.parameters())]
    children = [child for child in encoder.children() if any(True for _ in child.parameters())]
    return split_stages(children[0]) if len(children) == 1 else children
