"""Generated road scenes in CamVid's classes: the sample that a fresh machine trains on.

Each clip drives slowly along its own street, so neighboring frames are as alike as those of a real video. As in
CamVid, validation is a stretch at the end of a clip that training has seen the beginning of, and test holds both the
end of a training clip and a clip that training never saw.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd

from seg_helpers.scenes.classes import CLASSES as CLASSES
from seg_helpers.scenes.street import Street
from seg_helpers.scenes.style import BRIGHT, CLEAR, CLOUDY, EVENING, OVERCAST, RAIN, Style
from seg_helpers.scenes.traffic import SECONDS_PER_FRAME, SPEED


@dataclass(frozen=True)
class Clip:
    """A clip of the sample: its street, and which stretches of it are kept, as (split, share of all frames)."""

    name: str
    style: Style
    stretches: tuple[tuple[str, float], ...]


GAP = 6  # frames driven but not kept before each further stretch of a clip, so that no two stretches touch
CLIPS = (
    Clip("Market", Style(CLEAR, half_width=4.6, floors=(2, 3), people=1.5), (("train", 22), ("test", 8))),
    Clip("Station", Style(OVERCAST, half_width=4.8, pavement=4.6, floors=(3, 5), green=0.1), (("train", 18),)),
    Clip("Orchard", Style(EVENING, green=0.4, trees=1.0, marking="hatched", yellow=True, parked=0.4), (("train", 16),)),
    Clip("Harbour", Style(RAIN, half_width=4.3, marking="solid", parked=0.7, trees=0.4), (("train", 14),)),
    Clip("College", Style(BRIGHT, half_width=4.5, green=0.3, people=1.4, cyclists=1.3), (("train", 12), ("val", 14))),
    Clip("Mill", Style(CLOUDY, half_width=4.4, floors=(2, 4), green=0.2, parked=0.8, trees=0.8), (("test", 16),)),
)  # fmt: skip


def plan_frames(frames: int) -> pd.DataFrame:
    """Shares `frames` among the stretches of the clips, at least one each: `clip`, `split`, `position` in the clip."""
    stretches = [(clip.name, split, share) for clip in CLIPS for split, share in clip.stretches]
    ends = np.cumsum([share for *_, share in stretches])
    counts = np.diff(np.round(ends / ends[-1] * frames), prepend=0)
    rows, driven = [], {}
    for (clip, split, _), count in zip(stretches, np.maximum(counts, 1).astype(int), strict=True):
        first = driven[clip] + GAP if clip in driven else 0
        driven[clip] = first + count
        rows += [(clip, split, position) for position in range(first, driven[clip])]
    return pd.DataFrame(rows, columns=["clip", "split", "position"])


def draw_frames(plan: pd.DataFrame, size: tuple[int, int], seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draws the frames of a plan one by one: (H, W, 3) uint8 RGB and (H, W) uint8 labels, of `size` (height, width)."""
    for name, rows in groupby(plan.itertuples(), key=lambda row: row.clip):
        number = [clip.name for clip in CLIPS].index(name)
        last = plan.loc[plan["clip"] == name, "position"].max()
        length = (last + 1) * SECONDS_PER_FRAME * SPEED
        street = Street(np.random.default_rng((seed, number)), CLIPS[number].style, length, size)
        for row in rows:
            yield street.render(row.position)
