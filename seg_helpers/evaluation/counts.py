"""What is counted of each scored frame; every score is a function of these counts (`metrics`), and void is in none."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from seg_helpers.classes import VOID

BOUNDARY_DISTANCE = 3  # pixels
CONFIDENCE_BINS = 15  # Guo et al., arXiv 1706.04599, section 5


def count_confusion(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Counts the pixels of each (target, prediction) pair: the confusion matrix, rows the target.

    Args:
        predictions: (...) integer class indices, each below `num_classes`.
        labels: (...) integers of the same shape; void (255) is not counted.
        num_classes: C.

    Returns:
        (C, C) int64.

    Raises:
        ValueError: the shapes differ, or an index is neither a class nor void.
    """
    if predictions.shape != labels.shape:
        raise ValueError(f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)} differ in shape")
    scored = labels != VOID
    target, found = labels[scored].long(), predictions[scored].long()
    for name, indices in (("labels", target), ("predictions", found)):
        if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < num_classes:
            low, high = int(indices.min()), int(indices.max())
            raise ValueError(f"{name} hold indices {low} to {high}; classes are 0 to {num_classes - 1}, void {VOID}")
    counts = torch.bincount(target * num_classes + found, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def count_boundaries(
    predictions: Tensor, labels: Tensor, num_classes: int, distance: int = BOUNDARY_DISTANCE
) -> Tensor:
    """Counts each class's pixels near its boundary, for boundary IoU (Cheng et al., arXiv 2103.16562, section 4).

    A pixel is near its class's boundary where another class lies within `distance` rows and columns. Unlike in the
    paper's code the frame's edge is no boundary: there every mask would agree with every other. Void, of which
    nobody knows what it is, is taken out of both maps and makes no boundary either.

    Args:
        predictions: (H, W) integer class indices.
        labels: (H, W) integers, void as 255.
        num_classes: C.
        distance: in pixels.

    Returns:
        (C, 3) int64: pixels near the target's boundary, near the prediction's, and of both (same class, near both).
    """
    predictions = predictions.where(labels != VOID, VOID)
    near_target, near_found = (_near_boundary(classes, distance) for classes in (labels, predictions))
    both = near_target & near_found & (labels == predictions)
    pixels = (labels[near_target], predictions[near_found], labels[both])
    return torch.stack([torch.bincount(of.long(), minlength=num_classes) for of in pixels], dim=1)


def _near_boundary(classes: Tensor, distance: int) -> Tensor:
    """Where a class map (H, W) holds another class within `distance`: its highest and lowest index there differ."""
    void = classes == VOID
    window = {"kernel_size": 2 * distance + 1, "stride": 1, "padding": distance}  # pads with minus infinity
    highest = F.max_pool2d(classes.float().masked_fill(void, -torch.inf)[None], **window)[0]
    lowest = -F.max_pool2d((-classes.float()).masked_fill(void, -torch.inf)[None], **window)[0]
    return ~void & (highest != lowest)


def count_confidence(logits: Tensor, labels: Tensor, bins: int = CONFIDENCE_BINS) -> Tensor:
    """Counts pixels by how sure the network is of its answer, for calibration (Guo et al., arXiv 1706.04599).

    Args:
        logits: (C, H, W) float.
        labels: (H, W) integers, void as 255.
        bins: equal parts of 0 to 1, each with its upper end.

    Returns:
        (bins, 3) float64: pixels, correct ones, and the sum of their confidences (the highest probability).
    """
    scored = labels != VOID
    confidence, predictions = logits.double().softmax(0).max(0)
    confidence, correct = confidence[scored], (predictions == labels)[scored]
    place = (confidence * bins).ceil().long().sub(1).clamp(0, bins - 1)
    columns = (torch.ones_like(confidence), correct.double(), confidence)
    return torch.stack([torch.bincount(place, weights, minlength=bins) for weights in columns], dim=1)


# Kind of count to how one frame's is made, from logits (C, H, W) and labels (H, W).
COUNTERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "confusion": lambda logits, labels: count_confusion(logits.argmax(0), labels, len(logits)),
    "boundary": lambda logits, labels: count_boundaries(logits.argmax(0), labels, len(logits)),
    "confidence": count_confidence,
}


def empty_counts(kind: str, num_classes: int) -> np.ndarray:
    """The counts of no frame."""
    nothing = torch.zeros(num_classes, 1, 1), torch.full((1, 1), VOID)
    return COUNTERS[kind](*nothing).numpy()[None][:0]
