import numpy as np
import pandas as pd
import pytest
from tiny import tiny_image

from seg_helpers import figures
from seg_helpers.datasets import Cache, audit_split, match_pictures
from seg_helpers.figures import splits
from seg_helpers.figures.splits import _bands

ODD = """$a^^b$ <b>, "x" *y* [z](q)"""


@pytest.fixture
def audit():
    nan = np.nan
    rows = [
        ("val", "a", 30, True, True, 4.0, 0.5, 0.94),
        ("val", "a", 32, True, True, 8.0, 1.0, 0.9),
        ("test", "b", 1, False, False, nan, nan, 0.6),
    ]
    columns = ["split", "clip", "number", "clip_in_train", "between", "distance", "seconds", "similarity"]
    table = pd.DataFrame(rows, columns=columns).astype({"clip_in_train": "boolean"})
    return table.assign(identical=False, val_similarity=[nan, nan, 0.3])


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


def test_every_clip_and_split_is_on_the_time_line(frames):
    figure = figures.split_timelines({"": frames})
    assert "a: 6 training, 3 validation and 1 gap (unused)" in figure.alt
    assert "15 frames of 2 clips" in figure.caption
    labels = [text.get_text() for text in figure.figure.legends[0].get_texts()]
    assert labels == ["training", "validation", "test", "gap (unused)"]


def test_bands_break_at_gaps_and_splits(frames):
    bands = _bands(frames[frames["clip"] == "a"])
    assert [band[0] for band in bands] == ["train", "train", "gap", "val"]
    assert bands[0][1:] == (-15.0, 90.0)


def test_audit_tells_familiar_from_new(audit):
    val, test = figures.audit_finding(audit).split("\n\n")
    assert "All come from clip a (numbers 30 to 32, in steps of 2), between training frames of the same clip" in val
    assert "a median of 0.75 seconds from the nearest training frame, 0.5 at least" in val
    assert "read optimistic" in val
    assert (
        "none nearly identical to a training picture (the most similar training picture correlates at a median of 0.60"
        in test
    )
    assert "which training never saw" in test
    assert "honest estimate" in test


def test_unknown_clips_are_never_called_new(audit):
    unknown = audit.assign(clip="", clip_in_train=pd.array([pd.NA] * 3, "boolean"), distance=np.nan, seconds=np.nan)
    text = figures.audit_finding(unknown)
    assert "never saw" not in text
    assert "honest" not in text
    assert text.count("The file names do not tell which clips") == 2
    assert "measure memory" in figures.audit_finding(unknown.assign(similarity=0.99))
    figure = figures.split_distances({"": unknown})
    assert "clips unknown" in figure.alt
    assert "new clips" not in figure.alt
    assert "nan" not in figure.caption
    assert "nan" not in figures.nearness_finding({"a": unknown, "b": unknown})


def test_a_copy_of_training_is_called_a_copy_whatever_its_clip_is_called(seeds_to_cache):
    frames = frames_of(["train"] * 3 + ["val"] * 3, ["Elm"] * 3 + ["Oak"] * 3, list("abcdef"))
    text = figures.audit_finding(audit_split(frames, cache=seeds_to_cache(0, 1, 2, 0, 1, 2)))
    assert "a copy of training pictures" in text
    assert "All come from clip Oak (numbers 3 to 5, in steps of 1), not named in training" in text
    assert "measure memory" in text
    assert "honest" not in text
    assert "never saw" not in text


def test_single_copies_are_counted_in_the_finding(audit):
    audit.loc[2, ["similarity", "identical"]] = [1.0, True]
    audit = pd.concat([audit, *[audit.iloc[[2]].assign(similarity=0.5, identical=False)] * 3], ignore_index=True)
    text = figures.audit_finding(audit)
    assert "1 equal to a training picture in every pixel" in text
    assert "nothing here shows how the other 75% do" in text


def test_distances_fall_back_to_frames(audit):
    figure = figures.split_distances({"": audit.assign(seconds=np.nan)})
    assert "median 6 frames apart, nearest 4" in figure.alt
    assert "test (1 frame): median similarity 0.60, 100% in new clips" in figure.alt


def test_distances_of_several_splits(audit):
    figure = figures.split_distances({"given": audit, "grouped": audit[audit["split"] == "val"]})
    labels = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert labels == ["given · validation", "given · test", "grouped · validation"]


def test_nearest_split_is_named(audit):
    near = audit.assign(seconds=audit["seconds"] / 10)
    text = figures.nearness_finding({"grouped": audit, "random": near})
    assert "random 0.075 s " in text
    assert "**random** puts them 10 times nearer than grouped" in text


def test_leak_counts_copies_on_both_sides():
    table = pd.DataFrame({"clip": "a", "number": [1, 1, 2, 3], "split": ["train", "val", "val", "train"]})
    assert "1 of 2 validation samples (50%)" in figures.leak_finding(table)
    assert figures.leak_finding(table[table["number"] > 1]).startswith("None of the 1 validation sample")


def test_unknown_clips_have_a_line_for_each_split():
    frames = frames_of(["train", "train", "val", "test"], ["", "", "", "b"], list("wxyz"))
    figure = figures.split_timelines({"": frames})
    lines = [tick.get_text() for tick in figure.figure.axes[0].get_yticklabels()]
    assert lines == ["b  (1)", "training, clip unknown  (2)", "validation, clip unknown  (1)"]
    assert "4 frames of 1 clip and of unknown ones" in figure.caption


def test_duplicates_are_counted_by_pair_of_splits(seeds_to_cache, monkeypatch):
    shown = []
    monkeypatch.setattr(splits, "show_table", lambda table, *_: shown.append(table))
    frames = frames_of(["train"] * 2 + ["val"] * 2 + ["test"], [""] * 5, list("vwxyz"))
    figures.show_duplicates(match_pictures(frames, seeds_to_cache(0, 1, 1, 2, 2)))
    assert shown[0].iloc[:, :5].to_numpy().tolist() == [
        ["validation", "training", 2, 1, 0],
        ["test", "training", 1, 0, 0],
        ["test", "validation", 1, 1, 0],
    ]


def test_pairs_show_no_picture_twice_and_copies_first(seeds_to_cache):
    frames = frames_of(["train"] * 3 + ["val"] * 3, [""] * 6, ["t0", "t1", "t2", "v0", "v1", "v2"])
    cache = seeds_to_cache(0, 1, 2, 5, 1, 1)
    figure = figures.picture_pairs(match_pictures(frames, cache), cache)
    titles = [axes.get_title("left") for axes in figure.figure.axes]
    assert titles[0] == "validation\nv1"
    assert "training, identical\nt1" in titles
    below = [title.split("\n")[1] for title in titles if title.startswith("training")]
    assert len(below) == len(set(below)) == 2  # v2 is t1 too, and t1 is shown


def test_every_split_has_its_pairs_even_where_they_match_the_same_frame(seeds_to_cache):
    frames = frames_of(["train", "val", "test"], [""] * 3, ["t", "v", "w"])
    cache = seeds_to_cache(0, 0, 0)
    panels = figures.picture_pairs(match_pictures(frames, cache), cache).figure.axes
    titles = [axes.get_title("left") for axes in panels]
    assert {"validation\nv", "test\nw"} <= set(titles)


def test_odd_names_are_drawn_and_written_as_they_are(seeds_to_cache):
    frames = frames_of(["train"] * 2 + ["val", "test"], [ODD, ODD, ODD, "$"], [f"{ODD}_{i}" for i in range(4)])
    cache = seeds_to_cache(0, 1, 2, 3)
    audit = audit_split(frames, cache=cache)
    for figure in (
        figures.split_timelines({"": frames}),
        figures.split_distances({"": audit}),
        figures.picture_pairs(match_pictures(frames, cache), cache),
    ):
        figure.render()
    text = figures.audit_finding(audit)
    assert not set("<>*[]$^") & set(text.replace("**", ""))
    assert "&#36;a&#94;&#94;b&#36; &#60;b&#62;" in text


def test_a_test_set_that_validation_shows_is_no_estimate(seeds_to_cache):
    """The test frame is a copy of the validation frame, which chose the epoch; its clip is new to training."""
    frames = frames_of(["train", "val", "test"], ["a", "b", "c"], ["1", "2", "3"])
    text = figures.audit_finding(audit_split(frames, None, seeds_to_cache(0, 1, 1)))
    assert "1 of 1 show what validation shows, which chooses the epoch: they are no test." in text
    assert "honest" not in text.partition("**Test**")[2]
