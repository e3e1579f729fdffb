"""Building by name: what exists, what is refused and what the refusal says."""

import pytest

from seg_helpers.models import build_model, count_parameters, list_models


def test_list_models_names_each_architecture_with_its_paper_and_size():
    models = list_models()
    assert {"fcn", "unet", "pspnet", "deeplabv3plus", "fast_scnn", "mini_hrnet", "mini_unet"} <= set(models.index)
    assert models.loc["fast_scnn", "parameters"] == 1_137_019
    assert models.loc["mini_unet", "parameters"] == 12_441_163
    assert models["paper"].str.contains("arXiv").all()
    assert models["purpose"].is_unique


def test_counting_builds_nothing_different():
    network = build_model("unet", 4, encoder="resnet18")
    parameters = sum(p.numel() for p in network.parameters())
    assert count_parameters("unet", 4, encoder="resnet18") == count_parameters(network) == parameters


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("unett", 11), {}, "did you mean 'unet'"),
        (("fcn", 11), {"heads": "8s"}, "no option 'heads'; did you mean 'head'"),
        (("fcn", 11), {"head": "4s"}, "heads 32s, 16s, 8s, got '4s'"),
        (("unet", 11), {"encoder": "mobilnet_v2"}, "did you mean 'mobilenet_v2'"),
        (("fast_scnn", 11), {"encoder": "resnet18"}, "no option 'encoder'"),
        (("fast_scnn", 11), {"encoder_weights": "imagenet"}, "no option 'encoder_weights'"),
        (("segnet", 11), {"encoder": "resnet18"}, "use vgg16_bn"),
        (("deeplabv2", 11), {"encoder": "vgg16_bn"}, "do not support dilated mode"),
        (("pspnet", 11), {"output_stride": 4}, "should be 16 or 8, got 4"),
        (("hrnet", 11), {"variant": "w40"}, "HRNet has no variant 'w40'; known: w48, w18, w18_small_v2, w18_small_v1"),
        (("mini_hrnet", 11), {"approach": 4}, "MiniHRNet has no variant 4; known: 1, 2, 3"),
    ],
)
def test_a_refusal_names_what_is_known(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        build_model(*arguments, **options)
