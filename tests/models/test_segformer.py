"""SegFormer: the published size, its stages, and attention that sees the whole image."""

import pytest
from zoo import build_calibrated, make_images

from seg_helpers.models import build_model, count_parameters
from seg_helpers.training.stages import freeze_encoder


def test_b0_has_the_published_size():
    assert count_parameters("segformer", 150) == 3_752_694  # 3.8 M in Table 1a
    assert count_parameters("segformer", 19) == 3_719_027


def test_the_last_stage_is_unfrozen_with_its_embedding_and_norm():
    network = build_model("segformer", 3)
    assert len(network.encoder_stages()) == 4
    freeze_encoder(network, 1)
    trained = {name.split(".")[0] for name, value in network.encoder.named_parameters() if value.requires_grad}
    assert trained == {"patch_embed4", "block4", "norm4"}


def test_a_corner_sees_the_opposite_one():
    network, images = build_calibrated("segformer"), make_images(1, 3, 64, 96)
    images.requires_grad_()
    network(images)[0, :, 0, 0].sum().backward()
    assert images.grad[0, :, -8:, -8:].abs().sum() > 0


def test_another_kind_of_encoder_is_refused():
    with pytest.raises(ValueError, match="mit_b0 to mit_b5, got 'resnet18'"):
        build_model("segformer", 3, encoder="resnet18")
