import numpy as np
import pytest
import torch
from tiny import TINY

from seg_helpers.classes import CAMVID11, VOID
from seg_helpers.config import AugmentationConfig
from seg_helpers.datasets.augmentation import build_augmentation
from seg_helpers.datasets.cache import build_cache
from seg_helpers.datasets.layouts import read_dataset
from seg_helpers.datasets.loader import SegmentationDataset, make_loader, unpack_batch


@pytest.fixture
def cache(segnet_folder, tmp_path):
    return build_cache(read_dataset(segnet_folder).frames, CAMVID11, (8, 10), tmp_path)


@pytest.fixture
def augmentation():
    return build_augmentation(AugmentationConfig(), (8, 10))


def epoch_of(loader, epoch):
    loader.dataset.set_epoch(epoch)
    batches = list(loader)
    return {key: torch.cat([batch[key] for batch in batches]) for key in ("image", "label", "index")}


def test_training_items_have_the_cache_size(cache, augmentation):
    item = SegmentationDataset(cache, [3, 5], augmentation)[1]
    assert item["image"].shape == (3, 8, 10)
    assert item["label"].shape == (8, 10)
    assert item["image"].dtype == item["label"].dtype == torch.uint8  # a fifth of what a network takes
    assert item["index"] == 5


def test_evaluation_items_have_labels_at_their_own_resolution(cache):
    item = SegmentationDataset(cache, [3])[0]
    assert item["image"].shape == (3, 8, 10)
    assert item["label"].shape == TINY
    assert np.array_equal(item["label"], cache.native_label(3))
    assert set(item["label"].unique().tolist()) <= {*range(11), VOID}


def test_batches_are_normalized_by_imagenet():
    gray, label = torch.full((2, 3, 4, 4), 128, dtype=torch.uint8), torch.full((2, 4, 4), VOID, dtype=torch.uint8)
    images, labels = unpack_batch({"image": gray, "label": label})
    expected = [(128 / 255 - mean) / std for mean, std in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]
    assert images.dtype == torch.float32
    assert images[1, :, 0, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert labels.dtype == torch.int64
    assert (labels == VOID).all()


def test_a_batch_is_what_the_frames_hold(cache):
    rows = [3, 5]
    images, labels = unpack_batch(next(iter(make_loader(SegmentationDataset(cache, rows), 2))))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (cache.images[rows] / 255 - mean) / std
    assert np.allclose(images.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    assert np.array_equal(labels.numpy(), np.stack([cache.native_label(row) for row in rows]))


def test_order_and_augmentation_do_not_depend_on_workers(cache, augmentation):
    alone = make_loader(SegmentationDataset(cache, range(10), augmentation, seed=4), 4, True)
    helped = make_loader(SegmentationDataset(cache, range(10), augmentation, seed=4), 4, True, workers=2)
    for epoch in (0, 1, 0):  # the workers live on from one epoch to the next
        expected, found = epoch_of(alone, epoch), epoch_of(helped, epoch)
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_epochs_and_seeds_differ(cache, augmentation):
    loader = make_loader(SegmentationDataset(cache, range(10), augmentation), 5, True)
    first, second = epoch_of(loader, 0), epoch_of(loader, 1)
    assert sorted(first["index"].tolist()) == sorted(second["index"].tolist()) == list(range(10))
    assert first["index"].tolist() != second["index"].tolist()
    other = make_loader(SegmentationDataset(cache, range(10), augmentation, seed=1), 4, True)
    assert epoch_of(other, 0)["index"].tolist() != first["index"].tolist()
    fixed = SegmentationDataset(cache, [2], augmentation)
    before = fixed[0]["image"]
    fixed.set_epoch(1)
    assert not torch.equal(fixed[0]["image"], before)


def test_a_frame_listed_twice_gives_two_samples(cache, augmentation):
    dataset = SegmentationDataset(cache, [2, 2], augmentation)
    assert not torch.equal(dataset[0]["image"], dataset[1]["image"])


def test_training_leaves_a_smaller_last_batch_out(cache):
    dataset = SegmentationDataset(cache, range(10))
    assert [len(batch["index"]) for batch in make_loader(dataset, 4, shuffle=True)] == [4, 4]
    assert [len(batch["index"]) for batch in make_loader(dataset, 4)] == [4, 4, 2]
