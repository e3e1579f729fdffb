"""Prediction: padding costs nothing, mirroring is symmetric, and scores are made at the labels' own resolution."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from seg_helpers.classes import VOID
from seg_helpers.config import LossConfig, LossTerm
from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.counts import COUNTERS, count_confusion
from seg_helpers.evaluation.prediction import evaluate_frames, pad_to_stride, predict_logits
from seg_helpers.models import build_model
from seg_helpers.models.blocks import resize
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.training.losses import SegmentationLoss

CLASSES = 3


class Pointwise(SegmentationNetwork):
    """Looks at each pixel alone, so padding cannot change what it says; takes multiples of 8 only."""

    stride = 8

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, CLASSES, 1)
        self.seen = []

    def forward(self, images):
        self.seen.append(tuple(images.shape))
        return self.layer(images)


class Quarter(Pointwise):
    """Answers at a quarter of its input's size."""

    def forward(self, images):
        return F.avg_pool2d(super().forward(images), 4)


class Neighbors(Pointwise):
    """Sees three pixels around, lopsided: its answer to a mirror image is not the mirrored answer."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, CLASSES, 7, padding=3)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def make_images(height, width, count=2):
    return torch.randn(count, 3, height, width)


@pytest.mark.parametrize("size", [(16, 24), (17, 23), (9, 40), (8, 8)])
def test_padding_reaches_the_stride_and_keeps_the_image(size):
    images = make_images(*size)
    padded = pad_to_stride(images, 8)
    assert all(side % 8 == 0 and 0 <= side - old < 8 for side, old in zip(padded.shape[-2:], size, strict=True))
    assert torch.equal(padded[..., : size[0], : size[1]], images)


def test_padding_is_a_reflection_where_the_image_is_large_enough():
    images = make_images(13, 22)
    padded = pad_to_stride(images, 8)
    assert torch.equal(padded[..., 13:, :22], images[..., -4:-1, :].flip(-2))
    assert torch.equal(padded[..., :13, 22:], images[..., -3:-1].flip(-1))
    small = make_images(2, 22)
    assert torch.equal(pad_to_stride(small, 8)[..., 2:, :22], small[..., -1:, :].expand(-1, -1, 6, -1))


def test_multiples_of_the_stride_are_not_touched():
    images = make_images(16, 24)
    assert pad_to_stride(images, 8) is images
    network = Neighbors().eval()
    assert torch.equal(predict_logits(network, images), network(images.contiguous(memory_format=torch.channels_last)))


@pytest.mark.parametrize("size", [(13, 22), (5, 30), (16, 20)])
def test_padding_is_cut_off_again(size):
    network, images = Pointwise().eval(), make_images(*size)
    logits = predict_logits(network, images)
    assert logits.shape == (2, CLASSES, *size)
    torch.testing.assert_close(logits, network.layer(images))
    assert network.seen[-1][-2:] == tuple(-(-side // 8) * 8 for side in size)


def test_padding_is_cut_off_before_the_resize():
    """A network at quarter size on a padded image: the label's corners are the image's, not the padding's."""
    network = Quarter().eval()
    ramp = torch.linspace(0, 1, 20).expand(1, 3, 16, 20)
    logits = predict_logits(network, ramp, (32, 40))
    assert logits.shape == (1, CLASSES, 32, 40)
    padded = network(pad_to_stride(ramp, 8))
    by_hand = F.interpolate(padded, (16, 24), mode="bilinear")[..., :20]
    torch.testing.assert_close(logits, F.interpolate(by_hand, (32, 40), mode="bilinear"))


def test_mirror_averaging_is_symmetric():
    network, images = Neighbors().eval(), make_images(16, 24)
    plain, mirrored = (predict_logits(network, x) for x in (images, images.flip(-1)))
    assert not torch.allclose(plain.softmax(1), mirrored.flip(-1).softmax(1), atol=1e-2)
    both, both_mirrored = (predict_logits(network, x, flip=True) for x in (images, images.flip(-1)))
    torch.testing.assert_close(both, both_mirrored.flip(-1), atol=1e-5, rtol=0)
    mean = (plain.softmax(1) + mirrored.flip(-1).softmax(1)) / 2
    torch.testing.assert_close(both.exp(), mean)


def test_mirror_averaging_is_symmetric_at_sizes_that_are_padded():
    """Padding stands on the right of image and mirror image alike, so the two views swap and their mean stays."""
    network, images = Neighbors().eval(), make_images(13, 21)
    both, both_mirrored = (predict_logits(network, x, flip=True) for x in (images, images.flip(-1)))
    torch.testing.assert_close(both, both_mirrored.flip(-1), atol=1e-5, rtol=0)


def test_scales_are_averaged_as_probabilities():
    network, images = Neighbors().eval(), make_images(16, 24)
    several = predict_logits(network, images, (32, 48), scales=(1.0, 0.5, 1.5))
    views = [images, *(F.interpolate(images, scale_factor=s, mode="bilinear", antialias=True) for s in (0.5, 1.5))]
    mean = sum(F.interpolate(predict_logits(network, view), (32, 48), mode="bilinear").softmax(1) for view in views) / 3
    torch.testing.assert_close(several.exp(), mean)
    torch.testing.assert_close(several.exp().sum(1), torch.ones(2, 32, 48))
    assert {shape[-2:] for shape in network.seen} == {(16, 24), (8, 16), (24, 40)}


def test_a_single_other_scale_is_used():
    network, images = Pointwise().eval(), make_images(16, 24)
    predict_logits(network, images, scales=(0.5,))
    assert network.seen[-1][-2:] == (8, 16)


def test_bfloat16_answers_in_float32():
    network, images = Pointwise().eval(), make_images(16, 24)
    logits = predict_logits(network, images, precision="bf16")
    exact = predict_logits(network, images)
    assert logits.dtype == torch.float32
    assert not torch.equal(logits, exact)
    torch.testing.assert_close(logits, exact, atol=0.05, rtol=0.05)


def test_logits_are_resized_only_if_they_must_be():
    logits = torch.randn(1, CLASSES, 4, 6)
    assert resize(logits, (4, 6)) is logits
    assert resize(logits, [9, 7]).shape == (1, CLASSES, 9, 7)


def make_batches(sizes, label_size, count=2):
    """Batches of frames whose labels have a size of their own; the last is a batch of one."""
    generator = torch.Generator().manual_seed(1)
    frames = 0
    for number, size in enumerate(sizes):
        n = count if number + 1 < len(sizes) else 1
        labels = torch.randint(0, CLASSES, (n, *label_size), generator=generator)
        labels[:, :3] = VOID
        images = (make_images(*size, n) * 50 + 128).clamp(0, 255).byte()
        yield {"image": images, "label": labels.byte(), "index": torch.arange(frames, frames + n) + 50}
        frames += n


def test_frames_are_scored_one_by_one_at_their_labels_resolution():
    network = Quarter()
    batches = list(make_batches([(13, 22), (16, 24), (13, 22)], (26, 44)))
    criterion = lambda logits, labels: F.cross_entropy(logits, labels, ignore_index=VOID)  # noqa: E731
    indices, counts, loss = evaluate_frames(network, batches, criterion)
    confusions = counts["confusion"]
    assert not network.training
    assert indices.tolist() == [50, 51, 52, 53, 54]
    assert (confusions.shape, confusions.dtype) == ((5, CLASSES, CLASSES), np.int64)
    assert (confusions.sum((1, 2)) == 23 * 44).all()  # every label pixel that is not void
    losses, position = [], 0
    for batch in batches:
        images, labels = unpack_batch(batch)
        logits = predict_logits(network, images, (26, 44))
        losses += [float(criterion(*frame)) for frame in zip(logits.split(1), labels.split(1), strict=True)]
        for prediction, label in zip(logits.argmax(1), labels, strict=True):
            assert (confusions[position] == count_confusion(prediction, label, CLASSES).numpy()).all()
            position += 1
    assert loss == pytest.approx(np.mean(losses), rel=1e-6)


def test_frames_scored_together_are_scored_as_one_by_one():
    network = build_model("fast_scnn", CLASSES).eval()
    together, _ = make_batches([(45, 70)] * 2, (90, 140), count=3)
    alone = [{name: value[i : i + 1] for name, value in together.items()} for i in range(3)]
    criterion = SegmentationLoss(LossConfig(terms=(LossTerm(), LossTerm(name="dice"))), [1] * CLASSES)
    first, second = (evaluate_frames(network, batches, criterion) for batches in ([together], alone))
    assert first[0].tolist() == second[0].tolist()
    assert (first[1]["confusion"] == second[1]["confusion"]).all()
    assert first[2] == pytest.approx(second[2], rel=1e-6)


def test_no_criterion_gives_no_loss_and_no_frame_gives_no_matrix():
    network = Pointwise()
    _, _, loss = evaluate_frames(network, make_batches([(16, 24)], (16, 24)))
    assert np.isnan(loss)
    indices, counts, _ = evaluate_frames(network, [], kinds=tuple(COUNTERS))
    assert indices.shape == (0,)
    assert {kind: array.shape for kind, array in counts.items()} == dict.fromkeys(COUNTERS, (0,))


def test_every_kind_of_count_is_made_of_the_same_pixels():
    network, batches = Neighbors(), list(make_batches([(13, 22)], (26, 44)))
    _, counts, _ = evaluate_frames(network, batches, kinds=tuple(COUNTERS))
    scored, correct, confident = counts["confidence"].sum(1).T
    assert scored.tolist() == counts["confusion"].sum((1, 2)).tolist()
    assert correct.tolist() == np.trace(counts["confusion"], axis1=1, axis2=2).tolist()
    assert (confident > scored / CLASSES).all()
    assert counts["boundary"].shape == (1, CLASSES, 3)
    assert (counts["boundary"][..., 0] <= counts["confusion"].sum(2)).all()


def test_how_to_predict_is_passed_on():
    network = Pointwise()
    evaluate_frames(network, make_batches([(16, 24)], (16, 24)), scales=(1.0, 0.5), flip=True)
    assert [shape[-2:] for shape in network.seen] == [(16, 24), (16, 24), (8, 16), (8, 16)]


def test_a_network_of_the_zoo_at_quarter_size_is_scored_at_the_labels_resolution():
    network = build_model("mini_unet", CLASSES).eval()
    images = make_images(45, 70, 1)
    assert network(pad_to_stride(images, network.stride)).shape[-1] < 70
    _, counts, _ = evaluate_frames(network, make_batches([(45, 70)], (90, 140)))
    assert counts["confusion"].sum() == 87 * 140
