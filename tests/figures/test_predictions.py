"""Any picture is predicted as it would be scored, and what is written spares what was given."""

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny import save
from tiny_network import TinyNetwork

from seg_helpers.classes import recall_class_set
from seg_helpers.errors import SegError
from seg_helpers.experiments.predictors import Predictor
from seg_helpers.figures.predictions import list_inputs, predict, write_predictions


@pytest.fixture
def network():
    """Sees a pixel's class in its color: red is 0, green 1, blue 2."""
    network = TinyNetwork().eval()
    network.forward = lambda images: 10 * images
    return network


@pytest.fixture
def thirds():
    """A picture whose thirds are red, green and blue."""
    return np.eye(3, dtype=np.uint8)[[0, 1, 2]].repeat(10, axis=0)[None].repeat(20, axis=0) * 255


THREE = recall_class_set("three", ["sky", "road", "car"], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])


def test_a_prediction_is_of_the_pictures_own_size(network, thirds):
    found = predict(Predictor(network, THREE, (10, 15)), thirds)
    assert tuple(found.logits.shape) == (3, 10, 15)
    assert found.labels.shape == found.confidence.shape == (20, 30)
    assert found.labels.dtype == np.uint8
    assert found.labels[:, [4, 14, 24]].tolist() == [[0, 1, 2]] * 20
    assert np.allclose(found.probabilities().sum(0), 1, atol=1e-5)
    assert (found.confidence == found.probabilities().max(0)).all()


@pytest.mark.parametrize(
    ("size", "known", "seen"),
    [
        ((720, 960), (360, 480), (360, 480)),  # as scored
        ((30, 30), (42, 42), (42, 42)),
        ((1, 100), (42, 42), (4, 420)),
        ((8, 9), None, (8, 9)),
    ],
)
def test_a_network_sees_a_picture_in_its_shape_at_the_area_that_it_knows(network, size, known, seen):
    logits = Predictor(network, THREE, known).predict_logits(np.zeros((*size, 3), np.uint8))
    assert tuple(logits.shape[1:]) == seen


def test_it_shows_itself_with_a_legend_of_what_it_found(network, thirds):
    html = predict(network, thirds[:, :20], classes=THREE)._repr_html_()
    assert html.count("<img") == 3
    assert "Most of it is sky 50%, road 50%" in html
    assert "rgb(1,2,3)" in html
    assert "car</span>" not in html
    with pytest.raises(SegError, match="bare network does not know its classes"):
        predict(network, thirds)


def test_files_are_written_beside_each_other_and_hold_what_was_predicted(network, thirds, tmp_path, capsys):
    predictor = Predictor(network, THREE, (20, 30))
    save(tmp_path / "in" / "deep" / "a.png", thirds)
    save(tmp_path / "in" / "b.jpg", thirds[:, ::-1])
    write_predictions(predictor, [tmp_path / "in"], tmp_path / "out")
    endings = ("confidence.png", "labels.png", "overlay.jpg")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [f"{n}_{e}" for n in "ab" for e in endings] + [
        "legend.png"
    ]
    with Image.open(tmp_path / "out" / "a_labels.png") as labels:
        assert (np.asarray(labels) == predict(predictor, thirds).labels).all()
        assert np.asarray(labels.convert("RGB"))[0, [0, -1]].tolist() == [[1, 2, 3], [7, 8, 9]]
    assert "2 inputs in" in capsys.readouterr().out


def test_a_video_becomes_a_video(network, thirds, tmp_path, capsys):
    frame = cv2.resize(thirds, (96, 64), interpolation=cv2.INTER_NEAREST)
    writer = cv2.VideoWriter(str(tmp_path / "drive.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (96, 64))
    for _ in range(5):
        writer.write(frame[..., ::-1])
    writer.release()
    write_predictions(Predictor(network, THREE, (64, 96)), [tmp_path / "drive.mp4"], tmp_path)
    video = cv2.VideoCapture(str(tmp_path / "drive_overlay.mp4"))
    assert (video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)) == (5, 10)
    left = video.read()[1][:, :20, ::-1].mean((0, 1))  # red, mixed with the dark color of sky
    assert left[0] > 90
    assert left[1:].max() < 40
    assert "drive.mp4: 5 frames, " in capsys.readouterr().out


def test_no_input_is_written_over_and_what_is_no_picture_is_said(network, thirds, tmp_path):
    predictor = Predictor(network, THREE)
    taken = save(tmp_path / "street_labels.png", thirds)
    before = taken.read_bytes()
    save(tmp_path / "street.png", thirds)
    with pytest.raises(SegError, match=r"street_labels\.png is an input and is not written over"):
        write_predictions(predictor, [tmp_path], tmp_path)
    assert taken.read_bytes() == before
    (tmp_path / "notes.txt").write_text("no picture")
    for path in (tmp_path / "notes.txt", tmp_path / "nowhere.png"):
        with pytest.raises(SegError, match=f"{path.name} is no picture or video, nor a folder of some"):
            list_inputs([path])
    (tmp_path / "fake.jpg").write_text("no picture")
    (tmp_path / "fake.mp4").write_text("no video")
    for name in ("fake.jpg", "fake.mp4"):
        with pytest.raises(SegError, match=f"{name}.* no (picture|video) that can be read"):
            write_predictions(predictor, [tmp_path / name], tmp_path / "out")
    save(tmp_path / "more" / "street.png", thirds)
    with pytest.raises(SegError, match="two inputs are called street"):
        write_predictions(predictor, [tmp_path / "street.png", tmp_path / "more"], tmp_path / "out")
