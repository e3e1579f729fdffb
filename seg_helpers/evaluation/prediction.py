"""Prediction at the labels' own resolution: padding to the network's stride, mirror images, several scales."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.counts import COUNTERS
from seg_helpers.models.blocks import resize, to_planes


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Pads (N,3,H,W) right and bottom to multiples of `stride`, by reflection where the image is large enough."""
    height, width = images.shape[-2:]
    bottom, right = -height % stride, -width % stride
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(images, (0, right, 0, bottom), mode=mode) if bottom or right else images


def run_padded(model: nn.Module, images: Tensor) -> Tensor:
    """Runs a network in eval mode on normalized images (N,3,H,W) of any size: (N,C,H,W) float32 logits.

    The one way to run a network outside training: scoring, prediction and timing all go through it.
    """
    padded = pad_to_stride(images, model.stride).contiguous(memory_format=torch.channels_last)
    # a network that answers at a fraction of its input's size is brought back before the padding is cut off
    logits = resize(to_planes(model(padded)), padded.shape[-2:])
    return logits[..., : images.shape[-2], : images.shape[-1]]


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    images: Tensor,
    size: Sequence[int] | None = None,
    *,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    precision: str = "fp32",
) -> Tensor:
    """Predicts as scores are made: padded to the network's stride, cropped back, resized to the labels.

    With several `scales`, factors of the images' size, or mirror images too (`flip`), the class probabilities of all
    views are averaged and their logarithm returned.

    Args:
        model: a network in eval mode.
        images: (N,3,H,W) float, normalized, on the model's device.
        size: (height, width) of the labels; None for the images' own.
        precision: `"fp32"` or `"bf16"`.

    Returns:
        (N,C,*size) float32.
    """
    size = tuple(size or images.shape[-2:])

    def predict_view(scale: float, mirrored: bool) -> Tensor:
        view = images
        if scale != 1.0:
            scaled = [max(1, round(side * scale)) for side in images.shape[-2:]]
            view = F.interpolate(view, scaled, mode="bilinear", antialias=True, align_corners=False)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
            logits = run_padded(model, view.flip(-1) if mirrored else view)
        return resize(logits.flip(-1) if mirrored else logits, size)

    views = [(scale, mirrored) for scale in scales for mirrored in ((False, True) if flip else (False,))]
    if len(views) == 1:
        return predict_view(*views[0])
    return (sum(predict_view(*view).softmax(1) for view in views) / len(views)).log()


@torch.inference_mode()
def evaluate_frames(
    model: nn.Module,
    batches: Iterable[dict],
    criterion: nn.Module | None = None,
    kinds: Sequence[str] = ("confusion",),
    **how,
) -> tuple[np.ndarray, dict[str, np.ndarray], float]:
    """Counts what the scores of single frames are made of; puts the network in eval mode.

    Args:
        batches: a loader's: dictionaries of `image` (N,3,H,W), `label` (N,H,W) and `index` (N,).
        criterion: a loss on (logits, target), or None.
        kinds: what is counted, of `COUNTERS`.
        **how: passed to `predict_logits`.

    Returns:
        Frame indices (frames,), each kind's counts (frames, ...; (0,) of no frame), and the mean of the frames'
        losses (NaN without a criterion).
    """
    model.eval()
    device = next(model.parameters()).device
    indices: list[int] = []
    losses: list[Tensor] = []
    counts: dict[str, list[Tensor]] = {kind: [] for kind in kinds}
    for batch in batches:
        images, targets = unpack_batch(batch, device)
        logits = predict_logits(model, images, targets.shape[-2:], **how)
        for frame, target in zip(logits, targets, strict=True):
            if criterion is not None:
                losses.append(criterion(frame[None], target[None]))
            for kind in kinds:
                counts[kind].append(COUNTERS[kind](frame, target))
        indices.extend(batch["index"].tolist())
    loss = sum(torch.stack(losses).tolist()) / len(indices) if losses else float("nan")
    found = {
        kind: torch.stack(of_frames).cpu().numpy() if of_frames else np.array([]) for kind, of_frames in counts.items()
    }
    return np.array(indices, dtype=np.int64), found, loss
