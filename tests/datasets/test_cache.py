import pickle

import numpy as np
import pytest
from tiny import TINY, file_size_limit, save, spoil, tiny_image, tiny_label

from seg_helpers.classes import CAMVID11, VOID
from seg_helpers.datasets import cache as cache_module
from seg_helpers.datasets.cache import build_cache, locate_classes
from seg_helpers.datasets.files import read_image, read_label
from seg_helpers.datasets.layouts import DatasetError, read_dataset
from seg_helpers.files import DiskError


@pytest.fixture
def dataset(segnet_folder):
    return read_dataset(segnet_folder)


def test_native_cache_holds_the_files(dataset, tmp_path):
    cache = build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    assert (len(cache), cache.size, cache.images.dtype) == (17, TINY, np.uint8)
    for row, frame in enumerate(dataset.frames.itertuples()):
        assert np.array_equal(cache.images[row], read_image(frame.image))
        assert np.array_equal(cache.labels[row], read_label(frame.label, CAMVID11))
        assert np.array_equal(cache.native_label(row), cache.labels[row])


def test_resized_cache_keeps_labels_at_their_own_resolution(dataset, tmp_path):
    cache = build_cache(dataset.frames, CAMVID11, (6, 8), tmp_path)
    assert cache.images.shape == (17, 6, 8, 3)
    assert cache.labels.shape == (17, 6, 8)
    native = read_label(dataset.frames["label"][5], CAMVID11)
    assert np.array_equal(cache.native_label(5), native)
    assert set(np.unique(cache.labels[5])) <= set(np.unique(native))
    assert cache.images[5].mean() == pytest.approx(read_image(dataset.frames["image"][5]).mean(), abs=1)


def test_second_build_decodes_nothing_and_a_changed_file_is_seen(dataset, tmp_path, monkeypatch):
    first = build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(cache_module, "read_image", None)
        assert build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path).folder == first.folder
    save(dataset.root / "train" / "Elm_00000.png", np.zeros((*TINY, 3), np.uint8))
    changed = build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    assert changed.folder != first.folder
    assert not changed.images[0].any()


@pytest.mark.parametrize("file", ["images.npy", "labels.npy", "counts.npy", "problems.json", "5.npy", "checksums.json"])
@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "gone", "flipped"])
def test_a_damaged_cache_is_made_anew_with_a_word(dataset, tmp_path, capsys, file, damage):
    whole = build_cache(dataset.frames, CAMVID11, (6, 8), tmp_path)
    expected = {path.name: path.read_bytes() for path in whole.folder.iterdir()}
    spoil(whole.folder / file, damage)
    cache = build_cache(dataset.frames, CAMVID11, (6, 8), tmp_path)
    assert capsys.readouterr().out == f"{cache.folder} is damaged: it is made anew\n"
    assert {path.name: path.read_bytes() for path in cache.folder.iterdir()} == expected
    build_cache(dataset.frames, CAMVID11, (6, 8), tmp_path)
    assert capsys.readouterr().out == ""


def test_a_disk_that_fills_while_frames_are_cached_is_a_sentence_and_leaves_nothing(dataset, tmp_path):
    folder = tmp_path / "cache"
    with (
        file_size_limit(3000),
        pytest.raises(DiskError, match=r"frames-camvid11-native-\w+ cannot be written \(.*: make room"),
    ):
        build_cache(dataset.frames, CAMVID11, cache_dir=folder)
    assert list(folder.iterdir()) == []
    assert len(build_cache(dataset.frames, CAMVID11, cache_dir=folder)) == 17


def test_a_stopped_build_leaves_no_cache(dataset, tmp_path, monkeypatch):
    def stop(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cache_module, "read_image", stop)
        with pytest.raises(KeyboardInterrupt):
            build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []
    assert len(build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path / "c")) == 17


def test_frames_of_different_sizes_need_a_size(dataset, tmp_path):
    save(dataset.root / "train" / "Elm_00001.png", tiny_image(1, (10, 20)))
    save(dataset.root / "trainannot" / "Elm_00001.png", tiny_label(1, size=(10, 20)))
    with pytest.raises(DatasetError, match=r"Elm_00001.png is 20x10 but others are 16x12: set data.size"):
        build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    cache = build_cache(dataset.frames, CAMVID11, TINY, tmp_path)
    assert cache.native_label(1).shape == (10, 20)
    assert cache.native_label(2).shape == TINY


def test_unlabeled_frames_are_void(dataset, tmp_path):
    frames = dataset.frames.assign(label=["", *dataset.frames["label"][1:]])
    assert (build_cache(frames, CAMVID11, cache_dir=tmp_path).labels[0] == VOID).all()


def test_a_cache_travels_to_workers_without_its_arrays(dataset, tmp_path):
    cache = build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    images = cache.images[:].copy()
    sent = pickle.dumps(cache)
    assert len(sent) < images.nbytes
    assert np.array_equal(pickle.loads(sent).images, images)


def test_a_full_disk_is_told_before_anything_is_written(dataset, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DatasetError, match=r"needs .* GB and 0.0 GB are free; .*SEG_CACHE"):
        build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)


def test_pixels_are_counted_by_value_at_the_labels_own_size(dataset, tmp_path):
    counts = build_cache(dataset.frames, CAMVID11, (6, 8), tmp_path).counts
    assert counts.shape == (17, 256)
    assert (counts.sum(axis=1) == TINY[0] * TINY[1]).all()
    assert np.array_equal(counts[0, [*range(11), VOID]], np.bincount(tiny_label(0).ravel(), minlength=12))


@pytest.mark.parametrize("size", [None, (6, 8)])
def test_no_row_is_left_for_frames_that_cannot_be_used(dataset, tmp_path, size):
    for name in ("Elm_00000", "Elm_00004"):
        (dataset.root / "train" / f"{name}.png").write_bytes(b"")
    save(dataset.root / "train" / "Elm_00006.png", tiny_image(6, (10, 20)))  # another size than its label
    cache = build_cache(dataset.frames, CAMVID11, size, tmp_path)
    assert [row for row, *_ in cache.problems] == [0, 4, 6]
    assert cache.problems[2][2] == "label is 16x12 but its image 20x10"
    used = dataset.frames.drop([0, 4, 6])
    assert len(cache) == len(used) == 14
    whole = build_cache(used, CAMVID11, size, tmp_path)
    for row, frame in enumerate(used.itertuples()):
        assert np.array_equal(cache.images[row], whole.images[row])
        assert np.array_equal(cache.labels[row], whole.labels[row])
        assert np.array_equal(cache.native_label(row), read_label(frame.label, CAMVID11))
    assert np.array_equal(cache.counts, whole.counts)


def test_heatmaps_say_where_a_class_lives(dataset, tmp_path):
    label = np.zeros(TINY, np.uint8)
    label[6:, 8:] = 3
    for path in (dataset.root / "trainannot").glob("*.png"):
        save(path, label)
    cache = build_cache(dataset.frames, CAMVID11, cache_dir=tmp_path)
    heatmaps = locate_classes(cache, 11, range(10), (2, 2))
    assert heatmaps.shape == (11, 2, 2)
    assert heatmaps[3].tolist() == [[0, 0], [0, 1]]
    assert heatmaps[0].tolist() == [[1, 1], [1, 0]]
