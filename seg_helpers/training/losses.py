"""Losses on logits and labels in which void never counts, and class weights from pixel counts."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.classes import VOID
from seg_helpers.config import LossConfig
from seg_helpers.errors import SegError
from seg_helpers.models.blocks import resize, to_planes

MAX_RATIO = 200.0  # of the largest class weight to the smallest
AUXILIARY_WEIGHT = 0.4  # of each auxiliary head's loss, beside 1 for the main one (PSPNet, arXiv 1612.01105)

Reduce = Callable[[Tensor], Tensor]  # makes sums over this process's frames those over the whole batch


class TrainingDiverged(SegError):
    """The loss is no longer a number, or grew from the start."""


def weigh_classes(pixel_counts: Sequence[int], kind: str) -> Tensor:
    """Weights that make rare classes count more, scaled to a mean of 1 over the classes that occur.

    The largest weight is at most 200 times the smallest. Balances that networks are known to learn under stay as
    they are: CamVid's training split spans 109 from Road to Bicyclist by either share rule, the weights published
    with SegNet span 68, ENet keeps its own within 1 to 50. A class of a few pixels would otherwise leave the frequent
    ones next to no weight: Cam101's rarest class is one training pixel.

    Args:
        pixel_counts: (C,) pixels of each class in the training split, void left out.
        kind: `none`; `inverse` (1 / share); `log_inverse` (1 / ln(1.02 + share); ENet, arXiv 1606.02147, section
            5.2); `median` (median share / share; Eigen and Fergus, arXiv 1411.4734, section 6.3.2, with shares
            over the whole split).

    Returns:
        (C,) float32; a class that never occurs weighs 0.
    """
    ratios = _weight_ratios(pixel_counts, kind).clamp(max=MAX_RATIO)
    return (ratios * (ratios > 0).sum() / ratios.sum().clamp_min(1)).float()


def describe_cap(pixel_counts: Sequence[int], kind: str) -> str:
    """A sentence on the class weights that are held at the largest one allowed; empty if there are none."""
    ratios = _weight_ratios(pixel_counts, kind)
    held, seen = int((ratios > MAX_RATIO).sum()), int((ratios > 0).sum())
    return f"class weights ({kind}): {held} of {seen} are held at {MAX_RATIO:.0f} times the smallest" if held else ""


def _weight_ratios(pixel_counts: Sequence[int], kind: str) -> Tensor:
    """(C,) float64: each class's weight over the smallest one; 0 for a class that never occurs."""
    counts = torch.as_tensor(pixel_counts, dtype=torch.float64)
    ratios, seen = torch.zeros_like(counts), counts > 0
    if seen.any():
        share = counts[seen] / counts.sum()
        weights = {
            "none": lambda: torch.ones_like(share),
            "inverse": lambda: 1 / share,
            "log_inverse": lambda: 1 / torch.log(1.02 + share),
            "median": lambda: share.quantile(0.5) / share,
        }[kind]()
        ratios[seen] = weights / weights.min()
    return ratios


def _keep(sums: Tensor) -> Tensor:
    return sums


class PixelSums(torch.autograd.Function):
    """What cross-entropy and Dice are made of, summed over all scored pixels in one pass, with its gradient.

    Dice by one-hot maps and cross-entropy beside it go a dozen times over arrays of pixels x classes; here they share
    one softmax, and the gradient is written down: with p the probabilities of a pixel, t its target, w its weight, e, o
    and f the gradients of the three sums below, it is p (f + e w - o_t p_t - p.f), and at t also o_t p_t - e w.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
        """Sums over the pixels of logits (N,C,H,W) and labels (N,H,W) int64, void as 255, with (C,) class weights.

        They are (3 C + 2,): probability of the target by target class (the overlap), probability by class, pixels by
        class, then cross-entropy and weights of all pixels.
        """
        scored = (labels != VOID)[:, None]
        target = labels[:, None].where(scored, 0)  # (N,1,H,W), as all that is of the target
        log_probability = logits.contiguous().log_softmax(1)
        log_of_target = log_probability.gather(1, target)
        probability = log_probability.exp_().mul_(scored)
        of_target = log_of_target.exp() * scored
        weights = scored.to(logits) if weight is None else weight.to(logits)[target] * scored
        counted = logits.new_zeros(2, logits.shape[1], dtype=torch.float64)
        for sums, each in zip(counted, (of_target, scored), strict=True):
            sums.scatter_add_(
                0, target.flatten(), each.flatten().double()
            )  # `bincount` is slower, and a GPU waits for it
        entropy = -(log_of_target * weights).sum()
        ctx.save_for_backward(probability, target, of_target, weights)
        overlap, pixels = counted.to(logits)
        return torch.cat([overlap, probability.sum((0, 2, 3)), pixels, entropy[None], weights.sum()[None]])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        probability, target, of_target, weights = ctx.saved_tensors
        overlap, found, _, entropy = gradient[:-1].split([probability.shape[1]] * 3 + [1])
        of_target, weights = overlap[target] * of_target, entropy * weights
        mean = (found @ probability.flatten(2)).reshape(target.shape)
        result = (weights - of_target - mean) + found[:, None, None]
        result.mul_(probability)
        result.scatter_add_(1, target, of_target - weights)
        return result, None, None


def pixel_loss(
    logits: Tensor,
    labels: Tensor,
    weight: Tensor | None = None,
    smoothing: float = 0.0,
    gamma: float = 0.0,
    reduce: Reduce = _keep,
) -> Tensor:
    """Cross-entropy of logits (N,C,H,W), scaled by (1 - p)^gamma: focal loss (Lin et al., arXiv 1708.02002, 3.2).

    The weighted mean over the scored pixels, as torch's own; 0, with a gradient of zeros, where they weigh nothing.
    """
    how = {"ignore_index": VOID, "label_smoothing": smoothing}
    if gamma:
        loss = F.cross_entropy(logits, labels, ignore_index=VOID, reduction="none")  # (N,H,W), 0 on void
        # 1 - p is 0 on void and where the network is certain; there x^gamma has no finite slope for gamma below 1
        doubt = (-torch.expm1(-loss)).clamp_min(torch.finfo(loss.dtype).tiny)
        if weight is not None or smoothing:
            loss = F.cross_entropy(logits, labels, weight, reduction="none", **how)
        loss = (doubt**gamma * loss).sum()
    else:
        loss = F.cross_entropy(logits, labels, weight, reduction="sum", **how)
    scored = labels != VOID
    share = scored if weight is None else weight[labels.where(scored, 0)] * scored
    return _divide(*reduce(torch.stack([loss, share.sum().to(loss)])))


def sum_terms(
    config: LossConfig, logits: Tensor, labels: Tensor, weight: Tensor | None = None, reduce: Reduce = _keep
) -> Tensor:
    """The weighted sum of a configuration's terms; arguments as for `pixel_loss`.

    Dice is 1 - the mean soft Dice of the classes in the batch (Milletari et al., arXiv 1606.04797, section 3).
    """
    smoothing, total = config.label_smoothing, torch.zeros((), device=logits.device)
    shared = {"dice"} if smoothing else {"cross_entropy", "dice"}  # smoothed targets are no part of the one pass
    if any(term.name in shared for term in config.terms):
        sums = reduce(PixelSums.apply(logits, labels, weight))
    for term in config.terms:
        if term.name not in shared:
            gamma = term.gamma if term.name == "focal" else 0.0
            loss = pixel_loss(logits, labels, weight, smoothing, gamma, reduce)
        elif term.name == "cross_entropy":
            loss = _divide(sums[-2], sums[-1])
        else:
            overlap, found, pixels = sums[:-2].reshape(3, -1)
            present = pixels > 0
            missed = 1 - 2 * overlap / (found + pixels).clamp_min(1e-6)
            loss = _divide((missed * present).sum(), present.sum())
        total = total + term.weight * loss
    return total


def _divide(total: Tensor, size: Tensor) -> Tensor:
    return total / size.where(size > 0, math.inf)  # no pixel that counts: a loss of 0, with a gradient of zeros


class SegmentationLoss(nn.Module):
    """The weighted sum of a configuration's terms, classes weighed by (C,) pixel counts of the training split."""

    def __init__(self, config: LossConfig, pixel_counts: Sequence[int]):
        super().__init__()
        self.config = config
        self.register_buffer("class_weights", weigh_classes(pixel_counts, config.class_weights))

    def forward(self, output: Tensor | dict, labels: Tensor, reduce: Reduce = _keep) -> Tensor:
        """A scalar; 0, with a gradient of zeros, if every pixel is void or of a class that weighs nothing.

        Args:
            output: logits (N,C,h,w), or `{"logits": ..., "auxiliary": [...]}`; resized to the labels' resolution.
            labels: (N,H,W) int64, void as 255.
            reduce: sums a tensor over the processes that share the batch, so that each gets the loss of all of it.
        """
        weight = None if self.config.class_weights == "none" else self.class_weights
        outputs = [*output["auxiliary"], output["logits"]] if isinstance(output, dict) else [output]
        resized = (resize(to_planes(logits), labels.shape[-2:]) for logits in outputs)
        *auxiliary, main = (sum_terms(self.config, logits, labels, weight, reduce) for logits in resized)
        return main + AUXILIARY_WEIGHT * sum(auxiliary)
