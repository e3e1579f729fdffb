"""The contract that every network of the zoo keeps, on the smallest variant of each."""

import pytest
import torch
from zoo import SMALL, build, build_calibrated, make_images

from seg_helpers.models import build_model
from seg_helpers.models.registry import ARCHITECTURES

every_network = pytest.mark.parametrize("case", SMALL)


def test_every_registered_architecture_is_tested():
    assert {name for name, _ in SMALL.values()} == set(ARCHITECTURES)


@every_network
@pytest.mark.parametrize(
    ("size", "padded"), [((360, 480), (384, 480)), ((720, 960), (736, 960)), ((350, 470), (352, 480))]
)
def test_a_size_that_is_no_multiple_of_32_is_an_error_that_names_the_size_to_use(case, size, padded):
    with torch.device("meta"):
        network = build(case).to("meta").eval()
        with pytest.raises(ValueError, match=f"multiples of 32, got .*: pad the images to {padded[0]}x{padded[1]}"):
            network(torch.empty(2, 3, *size))
        with torch.no_grad():
            logits = network(torch.empty(2, 3, *padded))
    shrunk = 4 if case == "mini_unet" else 1
    assert logits.shape == (2, 5, *(side // shrunk for side in padded))


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
    assert sorted(stages) == sorted(id(p) for p in (network.encoder.parameters() if network.encoder else ()))
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
    plain.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("auxiliary_head")})
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(images), plain.eval()(images))
    torch.manual_seed(2)
    alone = plain.train()(images)
    torch.manual_seed(2)
    assert isinstance(alone, torch.Tensor)
    torch.testing.assert_close(network.train()(images)["logits"], alone)
