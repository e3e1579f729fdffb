"""The smallest variant of each network of the zoo, for tests."""

import torch

from seg_helpers.models import SegmentationNetwork, build_model

SMALL = {
    "fcn": ("fcn", {"encoder": "resnet18"}),
    "unet": ("unet", {"encoder": "resnet18", "decoder_channels": (16, 16, 16, 8, 8)}),
    "pspnet": ("pspnet", {"aux": True}),
    "deeplabv2": ("deeplabv2", {}),
    "deeplabv3": ("deeplabv3", {"channels": 16, "output_stride": 16}),
    "deeplabv3plus": ("deeplabv3plus", {}),
    "fast_scnn": ("fast_scnn", {"aux": True}),
    "hrnet": ("hrnet", {"variant": "w18_small_v1"}),
    "mini_hrnet 1": ("mini_hrnet", {"approach": 1}),
    "mini_hrnet 2": ("mini_hrnet", {"approach": 2}),
    "mini_hrnet 3": ("mini_hrnet", {"approach": 3}),
    "segformer": ("segformer", {}),
    "segnet": ("segnet", {"encoder": "vgg11_bn"}),
    "mini_unet": ("mini_unet", {}),
}


def build(case: str, num_classes: int = 5) -> SegmentationNetwork:
    torch.manual_seed(0)
    name, options = SMALL[case]
    return build_model(name, num_classes, **options)


def make_images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def build_calibrated(case: str) -> SegmentationNetwork:
    """A network in eval mode whose batch norms know their inputs; else deep features vanish in untrained ones."""
    network = build(case)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(make_images(4, 3, 64, 96))
    return network.eval()
