"""The bootstrap: repeatable, as wide as theory says, and exactly nothing between a model and itself."""

import numpy as np
import pytest

from seg_helpers.evaluation.metrics import METRICS, compute_metrics
from seg_helpers.evaluation.statistics import (
    bootstrap_classes,
    bootstrap_interval,
    choose_block,
    compare_paired,
    correct_holm,
    resample_frames,
)


def draw_confusions(frames=40, classes=4, hits=0.7, seed=0) -> np.ndarray:
    """(frames, C, C): 200 pixels a frame; a share of them, another in each frame, is right."""
    generator = np.random.default_rng(seed)
    confusions = np.zeros((frames, classes, classes), np.int64)
    for frame in confusions:
        truth = generator.integers(0, classes, 200)
        found = np.where(generator.random(200) < np.clip(generator.normal(hits, 0.1), 0, 1), truth, truth[::-1])
        np.add.at(frame, (truth, found), 1)
    return confusions


def test_each_sample_draws_as_many_frames_as_there_are():
    counts = resample_frames(30, 200, seed=1)
    assert counts.shape == (200, 30)
    assert (counts.sum(1) == 30).all()
    assert (counts == resample_frames(30, 200, seed=1)).all()
    assert (counts != resample_frames(30, 200, seed=2)).any()
    assert counts.mean(0) == pytest.approx(np.ones(30), abs=0.3)


@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_holds_the_score_and_repeats(metric):
    confusions = draw_confusions()
    low, high = bootstrap_interval(confusions, metric, 500, seed=4)
    assert low < compute_metrics(confusions.sum(0))[metric] < high
    assert (low, high) == bootstrap_interval(confusions, metric, 500, seed=4)
    assert (low, high) != bootstrap_interval(confusions, metric, 500, seed=5)


def test_the_intervals_width_is_that_of_a_mean():
    """Frames of one size: pixel accuracy is a mean over frames, whose standard error is known."""
    confusions = draw_confusions(frames=60)
    accuracy = compute_metrics(confusions)["pixel_accuracy"]
    low, high = bootstrap_interval(confusions, "pixel_accuracy", 4000)
    expected = 1.96 * accuracy.std() / np.sqrt(len(accuracy))
    assert (high - low) / 2 == pytest.approx(expected, rel=0.08)
    assert (high + low) / 2 == pytest.approx(accuracy.mean(), abs=0.1 * expected)


def test_one_frame_has_no_width():
    confusions = draw_confusions()
    low, high = bootstrap_interval(confusions[:1])
    assert low == high == pytest.approx(compute_metrics(confusions[0])["mean_iou"])


def test_a_sample_without_any_pixel_of_a_class_leaves_it_out():
    confusions = np.zeros((20, 3, 3), np.int64)
    confusions[:, 0, 0] = 10
    confusions[0, 1, 0] = 5  # one frame alone holds class 1; class 2 never occurs
    low, high = bootstrap_interval(confusions, "mean_iou", 400)
    assert 0 < low < high == 1.0  # samples without that frame have one class, and it is perfect
    intervals = bootstrap_classes(confusions, 400)
    assert np.isnan(intervals[2]).all()
    assert intervals[1].tolist() == [0, 0]
    assert 0.9 < intervals[0, 0] < intervals[0, 1] == 1


def test_class_intervals_hold_the_class_scores():
    confusions = draw_confusions()
    iou = np.diagonal(confusions.sum(0)) / (
        confusions.sum(0).sum(0) + confusions.sum(0).sum(1) - np.diagonal(confusions.sum(0))
    )
    intervals = bootstrap_classes(confusions, 500)
    assert (intervals[:, 0] < iou).all()
    assert (iou < intervals[:, 1]).all()


def test_a_model_against_itself_is_exactly_nothing():
    confusions = draw_confusions()
    same = compare_paired(confusions, confusions.copy())
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_a_paired_difference_is_narrower_than_the_scores():
    """One model is a little better in every frame: pairing sees it though the scores' own intervals overlap."""
    worse = draw_confusions(hits=0.6)
    better = worse.copy()
    better[:, 0, 0] += 3
    better[:, 0, 1] -= np.minimum(worse[:, 0, 1], 3)
    difference, low, high, p_value, _, _ = compare_paired(better, worse)
    scores = [compute_metrics(c.sum(0))["mean_iou"] for c in (better, worse)]
    assert difference == pytest.approx(scores[0] - scores[1])
    assert 0 < low < difference < high
    assert bootstrap_interval(worse)[1] > bootstrap_interval(better)[0]
    assert p_value == pytest.approx(2 / 1001)  # none of 1,000 samples is on the other side
    assert compare_paired(worse, better)[:4] == pytest.approx((-difference, -high, -low, p_value))


def test_seeds_are_drawn_alike_and_their_differences_averaged():
    first, second = (np.stack([draw_confusions(hits=h, seed=s) for s in (1, 2)]) for h in (0.75, 0.7))
    both = compare_paired(first, second)
    alone = [compare_paired(*pair) for pair in zip(first, second, strict=True)]
    assert both.each == tuple(one.difference for one in alone)
    assert both.difference == pytest.approx(np.mean(both.each))
    assert both.high - both.low < max(one.high - one.low for one in alone)
    twice = compare_paired(np.stack([first[0]] * 2), np.stack([second[0]] * 2))
    assert twice[:4] == pytest.approx(alone[0][:4])  # the same seed twice is no more certain


def test_comparisons_that_are_read_together_are_corrected():
    assert correct_holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])  # by hand
    assert correct_holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert correct_holm([]).tolist() == []


def test_blocks_are_drawn_whole_and_around_the_end():
    counts = resample_frames(12, 300, seed=3, block=4)
    assert (counts.sum(1) == 12).all()
    for row in counts:  # three blocks of four: each drawn frame has a drawn neighbor
        drawn = np.flatnonzero(row)
        assert all({(frame - 1) % 12, (frame + 1) % 12} & set(drawn) for frame in drawn)
    assert (counts[:, 0] > 0).any()
    assert resample_frames(10, 50, block=4).sum(1).tolist() == [10] * 50


def test_a_block_is_as_long_as_frames_are_alike():
    generator = np.random.default_rng(5)
    noise = generator.normal(size=400)
    assert choose_block(noise) <= 4
    smoothed = np.convolve(noise, np.ones(6) / 6, mode="valid")  # alike up to lag 5
    assert 12 <= choose_block(smoothed) <= 32
    drifting = generator.normal(size=100).cumsum()  # alike over the whole video
    assert choose_block(drifting) == 25
    assert choose_block(np.convolve(noise[:130], np.ones(30) / 30, mode="valid")) <= 25
    assert choose_block(np.ones(30)) == 1
    assert choose_block(np.array([0.5])) == 1


def test_the_interval_of_alike_frames_is_wider_than_that_of_shuffled_ones():
    frames = np.repeat(draw_confusions(frames=30), 8, axis=0)
    shuffled = np.random.default_rng(0).permutation(frames)
    (low, high), (low_shuffled, high_shuffled) = (bootstrap_interval(f, samples=800) for f in (frames, shuffled))
    assert high - low > 2 * (high_shuffled - low_shuffled)
