"""Losses on logits and labels in which void never counts, and class weights from pixel counts."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.classes import VOID
from seg_helpers.config import LossConfig
from seg_helpers.evaluation.prediction import resize_logits


def weigh_classes(pixel_counts: Sequence[int], kind: str) -> Tensor:
    """Weights that make rare classes count more, scaled to a mean of 1 over the classes that occur.

    Args:
        pixel_counts: pixels of each class in the training split, void left out.
        kind: `none`; `inverse` (1 / share); `log_inverse` (1 / ln(1.02 + share); ENet, arXiv 1606.02147, section
            5.2); `median` (median share / share; Eigen and Fergus, arXiv 1411.4734, section 6.3.2, with shares
            over the whole split).

    Returns:
        (C,) float32; a class that never occurs weighs 0.
    """
    counts = torch.as_tensor(pixel_counts, dtype=torch.float64)
    seen = counts > 0
    share = counts[seen] / counts.sum()
    raw = {
        "none": lambda: torch.ones_like(share),
        "inverse": lambda: 1 / share,
        "log_inverse": lambda: 1 / torch.log(1.02 + share),
        "median": lambda: share.quantile(0.5) / share,
    }[kind]()
    weights = torch.zeros_like(counts)
    weights[seen] = raw / raw.mean()
    return weights.float()


def focal_loss(logits: Tensor, labels: Tensor, gamma: float, weight: Tensor | None, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy scaled by (1 - p)^gamma (Lin et al., arXiv 1708.02002, section 3.2), weighted mean over pixels."""
    log_probability = F.log_softmax(logits, dim=1)
    loss = F.nll_loss(log_probability, labels, ignore_index=VOID, reduction="none")  # (N,H,W), 0 on void
    probability = torch.exp(-loss)
    if weight is not None or smoothing:
        loss = F.cross_entropy(
            logits, labels, weight, ignore_index=VOID, reduction="none", label_smoothing=smoothing
        )
    return _mean_over_pixels((1 - probability) ** gamma * loss, labels, weight)


def dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """1 - the mean soft Dice of the classes that occur in the batch (Milletari et al., arXiv 1606.04797, section 3)."""
    num_classes = logits.shape[1]
    scored = (labels != VOID).unsqueeze(1)
    truth = F.one_hot(labels.where(labels != VOID, 0), num_classes).movedim(-1, 1) * scored
    probability = logits.softmax(dim=1) * scored
    overlap = (probability * truth).sum(dim=(0, 2, 3))
    size = (probability + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    dice = 2 * overlap / size.clamp_min(1e-6)
    return 1 - dice[present].mean() if present.any() else logits.sum() * 0


def _mean_over_pixels(loss: Tensor, labels: Tensor, weight: Tensor | None) -> Tensor:
    scored = labels != VOID
    if weight is None:
        return loss.sum() / scored.sum().clamp_min(1)
    return loss.sum() / (weight[labels.where(scored, 0)] * scored).sum().clamp_min(1e-6)


class SegmentationLoss(nn.Module):
    """The weighted sum of a configuration's terms, on logits of any resolution.

    Args:
        config: the terms, class weights and label smoothing.
        pixel_counts: (C,) pixels of each class in the training split.
        auxiliary_weight: what each auxiliary head's loss counts, beside 1 for the main head.
    """

    def __init__(self, config: LossConfig, pixel_counts: Sequence[int], auxiliary_weight: float = 0.4):
        super().__init__()
        self.config = config
        self.auxiliary_weight = auxiliary_weight
        self.register_buffer("class_weights", weigh_classes(pixel_counts, config.class_weights))

    def forward(self, output: Tensor | dict, labels: Tensor) -> Tensor:
        """Computes the loss.

        Args:
            output: logits (N,C,h,w), or `{"logits": ..., "auxiliary": [...]}`; resized to the labels' resolution.
            labels: (N,H,W) int64, void as 255.

        Returns:
            A scalar; 0, with a gradient of zeros, if every pixel is void.
        """
        if isinstance(output, dict):
            extra = sum(self._terms(logits, labels) for logits in output["auxiliary"])
            return self._terms(output["logits"], labels) + self.auxiliary_weight * extra
        return self._terms(output, labels)

    def _terms(self, logits: Tensor, labels: Tensor) -> Tensor:
        logits = resize_logits(logits.float(), labels.shape[-2:])
        return sum(term.weight * self._term(term, logits, labels) for term in self.config.terms)

    def _term(self, term, logits: Tensor, labels: Tensor) -> Tensor:
        weight = None if self.config.class_weights == "none" else self.class_weights
        smoothing = self.config.label_smoothing
        if term.name == "dice":
            return dice_loss(logits, labels)
        if term.name == "focal":
            return focal_loss(logits, labels, term.gamma, weight, smoothing)
        if not (labels != VOID).any():
            return logits.sum() * 0  # the mean over no pixel is 0/0
        return F.cross_entropy(logits, labels, weight, ignore_index=VOID, label_smoothing=smoothing)
