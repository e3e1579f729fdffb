"""What is counted of each scored frame; every score is a function of these counts (`metrics`), and void is in none."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from seg_helpers.classes import VOID

BOUNDARY_DISTANCE = 3  # pixels
CONFIDENCE_BINS = 15  # Guo et al., arXiv 1706.04599, section 5


def count_confusion(prediction: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """The confusion matrix (C, C) int64, rows the target, of two integer class maps of any shape, without void (255).

    Raises:
        ValueError: the shapes differ, or an index is neither a class nor, in the target, void.
    """
    if prediction.shape != target.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} differ in shape")
    return pick_classes(count_pairs(prediction, target), num_classes)


def count_pairs(prediction: Tensor, target: Tensor) -> Tensor:
    """Pixels by what 8 bits can say of target and prediction, (256, 256) int64; on a GPU, nothing is waited for.

    To count void too, in the last row, is quicker than to pick the scored pixels; `bincount` is slower, and waits.
    """
    side = VOID + 1
    pairs = (target.long() * side + prediction).flatten()
    counts = pairs.new_zeros(side**2)
    return counts.scatter_add_(0, pairs, counts.new_ones(()).expand_as(pairs)).reshape(side, side)


def pick_classes(pairs: Tensor, num_classes: int) -> Tensor:
    """The confusion matrix (C, C) in what `count_pairs` counted; ValueError as for `count_confusion`."""
    counts = pairs[:num_classes, :num_classes].clone()
    if counts.sum() < pairs[:VOID].sum():
        raise ValueError(f"an index is neither a class (0 to {num_classes - 1}) nor, in the target, void ({VOID})")
    return counts


def count_boundaries(prediction: Tensor, target: Tensor, num_classes: int, distance: int = BOUNDARY_DISTANCE) -> Tensor:
    """Counts each class's pixels near its boundary, for boundary IoU (Cheng et al., arXiv 2103.16562, section 4).

    A pixel is near its class's boundary where another class lies within `distance` rows and columns. Unlike in the
    paper's code the frame's edge is no boundary: there every mask would agree with every other. Void, of which
    nobody knows what it is, is taken out of both maps and makes no boundary either.

    Args:
        prediction, target: (H, W) integer class indices; in the target, void as 255.

    Returns:
        (C, 3) int64: pixels near the target's boundary, near the prediction's, and of both (same class, near both).
    """
    prediction = prediction.where(target != VOID, VOID)
    near_target, near_predicted = (_near_boundary(classes, distance) for classes in (target, prediction))
    both = near_target & near_predicted & (target == prediction)
    pixels = (target[near_target], prediction[near_predicted], target[both])
    return torch.stack([torch.bincount(of.long(), minlength=num_classes) for of in pixels], dim=1)


def _near_boundary(classes: Tensor, distance: int) -> Tensor:
    """Where a class map (H, W) holds another class within `distance`: its highest and lowest index there differ."""
    void = classes == VOID
    window = {"kernel_size": 2 * distance + 1, "stride": 1, "padding": distance}  # pads with minus infinity
    highest = F.max_pool2d(classes.float().masked_fill(void, -torch.inf)[None], **window)[0]
    lowest = -F.max_pool2d((-classes.float()).masked_fill(void, -torch.inf)[None], **window)[0]
    return ~void & (highest != lowest)


def count_confidence(logits: Tensor, target: Tensor, bins: int = CONFIDENCE_BINS) -> Tensor:
    """Counts pixels by how sure the network is of its answer, for calibration (Guo et al., arXiv 1706.04599).

    Args:
        logits: (C, H, W) float.
        target: (H, W) integers, void as 255.

    Returns:
        (bins, 3) float64: pixels, correct ones, and the sum of their confidences (the highest probability); bins are
        equal parts of 0 to 1, each with its upper end.
    """
    scored = target != VOID
    confidence, prediction = logits.double().softmax(0).max(0)
    confidence, correct = confidence[scored], (prediction == target)[scored]
    place = (confidence * bins).ceil().long().sub(1).clamp(0, bins - 1)
    columns = (torch.ones_like(confidence), correct.double(), confidence)
    return torch.stack([torch.bincount(place, weights, minlength=bins) for weights in columns], dim=1)


# Kind of count to how one frame's is made, from logits (C, H, W) and target (H, W); `argmax` is slower than `max`.
COUNTERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "confusion": lambda logits, target: count_confusion(logits.max(0).indices, target, len(logits)),
    "boundary": lambda logits, target: count_boundaries(logits.max(0).indices, target, len(logits)),
    "confidence": count_confidence,
}
