import numpy as np

from seg_helpers.classes import SOCCER4
from seg_helpers.datasets.files import read_image, read_label
from seg_helpers.datasets.layouts import read_dataset
from seg_helpers.datasets.soccer import generate_soccer_scenes


def test_soccer_scenes_read_with_their_own_four_classes(tmp_path):
    generate_soccer_scenes(tmp_path, frames=24, size=(60, 80))
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("segnet", SOCCER4)
    assert dataset.problems.empty
    assert dataset.frames.groupby("clip")["split"].nunique().max() == 1
    pixels = np.zeros(4)
    brightness = {1: [], 2: [], 3: []}
    for frame in dataset.frames.itertuples():
        label, image = read_label(frame.label, SOCCER4), read_image(frame.image)
        pixels += np.bincount(label.ravel(), minlength=4)[:4]
        for index, values in brightness.items():
            values += image[label == index].mean(axis=1).tolist()
    share = pixels / pixels.sum()
    assert share[3] > 0.4
    assert 0 < share[1] < 0.03
    assert 0.01 < share[2] < 0.1
    assert np.mean(brightness[2]) > np.mean(brightness[3]) + 30  # lines are brighter than the turf


def test_soccer_scenes_are_made_by_their_seed(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 5)):
        generate_soccer_scenes(tmp_path / name, frames=4, size=(30, 40), seed=seed)
    files = [sorted((tmp_path / name).rglob("*.png")) for name in "abc"]
    contents = [[path.read_bytes() for path in paths] for paths in files]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
