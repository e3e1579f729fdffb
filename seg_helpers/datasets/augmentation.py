"""Joint augmentation of images and labels. The only module that knows albumentations."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks a server for updates when imported

import random

import albumentations
import cv2
import numpy as np

from seg_helpers.classes import VOID
from seg_helpers.config import AugmentationConfig

MEAN = (0.485, 0.456, 0.406)  # ImageNet's, of RGB in 0..1
STD = (0.229, 0.224, 0.225)
FILL = tuple(round(255 * value) for value in MEAN)  # padding that is 0 once normalized

cv2.setNumThreads(0)  # workers are the parallelism; OpenCV's own threads would fight them for the cores


class RandomWindow(albumentations.DualTransform):
    """Random scale and random crop to (height, width) in one step: the window is cut out first, then resized.

    The zoom is drawn log-uniformly from the range `scale`; 2 shows half the frame's width in the window's. Where the
    window reaches beyond the frame the image is filled with ImageNet's mean and the label with void.
    """

    def __init__(self, size: tuple[int, int], scale: tuple[float, float] = (1.0, 1.0), p: float = 1.0):
        super().__init__(p=p)
        self.size, self.scale = tuple(size), tuple(scale)

    def get_params_dependent_on_data(self, params, data):
        """Draws the zoom and the window's place in the frame."""
        height, width = params["shape"][:2]
        zoom = float(np.exp(self.py_random.uniform(*np.log(self.scale))))
        window_height, window_width = (max(1, round(side / zoom)) for side in self.size)
        # A window larger than the frame may lie anywhere that keeps the whole frame in it.
        top, left = (
            self.py_random.randint(min(0, side - window), max(0, side - window))
            for side, window in ((height, window_height), (width, window_width))
        )
        return {"window": (top, left, window_height, window_width)}

    def apply(self, img, window, **params):
        """Cuts the window out of the image and resizes it, by area when it shrinks."""
        how = cv2.INTER_AREA if window[2] > self.size[0] else cv2.INTER_LINEAR
        return cv2.resize(_cut(img, window, FILL), self.size[::-1], interpolation=how)

    def apply_to_mask(self, mask, window, **params):
        """Cuts the window out of the label and resizes it to the nearest pixel."""
        return cv2.resize(_cut(mask, window, VOID), self.size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _cut(array: np.ndarray, window: tuple[int, int, int, int], fill) -> np.ndarray:
    top, left, height, width = window
    bottom, right = top + height, left + width
    inside = array[max(top, 0) : bottom, max(left, 0) : right]
    beyond = (-min(top, 0), max(bottom - array.shape[0], 0), -min(left, 0), max(right - array.shape[1], 0))
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=fill)


class Augmentation:
    """A pipeline over (image, label) pairs whose outcome depends on the seed it is called with and nothing else."""

    def __init__(self, *transforms: albumentations.BasicTransform):
        self.compose = albumentations.Compose(list(transforms))

    def __call__(self, image: np.ndarray, label: np.ndarray, seed) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, 3) and label (H, W), both uint8, at the pipeline's size; the seed is an integer or several."""
        generator = np.random.default_rng(seed)
        # One generator for all transforms: seeding each with the same number would tie their draws together.
        self.compose.set_random_state(generator, random.Random(int(generator.integers(2**63))))
        result = self.compose(image=image, mask=label)
        return result["image"], result["mask"]


def build_augmentation(config: AugmentationConfig, size: tuple[int, int]) -> Augmentation:
    """The training pipeline that a configuration asks for; one that only crops if augmentation is off.

    `size` is the (height, width) of the frames, and of the result unless the configuration names a crop.
    """
    return Augmentation(*_transforms(config, size).values())


def single_transforms(config: AugmentationConfig, size: tuple[int, int]) -> dict[str, Augmentation]:
    """Each transform of the configured pipeline alone and always applied, by name, to be looked at."""
    transforms = _transforms(config, size)
    for transform in transforms.values():
        transform.p = 1.0
    return {name: Augmentation(transform) for name, transform in transforms.items()}


def _transforms(config, size) -> dict[str, albumentations.BasicTransform]:
    """The transforms that are switched on, in order; the window comes first so that the rest works on fewer pixels."""
    found = {}
    if config.scale or config.crop:
        scale = (config.enabled and config.scale) or (1.0, 1.0)
        found["scale and crop"] = RandomWindow(tuple(config.crop or size), scale)
    if not config.enabled:
        return found
    color = {name: getattr(config, name) for name in ("brightness", "contrast", "saturation")}
    ranges = {name: (max(0.0, 1 - strength), 1 + strength) for name, strength in color.items()}
    turn = (-config.rotate, config.rotate)
    jitter = albumentations.ColorJitter(**ranges, hue=(-config.hue, config.hue), p=0.8)
    others = {  # 0 where it is switched off, and the transform
        "horizontal flip": (config.hflip, albumentations.HorizontalFlip(p=config.hflip)),
        "rotation": (config.rotate, albumentations.Rotate(turn, fill=FILL, fill_mask=VOID, p=0.5)),
        "color jitter": (any(color.values()) or config.hue, jitter),
        "blur": (config.blur, albumentations.GaussianBlur(blur_limit=0, sigma_limit=(0.5, 1.5), p=config.blur)),
        "noise": (config.noise, albumentations.GaussNoise(std_range=(0.02, 0.08), p=config.noise)),
    }
    return found | {name: transform for name, (strength, transform) in others.items() if strength}
