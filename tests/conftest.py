"""Builders of tiny data sets, shared by all tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny import save, tiny_image, tiny_label


@pytest.fixture
def segnet_folder(tmp_path) -> Path:
    """A data set in SegNet's layout: clip Elm trains (0 to 9), validates (20 to 22); clip Oak is test (0 to 3)."""
    root = tmp_path / "tiny"
    for split, clip, numbers in (
        ("train", "Elm", range(10)),
        ("val", "Elm", range(20, 23)),
        ("test", "Oak", range(4)),
    ):
        for number in numbers:
            name = f"{clip}_{number:05d}.png"
            save(root / split / name, tiny_image(number))
            save(root / f"{split}annot" / name, tiny_label(number))
    return root


@pytest.fixture
def color_pairs() -> Callable[..., None]:
    """Writes frames whose labels are colored: `color_pairs(images, labels, names, colors)`."""

    def write(images: Path, labels: Path, names: list[str], colors: list[tuple[int, int, int]]) -> None:
        palette = np.array(colors, np.uint8)
        for seed, name in enumerate(names):
            save(images / f"{name}.png", tiny_image(seed))
            save(labels / f"{name}_L.png", palette[tiny_label(seed, len(colors) - 1)])

    return write
