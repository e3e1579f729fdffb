"""CamVid as it was released twice: what SegNet's label files make of CamVid's 32 classes, seen on the real files."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seg_helpers.classes import CAMVID11, CAMVID32, VOID, ClassSet, get_class_set
from seg_helpers.datasets.files import encode_label, read_label

# A folder that holds both releases, `camvid/` and `cam101/`; the tests run where somebody names one.
SHARED = Path(os.environ.get("SEG_REAL_DATA", "/nowhere"))
SMALL = (480, 360)  # the SegNet release's width and height
FOUR = ("Archway", "CartLuggagePram", "Child", "OtherMoving")


@pytest.fixture(scope="module")
def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """(H, W, 3) colors of CamSeq01 at SegNet's size and (H, W) classes of SegNet's file, of every tenth frame."""
    segnet = {path.stem: path for path in (SHARED / "camvid").glob("*annot/0016E5_*.png")}
    colored = [path for path in sorted(SHARED.glob("cam101/*/*_L.png")) if path.stem[:-2] in segnet]
    if not colored:
        pytest.skip("SEG_REAL_DATA names no folder with CamSeq01 and CamVid's SegNet release")
    return [
        (
            np.asarray(Image.open(path).resize(SMALL, Image.Resampling.NEAREST)),
            read_label(segnet[path.stem[:-2]], CAMVID11, "index"),
        )
        for path in colored[::10]
    ]


def agreement(pairs, classes: ClassSet) -> float:
    return float(np.mean([(encode_label(colors, classes) == truth).mean() for colors, truth in pairs]))


def test_camvid11_is_what_segnets_files_hold(pairs):
    ours, usual = agreement(pairs, CAMVID11), agreement(pairs, get_class_set("camvid11_merged"))
    assert ours > 0.985  # the rest are edges: the two releases were resized in different ways
    assert ours > usual + 0.004


def test_each_class_goes_where_segnets_files_put_it(pairs):
    found = {}
    for name, color in zip(CAMVID32.names, CAMVID32.colors, strict=True):
        truth = np.concatenate([truth[(colors == color).all(-1)] for colors, truth in pairs])
        if len(truth) > 100:
            found[name] = int(np.bincount(truth).argmax())
    assert found == {name: CAMVID11.color_map[color_of(name)] for name in found}
    assert {name for name in found if found[name] == VOID} == {*FOUR}
    assert len(found) == 21  # the others are not in these frames


def color_of(name: str) -> tuple[int, int, int]:
    return tuple(CAMVID32.colors[CAMVID32.names.index(name)].tolist())
