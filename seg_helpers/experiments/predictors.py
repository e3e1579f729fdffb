"""Networks with all that it takes to run them on any picture: of a run, of a weights file that says what it is of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from seg_helpers.classes import ClassSet, get_class_set, recall_class_set
from seg_helpers.config import did_you_mean, resolve
from seg_helpers.datasets import normalize
from seg_helpers.errors import SegError
from seg_helpers.evaluation.prediction import predict_logits
from seg_helpers.experiments.records import RECORD, Run, read_run
from seg_helpers.models import build_model
from seg_helpers.training.checkpoints import CheckpointError, load_weights, save_weights

SHIPPED = Path(__file__).parents[1] / "weights"  # NAME.safetensors, as `export_weights` writes them


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network in eval mode, its classes, and the (height, width) of the images that it was trained on, if known."""

    network: nn.Module
    classes: ClassSet
    size: Sequence[int] | None = None

    def predict_logits(self, picture: np.ndarray) -> Tensor:
        """Logits (C, h, w) float32 of a picture (H, W, 3) uint8, scaled, its shape kept, to the area of `size`."""
        height, width = picture.shape[:2]
        scale = (np.prod(self.size) / (height * width)) ** 0.5 if self.size else 1.0
        size = max(1, round(width * scale)), max(1, round(height * scale))
        image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        images = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
        return predict_logits(self.network.eval(), normalize(images.to(next(self.network.parameters()).device)))[
            0
        ].cpu()


def open_predictor(source: Run | nn.Module | str | Path, classes: ClassSet | str | None = None) -> Predictor:
    """A predictor of a run, of a shipped network by its name, of a weights file or a run's folder, or of a network.

    A bare network stays on its device and does not know its classes: name them, or give its data set's. SegError where
    there is no such thing; CheckpointError where a file is no weights of ours.
    """
    if isinstance(source, nn.Module):
        if classes is None:
            raise SegError("a bare network does not know its classes: predict(network, picture, classes=data.classes)")
        return Predictor(source, get_class_set(classes) if isinstance(classes, str) else classes)
    if isinstance(source, (str, Path)):
        names = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
        path = SHIPPED / f"{source}.safetensors" if str(source) in names else resolve(source)
        folder = path if path.is_dir() else path.parent
        if not path.exists():
            raise SegError(
                f"no weights, run's folder or shipped network {str(source)!r}{did_you_mean(str(source), names)}"
            )
        if not (folder / RECORD).is_file():
            predictor = read_weights(path)
            return Predictor(predictor.network.to(PartialState().device), predictor.classes, predictor.size)
        source = read_run(folder)
    return Predictor(source.network().to(PartialState().device), source.classes, source.metrics["size"])


def export_weights(run: Run, path: Path) -> None:
    """Writes a run's weights in half precision, in a file that says of which network, classes and size they are."""
    model = run.config.model
    about = {
        "model": {"name": model.name, "encoder": model.encoder, **model.options},
        "classes": [run.classes.name, run.classes.names, run.classes.colors.tolist()],
        "size": run.metrics["size"],
    }
    save_weights(run.network().half(), path, {"seg_helpers": json.dumps(about)})


def read_weights(path: Path) -> Predictor:
    """Reads what `export_weights` wrote; CheckpointError where it is another file."""
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["seg_helpers"])
    except (SafetensorError, OSError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{path} does not say of which network it is: `seg export RUN --weights FILE` writes one that does"
        ) from error
    classes = recall_class_set(*about["classes"])
    network = build_model(num_classes=classes.num_classes, **about["model"])
    load_weights(network, path)
    return Predictor(network.eval().to(memory_format=torch.channels_last), classes, about["size"])
