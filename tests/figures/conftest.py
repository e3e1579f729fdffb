from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from seg_helpers.classes import CAMVID11, VOID
from seg_helpers.config import StageConfig


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def frame(rng):
    """A small image and a label with four classes and void."""
    label = np.zeros((36, 48), np.uint8)
    label[12:] = 1
    label[24:, :30] = 3
    label[20:28, 10:14] = 8
    label[:2, :2] = VOID
    return rng.integers(0, 256, (36, 48, 3), dtype=np.uint8), label


@pytest.fixture
def confusions(rng):
    """(frames, C, C) counts of a fair model; class 10 is in neither truth nor prediction."""
    counts = rng.integers(0, 20, (6, 11, 11)) + np.eye(11, dtype=int) * rng.integers(50, 900, 11)
    counts[:, 10], counts[:, :, 10] = 0, 0
    return counts


@pytest.fixture
def history():
    epoch = np.arange(1, 11)
    rise = 1 - np.exp(-epoch / 3)
    return pd.DataFrame(
        {
            "epoch": epoch,
            "stage": [1] * 4 + [2] * 6,
            "learning_rate": 1e-3 * epoch[::-1],
            "train_loss": 2 - 1.5 * rise,
            "train_mean_iou": 0.6 * rise,
            "val_loss": np.where(epoch % 2, np.nan, 2 - 1.2 * rise),
            "train_pixel_accuracy": 0.95 * rise,
            "val_mean_dice": np.where(epoch % 2, np.nan, 0.6 * rise),
            "val_mean_iou": np.where(epoch % 2, np.nan, 0.5 * rise),
            "val_pixel_accuracy": np.where(epoch % 2, np.nan, 0.9 * rise),
        }
    )


@pytest.fixture
def make_run(history):
    """Builds as much of a run as a figure reads: `planned` stages, and whatever else is given."""

    def build(title="Net", planned=(), **parts):
        config = SimpleNamespace(planned_stages=lambda: list(planned) or [StageConfig(epochs=10)])
        return SimpleNamespace(**{"title": title, "config": config, "history": history, "range_tests": {}} | parts)

    return build


@pytest.fixture
def prepare(classes):
    """Builds as much of prepared data as a figure reads, of frames by name: (image, label)."""

    def build(frames):
        image, label = (lambda name: frames[name][0]), (lambda name: frames[name][1])
        return SimpleNamespace(classes=classes, image=image, label=label)

    return build


@pytest.fixture
def runs():
    iou = np.array([0.6, 0.5, 0.45, 0.3])
    return pd.DataFrame(
        {
            "title": ["U-Net", "FCN-8s", "Fast-SCNN", "SegNet"],
            "mean_iou": iou,
            "each": [(value,) for value in iou],
            "mean_iou_low": iou - 0.02,
            "mean_iou_high": iou + 0.02,
            "pixel_accuracy": iou + 0.3,
            "mean_dice": iou + 0.1,
            "val_mean_iou": iou + 0.07,
            "parameters": [6e6, 2e6, 1e6, 29e6],
            "multiply_adds": [5e9, 4e9, 5e8, 4e10],
            "epochs": 30,
            "training_seconds": [900.0, 700, 300, 5000],
            "latency_milliseconds": [80.0, 40, 10, 400],
        }
    )


@pytest.fixture
def classes():
    return CAMVID11


@pytest.fixture
def frames():
    split = ["train"] * 6 + ["gap"] + ["val"] * 3 + ["test"] * 5
    clip = ["a"] * 10 + ["b"] * 5
    number = [0, 30, 60, 600, 630, 660, 690, 720, 722, 724, *range(5)]
    return pd.DataFrame({"image": "i", "label": "l", "split": split, "clip": clip, "number": number})
