"""Losses against references written out in numpy, pixel by pixel; void never counts."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seg_helpers.classes import VOID
from seg_helpers.config import LossConfig
from seg_helpers.training.losses import (
    MAX_RATIO,
    SegmentationLoss,
    describe_cap,
    pixel_loss,
    sum_terms,
    weigh_classes,
)

CLASSES = 4
COUNTS = [1000, 10, 0, 500]
CROSS_ENTROPY, DICE = LossConfig(), LossConfig(terms=[{"name": "dice"}])
CAMVID = [10682767, 14750079, 623349, 20076880, 2845085, 6166762, 743859, 714595, 3719877, 405385, 184967]  # train


@pytest.fixture
def batch():
    """Logits (2, 4, 6, 8) that are trained, and labels of which a quarter is void and class 2 never occurs."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, CLASSES, (2, 6, 8), generator=generator)
    labels[labels == 2] = 1
    labels[torch.rand(labels.shape, generator=generator) < 0.25] = VOID
    logits = torch.randn(2, CLASSES, 6, 8, generator=generator).mul(2).requires_grad_()
    return logits, labels


def log_probabilities(logits) -> np.ndarray:
    z = logits.detach().double().numpy()
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def pixelwise(logits, labels, weight=None, smoothing=0.0, gamma=0.0) -> float:
    """Sum over scored pixels of (1 - p)^gamma times the smoothed, weighted cross-entropy, over the sum of weights."""
    log_p = log_probabilities(logits)
    weight = np.ones(CLASSES) if weight is None else np.asarray(weight, float)
    total = norm = 0.0
    for n, y, x in np.ndindex(labels.shape):
        truth = int(labels[n, y, x])
        if truth == VOID:
            continue
        pixel = log_p[n, :, y, x]
        cross_entropy = -(1 - smoothing) * weight[truth] * pixel[truth] - smoothing / CLASSES * (weight * pixel).sum()
        total += (1 - np.exp(pixel[truth])) ** gamma * cross_entropy
        norm += weight[truth]
    return total / norm


def soft_dice(logits, labels) -> float:
    p = np.exp(log_probabilities(logits))
    scored = labels.numpy() != VOID
    scores = []
    for index in range(CLASSES):
        truth = (labels.numpy() == index) & scored
        if truth.any():
            found = p[:, index] * scored
            scores.append(2 * found[truth].sum() / (found.sum() + truth.sum()))
    return 1 - np.mean(scores)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("class_weights", ["none", "inverse", "log_inverse", "median"])
@pytest.mark.parametrize(("name", "gamma"), [("cross_entropy", 0.0), ("focal", 0.0), ("focal", 2.0), ("focal", 0.7)])
def test_pixel_losses_agree_with_the_formula(batch, name, gamma, class_weights, smoothing):
    term = {"name": name, "gamma": gamma} if name == "focal" else {"name": name}
    config = LossConfig(terms=[term], class_weights=class_weights, label_smoothing=smoothing)
    loss = SegmentationLoss(config, COUNTS)(*batch)
    weight = None if class_weights == "none" else weigh_classes(COUNTS, class_weights)
    assert loss.item() == pytest.approx(pixelwise(*batch, weight, smoothing, gamma), rel=1e-5)


def test_focal_without_focus_is_cross_entropy(batch):
    weight = torch.tensor([0.5, 3.0, 1.0, 0.2])
    expected = F.cross_entropy(*batch, weight, ignore_index=VOID, label_smoothing=0.2)
    torch.testing.assert_close(pixel_loss(*batch, weight, 0.2), expected)
    pixel_loss(*batch, weight, 0.2).backward()
    gradient = batch[0].grad.clone()
    batch[0].grad = None
    expected.backward()
    torch.testing.assert_close(gradient, batch[0].grad)


def test_focus_turns_from_what_is_easy(batch):
    labels = batch[1]
    easy = F.one_hot(labels.where(labels != VOID, 0), CLASSES).movedim(-1, 1) * 8.0
    hard = -easy
    share = [
        float(pixel_loss(x, labels, gamma=2.0) / F.cross_entropy(x, labels, ignore_index=VOID)) for x in (easy, hard)
    ]
    assert share[0] < 1e-4
    assert share[1] > 0.99


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_certain_pixel_has_a_finite_focal_gradient(gamma, smoothing):
    """Where p is 1 to the last digit, and on void, there is nothing to learn; the other pixel goes on learning."""
    logits = torch.zeros(1, 2, 1, 3)
    logits[0, :, 0, 0] = torch.tensor([200.0, 0.0])
    logits.requires_grad_()
    labels = torch.tensor([[[0, 1, VOID]]])
    loss = pixel_loss(logits, labels, None, smoothing, gamma)
    loss.backward()
    if not smoothing:  # which pulls at a pixel that is too certain
        assert logits.grad[0, :, 0, 0].tolist() == [0, 0]
        assert loss.item() == pytest.approx(0.5**gamma * np.log(2) / 2)
    assert logits.grad[0, :, 0, 2].tolist() == [0, 0]
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[0, :, 0, 1] != 0).all()


def test_focal_gradients_by_hand():
    """Of -(1 - p)^gamma log p for two classes: d/dz = (1 - p)^gamma (gamma p log p - (1 - p)), up to certainty."""
    for gamma in (0.3, 1.0, 2.0):
        for z in (-3.0, 0.0, 3.0, 9.0, 14.0):
            logits = torch.tensor([z, 0.0]).view(1, 2, 1, 1).requires_grad_()
            pixel_loss(logits, torch.zeros(1, 1, 1, dtype=torch.long), gamma=gamma).backward()
            p = 1 / (1 + np.exp(-z))
            expected = (1 - p) ** gamma * (gamma * p * np.log(p) - (1 - p))
            # in float32 what is left of 1 - p at z = 14 has one digit and a half
            assert logits.grad[0, 0].item() == pytest.approx(expected, rel=0.1 if z > 9 else 1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, [0.5, 3.0, 0.0, 0.2]], ids=["even", "weighted"])
def test_gradients_are_those_of_the_values(batch, weight, smoothing):
    logits, labels = batch[0].detach().double()[:, :, :3, :4].requires_grad_(), batch[1][:, :3, :4]
    weight = None if weight is None else torch.tensor(weight).double()
    for terms in ({"name": "cross_entropy"}, {"name": "focal", "gamma": 0.5}, {"name": "focal"}, {"name": "dice"}):
        config = LossConfig(terms=[terms], label_smoothing=smoothing)
        assert torch.autograd.gradcheck(lambda x, c=config: sum_terms(c, x, labels, weight), logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_pixels_of_classes_that_training_never_saw_weigh_nothing(batch, name, smoothing):
    """A frame of nothing but such pixels has a loss of 0 and no gradient; torch's own mean is 0/0."""
    config = LossConfig(terms=[{"name": name}], class_weights="log_inverse", label_smoothing=smoothing)
    criterion = SegmentationLoss(config, COUNTS)
    logits, labels = batch[0], torch.full_like(batch[1], 2)
    labels[:, 0] = VOID
    loss = criterion(logits, labels)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_cross_entropy_is_torchs(batch):
    for weight, smoothing in ((None, 0.0), (None, 0.1), (torch.tensor([0.5, 3.0, 0.0, 0.2]), 0.1)):
        expected = F.cross_entropy(*batch, weight, ignore_index=VOID, label_smoothing=smoothing)
        found = sum_terms(LossConfig(label_smoothing=smoothing), *batch, weight)
        torch.testing.assert_close(found, expected)


def test_dice_agrees_with_the_formula(batch):
    assert sum_terms(DICE, *batch).item() == pytest.approx(soft_dice(*batch), rel=1e-5)


def test_dice_of_a_certain_answer_is_zero(batch):
    labels = batch[1]
    certain = F.one_hot(labels.where(labels != VOID, 0), CLASSES).movedim(-1, 1) * 100.0
    assert float(sum_terms(DICE, certain, labels)) == pytest.approx(0, abs=1e-6)


def test_terms_are_summed_by_weight(batch):
    config = LossConfig(
        terms=[{"weight": 0.5}, {"name": "dice", "weight": 2}, {"name": "focal", "gamma": 1}], class_weights="median"
    )
    weight = weigh_classes(COUNTS, "median")
    expected = 0.5 * pixelwise(*batch, weight) + 2 * soft_dice(*batch) + pixelwise(*batch, weight, gamma=1)
    assert SegmentationLoss(config, COUNTS)(*batch).item() == pytest.approx(expected, rel=1e-5)


ALL_TERMS = [
    {"terms": [{"name": "cross_entropy"}]},
    {"terms": [{"name": "cross_entropy"}], "class_weights": "inverse", "label_smoothing": 0.1},
    {"terms": [{"name": "focal"}]},
    {"terms": [{"name": "focal"}], "class_weights": "log_inverse", "label_smoothing": 0.1},
    {"terms": [{"name": "dice"}]},
    {"terms": [{"name": "cross_entropy"}, {"name": "dice"}, {"name": "focal"}], "class_weights": "median"},
]


@pytest.mark.parametrize("loss", ALL_TERMS, ids=str)
def test_void_never_counts(batch, loss):
    """Neither value nor gradient knows what the network says where the label is void."""
    criterion = SegmentationLoss(LossConfig(**loss), COUNTS)
    logits, labels = batch
    void = (labels == VOID).unsqueeze(1)
    other = torch.where(void, torch.randn_like(logits) * 30, logits.detach()).requires_grad_()
    first, second = criterion(logits, labels), criterion(other, labels)
    torch.testing.assert_close(first, second)
    first.backward()
    second.backward()
    torch.testing.assert_close(logits.grad, other.grad)
    assert (logits.grad.masked_select(void) == 0).all()
    assert logits.grad.abs().sum() > 0


@pytest.mark.parametrize("loss", ALL_TERMS, ids=str)
@pytest.mark.parametrize("auxiliary", [False, True])
def test_an_all_void_batch_is_no_loss_and_no_gradient(batch, loss, auxiliary):
    logits, labels = batch[0], torch.full_like(batch[1], VOID)
    output = {"logits": logits, "auxiliary": [logits * 2]} if auxiliary else logits
    value = SegmentationLoss(LossConfig(**loss), COUNTS)(output, labels)
    value.backward()
    assert value.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_one_void_frame_beside_a_labeled_one_changes_nothing(batch):
    logits, labels = batch
    labels = labels.clone()
    labels[1] = VOID
    for loss in ALL_TERMS:
        criterion = SegmentationLoss(LossConfig(**loss), COUNTS)
        torch.testing.assert_close(criterion(logits, labels), criterion(logits[:1], labels[:1]))


def test_auxiliary_heads_count_by_their_weight(batch):
    logits, labels = batch
    others = [torch.randn(2, CLASSES, 3, 4), torch.randn(2, CLASSES, 6, 8)]
    criterion = SegmentationLoss(LossConfig(), COUNTS)
    extra = sum(criterion(other, labels) for other in others)
    combined = criterion({"logits": logits, "auxiliary": others}, labels)
    torch.testing.assert_close(combined, criterion(logits, labels) + 0.4 * extra)


def test_logits_are_brought_to_the_labels_resolution(batch):
    logits, labels = torch.randn(2, CLASSES, 3, 4), batch[1]
    resized = F.interpolate(logits, (6, 8), mode="bilinear")
    loss = SegmentationLoss(LossConfig(), COUNTS)(logits, labels)
    assert loss.item() == pytest.approx(pixelwise(resized, labels), rel=1e-5)


def test_half_precision_logits_are_summed_in_float32(batch):
    half = batch[0].detach().bfloat16()
    for loss in ALL_TERMS:
        criterion = SegmentationLoss(LossConfig(**loss), COUNTS)
        assert criterion(half, batch[1]).dtype == torch.float32
        torch.testing.assert_close(criterion(half, batch[1]), criterion(half.float(), batch[1]))


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("none", lambda share: np.ones_like(share)),
        ("inverse", lambda share: 1 / share),
        ("log_inverse", lambda share: 1 / np.log(1.02 + share)),
        ("median", lambda share: np.median(share) / share),
    ],
)
def test_class_weights_follow_their_formula(kind, raw):
    counts = np.array([600, 0, 300, 80, 20])
    seen = counts > 0
    expected = raw(counts[seen] / counts.sum())
    weights = weigh_classes(counts, kind).numpy()
    np.testing.assert_allclose(weights[seen], expected / expected.mean(), rtol=1e-6)
    assert weights[~seen].tolist() == [0]
    assert weights[seen].mean() == pytest.approx(1)
    assert weights.dtype == np.float32


def test_rare_classes_weigh_more():
    for kind in ("inverse", "log_inverse", "median"):
        weights = weigh_classes([1000, 100, 10], kind)
        assert weights[0] < weights[1] < weights[2]


@pytest.mark.parametrize("kind", ["inverse", "median"])
def test_one_pixel_of_a_class_does_not_silence_the_others(kind):
    counts = [12_000_000, 1_000_000, 0, 4_000, 1]
    weights = weigh_classes(counts, kind).numpy()
    ratios = np.array([1, 12, 0, MAX_RATIO, MAX_RATIO])  # 12, 3,000 and 12,000,000 times as rare as the first
    np.testing.assert_allclose(weights, ratios / ratios.sum() * 4, rtol=1e-6)
    said = f"class weights ({kind}): 2 of 4 are held at 200 times the smallest"
    assert describe_cap(counts, kind) == said


@pytest.mark.parametrize("kind", ["none", "inverse", "log_inverse", "median"])
def test_weights_of_a_usual_balance_are_not_capped(kind):
    assert describe_cap(CAMVID, kind) == ""
    weights, shares = weigh_classes(CAMVID, kind).numpy(), np.array(CAMVID) / sum(CAMVID)
    span = {"none": 1, "log_inverse": np.log(1.02 + shares.max()) / np.log(1.02 + shares.min())}
    assert weights.max() / weights.min() == pytest.approx(span.get(kind, shares.max() / shares.min()))


def test_a_split_without_a_scored_pixel_has_no_weights():
    assert weigh_classes([0, 0], "inverse").tolist() == [0, 0]
    assert describe_cap([0, 0], "inverse") == ""


def test_class_weights_move_with_the_criterion_and_are_no_parameter():
    criterion = SegmentationLoss(LossConfig(class_weights="inverse"), COUNTS)
    assert "class_weights" in criterion.state_dict()
    assert not list(criterion.parameters())


@pytest.mark.parametrize("weight", [None, [1.0, 0.2, 0.0, 3.0]])
def test_one_pass_gives_the_values_and_gradients_of_the_plain_forms(weight):
    """Cross-entropy by torch and Dice by one-hot maps, in double precision, on logits of either memory format."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 6, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (2, 6, 5), generator=generator)  # class 3 does not occur
    labels[:, :2] = VOID
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    scored = (labels != VOID)[:, None]
    target = F.one_hot(labels.where(labels != VOID, 0), 4).movedim(-1, 1) * scored
    probability = logits.softmax(1) * scored
    dice = 2 * (probability * target).sum((0, 2, 3)) / (probability + target).sum((0, 2, 3))
    plain = F.cross_entropy(logits, labels, weight, ignore_index=VOID) + 0.5 * (1 - dice[:3].mean())
    (expected,) = torch.autograd.grad(plain, logits)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        copy = logits.detach().contiguous(memory_format=memory_format).requires_grad_()
        loss = sum_terms(CROSS_ENTROPY, copy, labels, weight) + 0.5 * sum_terms(DICE, copy, labels)
        loss.backward()
        assert loss.item() == pytest.approx(plain.item(), rel=1e-12)
        torch.testing.assert_close(copy.grad, expected, rtol=0, atol=1e-12)
        assert not copy.grad[:, :, :2].any()
