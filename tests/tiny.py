"""Tiny images and labels for tests."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

TINY = (12, 16)  # height, width


def save(path: Path, array: np.ndarray) -> Path:
    """Writes an array as an image, making the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


@contextlib.contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Lets this process write no file of more bytes: what then fails is what fails on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def spoil(file: Path, damage: str) -> None:
    """Damages a file: `empty`, `half`, `garbage`, `gone`, or one byte of it `flipped`."""
    content = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
        return
    content[len(content) // 2] ^= 255
    flipped = bytes(content)
    file.write_bytes(
        {"empty": b"", "half": flipped[: len(flipped) // 2], "garbage": b"\x80garbage" * 99}.get(damage, flipped)
    )


def tiny_image(seed: int, size: tuple[int, int] = TINY) -> np.ndarray:
    """A smooth random picture, (H, W, 3) uint8."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BILINEAR))


def tiny_label(seed: int, classes: int = 11, size: tuple[int, int] = TINY) -> np.ndarray:
    """Random class indices in blocks, (H, W) uint8, `classes` itself (void in CamVid's files) among them."""
    coarse = np.random.default_rng(seed).integers(0, classes + 1, (3, 4), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.NEAREST))


def tiny_video(
    offsets: list[int], size: tuple[int, int] = (48, 64), cell: int = 8
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Images and labels of 11 classes in square cells, as a camera sees them that has moved right by each offset."""
    height, width = size
    grid = np.random.default_rng(3).integers(0, 11, (height // cell, (width + max(offsets)) // cell + 1), np.uint8)
    street = np.kron(grid, np.ones((cell, cell), np.uint8))
    colors = np.random.default_rng(4).integers(0, 256, (11, 3), np.uint8)
    return [(colors[street[:, x : x + width]], street[:, x : x + width].copy()) for x in offsets]
