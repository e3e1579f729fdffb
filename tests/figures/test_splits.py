import numpy as np
import pandas as pd
import pytest
from tiny import tiny_image

from seg_helpers import figures
from seg_helpers.datasets import Cache, audit_split, match_pictures
from seg_helpers.figures.splits import _bands

ODD = """$a^^b$ <b>, "x" *y* [z](q)"""


@pytest.fixture
def audit():
    nan = np.nan
    rows = [
        ("val", "a", 30, True, 4.0, 0.5, 0.94),
        ("val", "a", 32, True, 8.0, 1.0, 0.9),
        ("test", "b", 1, False, nan, nan, 0.6),
    ]
    columns = ["split", "clip", "number", "clip_in_train", "distance", "seconds", "similarity"]
    table = pd.DataFrame(rows, columns=columns).astype({"clip_in_train": "boolean"})
    return table.assign(val_similarity=[nan, nan, 0.3])


@pytest.fixture
def seeds_to_cache(tmp_path):
    """A cache of pictures: equal seeds give equal pictures."""

    def build(*seeds) -> Cache:
        images = np.stack([tiny_image(seed) for seed in seeds])
        np.save(tmp_path / "images.npy", images)
        np.save(tmp_path / "labels.npy", np.zeros(images.shape[:3], np.uint8))
        return Cache(tmp_path)

    return build


def frames_of(splits: list[str], clips: list[str], names: list[str]) -> pd.DataFrame:
    columns = {"image": [f"{name}.png" for name in names], "label": "l", "split": splits, "clip": clips}
    return pd.DataFrame(columns | {"number": range(len(names))})


def test_bands_break_at_gaps_and_splits(frames):
    bands = _bands(frames[frames["clip"] == "a"])
    assert [band[0] for band in bands] == ["train", "train", "gap", "val"]
    assert bands[0][1:] == (-15.0, 90.0)


def test_distances_name_the_splits_and_how_new_their_clips_are(audit):
    labels = [tick.get_text() for tick in figures.split_distances(audit).figure.axes[0].get_yticklabels()]
    assert labels == ["validation\nclips: 0% new", "test\nclips: 100% new"]


def test_unknown_clips_have_a_line_for_each_split():
    frames = frames_of(["train", "train", "val", "test"], ["", "", "", "b"], list("wxyz"))
    figure = figures.split_timelines({"": frames})
    lines = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert lines == ["b  (1)", "training, clip unknown  (2)", "validation, clip unknown  (1)"]


def test_pairs_show_no_picture_twice_and_copies_first(seeds_to_cache):
    frames = frames_of(["train"] * 3 + ["val"] * 3, [""] * 6, ["t0", "t1", "t2", "v0", "v1", "v2"])
    cache = seeds_to_cache(0, 1, 2, 5, 1, 1)
    figure = figures.picture_pairs(match_pictures(frames, cache), cache)
    titles = [title for row in figure.rows for title, _ in row]
    assert titles[0] == "validation\nv1"
    assert "training, identical\nt1" in titles
    below = [title.split("\n")[1] for title in titles if title.startswith("training")]
    assert len(below) == len(set(below)) == 2  # v2 is t1 too, and t1 is shown


def test_every_split_has_its_pairs_even_where_they_match_the_same_frame(seeds_to_cache):
    frames = frames_of(["train", "val", "test"], [""] * 3, ["t", "v", "w"])
    cache = seeds_to_cache(0, 0, 0)
    titles = [title for title, _ in figures.picture_pairs(match_pictures(frames, cache), cache).rows[0]]
    assert {"validation\nv", "test\nw"} <= set(titles)


def test_odd_names_are_drawn_and_written_as_they_are(seeds_to_cache):
    frames = frames_of(["train"] * 2 + ["val", "test"], [ODD, ODD, ODD, "$"], [f"{ODD}_{i}" for i in range(4)])
    cache = seeds_to_cache(0, 1, 2, 3)
    audit = audit_split(frames, cache=cache)
    timelines, pairs = (
        figures.split_timelines({"": frames}),
        figures.picture_pairs(match_pictures(frames, cache), cache),
    )
    for figure in (timelines, figures.split_distances(audit)):
        figure.render()  # which a formula that is none would stop
    assert ODD in timelines.alt
    assert ODD in pairs.rows[0][0][0]


def test_every_split_is_on_the_time_line(frames):
    figure = figures.split_timelines({"": frames.replace({"split": {"gap": "bracketed"}})})
    labels = [text.get_text() for text in figure.figure.legends[0].get_texts()]
    assert labels == ["training", "validation", "test", "validation of the data set"]
    lines = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert lines == ["a  (10)", "b  (5)"]


def test_unknown_clips_are_never_called_new(audit):
    unknown = audit.assign(clip="", clip_in_train=pd.array([pd.NA] * 3, "boolean"), distance=np.nan, seconds=np.nan)
    figure = figures.split_distances(unknown)
    assert "validation clips: 0% new, 100% unknown, test clips: 0% new, 100% unknown" in figure.alt
    assert "nan" not in figure.caption


def test_distances_fall_back_to_frames(audit):
    time, _ = figures.split_distances(audit.assign(seconds=np.nan)).figure.axes
    assert time.get_title("left") == "Nearest of the same clip (frames)"
    assert time.collections[1].get_segments()[0][:, 0].tolist() == [6, 6]  # the median
