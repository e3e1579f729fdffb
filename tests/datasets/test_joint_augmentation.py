import numpy as np
import pytest

from seg_helpers.classes import VOID
from seg_helpers.config import AugmentationConfig
from seg_helpers.datasets.augmentation import FILL, build_augmentation, single_transforms

OFF = dict.fromkeys(("hflip", "rotate", "brightness", "contrast", "saturation", "hue", "blur", "noise"), 0) | {
    "scale": None
}
SIZE = (48, 64)
COLORS = np.array([(250, 10, 10), (10, 250, 10), (10, 10, 250), (250, 250, 10)], np.uint8)


def config(**options) -> AugmentationConfig:
    return AugmentationConfig(**(OFF | options))


def quarters() -> tuple[np.ndarray, np.ndarray]:
    """Four quarters, each of its own class and color, so that a label can be checked against its image."""
    label = np.zeros(SIZE, np.uint8)
    label[:24, 32:], label[24:, :32], label[24:, 32:] = 1, 2, 3
    return COLORS[label], label


@pytest.mark.parametrize(
    "options",
    [
        {"scale": (0.5, 2.0)},
        {"hflip": 1.0},
        {"rotate": 30},
        {"crop": (30, 30)},
        {"scale": (0.5, 0.6), "rotate": 20, "hflip": 0.5},
    ],
)
def test_image_and_label_move_together(options):
    augmentation = build_augmentation(config(**options), SIZE)
    for seed in range(8):
        image, label = augmentation(*quarters(), seed)
        assert label.shape == image.shape[:2] == options.get("crop", SIZE)
        expected = np.concatenate([COLORS, np.zeros((252, 3), np.uint8)])
        expected[VOID] = FILL
        wrong = np.abs(image.astype(int) - expected[label]).max(axis=2) > 60
        assert wrong.mean() < 0.08  # only the seams between quarters, where colors blend
        assert set(np.unique(label)) <= {0, 1, 2, 3, VOID}


def test_shrinking_pads_with_void_and_the_mean_color():
    image, label = build_augmentation(config(scale=(0.5, 0.5)), SIZE)(*quarters(), 3)
    assert (label == VOID).sum() == pytest.approx(0.75 * label.size, abs=8)
    assert (image[label == VOID] == FILL).all(axis=1).mean() > 0.95  # the rim blends with the picture
    assert set(np.unique(label)) == {0, 1, 2, 3, VOID}


def test_enlarging_shows_a_part_without_padding():
    _, label = build_augmentation(config(scale=(2.0, 2.0)), SIZE)(*quarters(), 3)
    assert not (label == VOID).any()


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue", "blur", "noise"])
def test_color_transforms_leave_the_label(name):
    rng = np.random.default_rng(0)
    image, label = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8), quarters()[1]
    augmentation = build_augmentation(config(**{name: 0.4 if name == "hue" else 1.0}), SIZE)
    results = [augmentation(image, label, seed) for seed in range(4)]
    assert all(np.array_equal(result[1], label) for result in results)
    assert any(np.abs(result[0].astype(int) - image).mean() > 1 for result in results)


def test_everything_off_changes_nothing():
    image, label = quarters()
    for augmentation in (
        build_augmentation(config(), SIZE),
        build_augmentation(AugmentationConfig(enabled=False), SIZE),
    ):
        result = augmentation(image, label, 0)
        assert np.array_equal(result[0], image)
        assert np.array_equal(result[1], label)


def test_switched_off_still_crops():
    augmentation = build_augmentation(AugmentationConfig(enabled=False, crop=(20, 30)), SIZE)
    image, label = augmentation(*quarters(), 0)
    assert label.shape == (20, 30)
    assert np.array_equal(image, COLORS[label])


def test_the_seed_decides_and_nothing_else():
    augmentation = build_augmentation(AugmentationConfig(rotate=10, blur=0.5, noise=0.5), SIZE)
    first = augmentation(*quarters(), (1, 2, 3))
    augmentation(*quarters(), (9, 9, 9))
    again = augmentation(*quarters(), (1, 2, 3))
    other = augmentation(*quarters(), (1, 2, 4))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_transforms_draw_independently():
    augmentation = build_augmentation(config(hflip=0.5, noise=0.5), SIZE)
    image, label = quarters()
    outcomes = set()
    for seed in range(40):
        result = augmentation(image, label, seed)
        outcomes.add((bool((result[1] != label).any()), len(np.unique(result[0])) > 3))
    assert len(outcomes) == 4


def test_single_transforms_are_those_switched_on():
    singles = single_transforms(config(scale=(0.5, 2.0), hflip=0.1, noise=0.1), SIZE)
    assert list(singles) == ["scale and crop", "horizontal flip", "noise"]
    image, label = quarters()
    assert np.array_equal(singles["horizontal flip"](image, label, 5)[1], label[:, ::-1])
