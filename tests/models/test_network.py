"""The contract that every network of the zoo keeps, on the smallest variant of each."""

import pytest
import torch

from seg_helpers.models import SegmentationNetwork, build_model, list_models

SMALL = {
    "fcn": ("fcn", {"encoder": "resnet18", "fc_channels": 16}),
    "unet": ("unet", {"encoder": "resnet18", "decoder_channels": (16, 16, 16, 8, 8)}),
    "pspnet": ("pspnet", {"channels": 16, "aux": True}),
    "deeplabv2": ("deeplabv2", {}),
    "deeplabv3": ("deeplabv3", {"channels": 16, "output_stride": 16}),
    "deeplabv3plus": ("deeplabv3plus", {"channels": 16}),
    "fast_scnn": ("fast_scnn", {"aux": True}),
    "hrnet": ("hrnet", {"variant": "w18_small_v1"}),
    "mini_hrnet 1": ("mini_hrnet", {"approach": 1, "ancestor": "w18_small_v1"}),
    "mini_hrnet 2": ("mini_hrnet", {"approach": 2, "ancestor": "w18_small_v2"}),
    "mini_hrnet 3": ("mini_hrnet", {"approach": 3}),
    "segnet": ("segnet", {"encoder": "vgg11_bn"}),
    "mini_unet": ("mini_unet", {}),
}
every_network = pytest.mark.parametrize("case", SMALL)


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


def test_every_registered_architecture_is_tested():
    assert {name for name, _ in SMALL.values()} == {info.name for info in list_models()}


@every_network
@pytest.mark.parametrize("size", [(360, 480), (720, 960), (350, 470)])
def test_logits_have_the_images_size_or_the_error_names_the_size_to_use(case, size):
    with torch.device("meta"):
        network, images = build(case).eval(), torch.empty(2, 3, *size)
    padded = tuple(-(-side // network.stride) * network.stride for side in size)
    if padded != size:
        with pytest.raises(ValueError, match=f"pad the images to {padded[0]}x{padded[1]}"):
            network(images)
        images = torch.empty(2, 3, *padded, device="meta")
    shape = tuple(-(-side // network.output_stride) for side in padded)
    with torch.no_grad():
        assert network(images).shape == (2, 5, *shape)


@every_network
def test_gradient_reaches_every_parameter(case):
    network = build(case).train()
    output = network(make_images(2, 3, 64, 96))
    logits = [output["logits"], *output["auxiliary"]] if isinstance(output, dict) else [output]
    sum(entry.square().mean() for entry in logits).backward()
    # a bias before a batch norm has no effect, and so a gradient of zero but for rounding
    silent = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or (parameter.ndim > 1 and not parameter.grad.any())
    ]
    assert silent == []


@every_network
def test_memory_format_does_not_change_the_output(case):
    network, images = build_calibrated(case), make_images(1, 3, 64, 96)
    with torch.no_grad():
        plain = network(images)
        last = network.to(memory_format=torch.channels_last)(images.to(memory_format=torch.channels_last))
    assert plain.std() > 1e-2
    torch.testing.assert_close(last, plain, atol=1e-4, rtol=0)


@every_network
def test_a_step_in_bfloat16_and_channels_last_has_finite_gradients(case):
    network = build(case).to(memory_format=torch.channels_last).train()
    with torch.autocast("cpu", torch.bfloat16):
        output = network(make_images(2, 3, 64, 96).to(memory_format=torch.channels_last))
        logits = output["logits"] if isinstance(output, dict) else output
    assert logits.dtype == torch.bfloat16
    logits.float().square().mean().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())


@every_network
def test_a_batch_of_one_image_trains(case):
    network = build(case).train()
    output = network(make_images(1, 3, 64, 64))
    logits = output["logits"] if isinstance(output, dict) else output
    assert logits.isfinite().all()


@every_network
def test_encoder_stages_hold_the_encoder_once(case):
    with torch.device("meta"):
        network = build(case)
    stages = [id(p) for stage in network.encoder_stages() for p in stage.parameters()]
    assert sorted(stages) == sorted(id(p) for p in network.encoder_parameters())
    if network.encoder is None:
        assert stages == []
    else:
        assert len(network.encoder_stages()) >= 4


@pytest.mark.parametrize(("name", "heads"), [("pspnet", 1), ("fast_scnn", 2)])
def test_auxiliary_heads_change_training_only(name, heads):
    torch.manual_seed(0)
    network, images = build_model(name, 5, aux=True), make_images(2, 3, 64, 64)
    trained = network.train()(images)
    assert [entry.shape for entry in trained["auxiliary"]] == [trained["logits"].shape] * heads
    plain = build_model(name, 5)
    plain.load_state_dict(
        {k: v for k, v in network.state_dict().items() if not k.startswith("auxiliary_head")}
    )
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), plain.eval()(images))
    torch.manual_seed(2)
    alone = plain.train()(images)
    torch.manual_seed(2)
    assert isinstance(alone, torch.Tensor)
    torch.testing.assert_close(network.train()(images)["logits"], alone)
