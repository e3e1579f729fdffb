"""A network of two encoder stages and frames that live in memory: a training epoch takes milliseconds."""

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn

from seg_helpers.classes import VOID
from seg_helpers.config import ExperimentConfig
from seg_helpers.datasets import SegmentationDataset, build_augmentation, make_loader
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.prediction import evaluate_frames
from seg_helpers.models.blocks import resize
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.training.devices import build_accelerator
from seg_helpers.training.loop import Trainer

NUM_CLASSES = 3
SIZE = (16, 24)


class TinyNetwork(SegmentationNetwork):
    """Two encoder stages with batch norm, a depthwise convolution in the second, and a head at half size."""

    stride = 4

    def __init__(self, num_classes: int = NUM_CLASSES, auxiliary: bool = False, dropout: float = 0.3):
        super().__init__()
        first = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        second = nn.Sequential(
            nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, bias=False), nn.BatchNorm2d(6), nn.ReLU()
        )
        self.encoder = nn.Sequential(first, second)
        self.norm = nn.Sequential(nn.BatchNorm2d(6), nn.Dropout(dropout))
        self.head = nn.Conv2d(6, num_classes, 1)
        self.auxiliary_head = nn.Conv2d(6, num_classes, 1) if auxiliary else None

    def forward(self, images: Tensor) -> Tensor | dict:
        features = self.encoder(images)
        logits = resize(self.head(self.norm(features)), images.shape[-2:])
        if self.training and self.auxiliary_head is not None:
            return {"logits": logits, "auxiliary": [self.auxiliary_head(features)]}
        return logits


@dataclasses.dataclass
class MemoryFrames:
    """What the loader asks of a cache: frames whose class is their color, with a border of void, wider in some."""

    count: int = 10

    def __post_init__(self):
        generator = np.random.default_rng(5)
        coarse = generator.integers(0, NUM_CLASSES, (self.count, 4, 6))
        labels = coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
        noise = generator.integers(0, 60, (*labels.shape, 3))
        self.images = (np.eye(NUM_CLASSES)[labels] * 180 + noise).astype(np.uint8)
        for row, label in enumerate(labels):
            label[: 1 + row % 5] = VOID
        self.labels, self.size = labels, SIZE

    def native_label(self, row: int) -> np.ndarray:
        return self.labels[row]


class Bench:
    """Trains tiny networks in a folder; what a run leaves behind is compared by `outcome`."""

    def __init__(self, folder):
        self.folder = folder
        self.frames = MemoryFrames()
        self.pixel_counts = [int((self.frames.labels == i).sum()) for i in range(NUM_CLASSES)]

    def loader(self, config: ExperimentConfig):
        augmentation = build_augmentation(config.augmentation, SIZE)
        dataset = SegmentationDataset(self.frames, range(self.frames.count - 2), augmentation, seed=config.seed)
        return make_loader(dataset, config.batch_size, shuffle=True, workers=config.workers)

    def evaluate(self, network: nn.Module, criterion: nn.Module) -> dict[str, float]:
        held_out = SegmentationDataset(self.frames, range(self.frames.count - 2, self.frames.count))
        _, counts, loss = evaluate_frames(network, make_loader(held_out, 1), criterion)
        return {"loss": loss} | {k: float(v) for k, v in compute_metrics(counts["confusion"].sum(0)).items()}

    def train(self, *arguments, **options):
        return self.trainer(*arguments, **options).train()

    def trainer(self, config: ExperimentConfig, name: str = "run", model=None, evaluate=None, loader=None) -> Trainer:
        torch.manual_seed(config.seed)
        model = TinyNetwork() if model is None else model
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        accelerator = build_accelerator(config.precision, any(s.unfreeze != "all" for s in config.stages))
        loader = self.loader(config) if loader is None else loader
        evaluate = evaluate or self.evaluate
        return Trainer(model, loader, evaluate, config, folder, self.pixel_counts, accelerator)

    def outcome(self, state, name: str = "run"):
        """All that must agree between two runs: the history but for its seconds, the best weights, what was chosen."""
        history = [{k: v for k, v in row.items() if not k.endswith("seconds")} for row in state.history]
        weights = (self.folder / name / "best.safetensors").read_bytes()
        return history, state.best_epoch, state.range_tests, weights
