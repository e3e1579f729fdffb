import numpy as np
import pytest

from seg_helpers import figures
from seg_helpers.config import StageConfig
from seg_helpers.figures.training import best_epoch, stage_titles, training_curves

STAGES = [StageConfig(epochs=4, scale=0.5, unfreeze=0), StageConfig(epochs=6)]


def test_best_epoch_is_the_first_of_equals(history):
    history = history.assign(val_mean_iou=[0.1, 0.4, 0.4, np.nan, 0.2, 0.3, 0.4, 0.1, 0.1, 0.1])
    assert best_epoch(history) == (2, 0.4)


def test_curves_mark_the_best_epoch_and_stages(make_run):
    figure = training_curves(make_run(planned=STAGES))
    assert "epoch, 10 of 10" in figure.caption
    assert [text.get_text() for text in figure.figure.axes[0].texts] == ["half size, encoder frozen", "full size"]
    for axes in figure.figure.axes:
        verticals = {
            tuple(np.ravel(line.get_xdata())) for line in axes.lines if len(set(np.ravel(line.get_xdata()))) == 1
        }
        assert (10, 10) in verticals
        assert (4.5, 4.5) in verticals


def test_a_spike_of_the_first_epoch_does_not_flatten_the_loss(make_run, history):
    losses, iou, accuracy = training_curves(make_run(history=history.assign(train_loss=[90.0, *[1.0] * 9]))).figure.axes
    assert losses.get_ylim()[1] < 2.5
    assert [axes.get_title("left") for axes in (losses, iou, accuracy)] == ["Loss", "Mean IoU", "Pixel accuracy"]
    assert [line.get_label() for line in accuracy.lines[:2]] == ["training", "validation"]


def test_unvalidated_epochs_leave_no_hole(make_run):
    for axes in training_curves(make_run()).figure.axes:
        for line in axes.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()


def test_stages_are_named_by_size_and_by_what_learns(make_run):
    top = StageConfig(epochs=2, unfreeze=2)
    names = stage_titles(make_run(planned=[STAGES[0], top, STAGES[1]]))
    assert names == ["half size, encoder frozen", "full size, top 2 stages", "full size"]
    assert stage_titles(make_run()) == []


def test_variants_are_ranked(make_run, history):
    better = history.assign(val_mean_iou=history["val_mean_iou"] + 0.1)
    figure = figures.variant_curves([make_run("8s"), make_run("32s", history=better)])
    best = history["val_mean_iou"].max()
    assert figure.alt.endswith(f"32s: {best + 0.1:.3f}, epoch 10, 8s: {best:.3f}, epoch 10")


@pytest.mark.parametrize("stages", [(0, 1), (1,)])
def test_range_tests_tell_rate_and_reason(make_run, stages):
    rates = np.geomspace(1e-5, 0.1, 9).tolist()
    curve = {"learning_rate": rates, "loss": list(range(9)), "smoothed_loss": list(range(9))}
    tests = {stage: {"curve": curve, "rate": 10.0 ** (stage - 4), "reason": f"falls {stage}"} for stage in stages}
    figure = figures.range_test_curves(make_run(planned=STAGES, range_tests=tests))
    assert "Stage 2: 1.0e-03, falls 1" in figure.caption
    assert figure.figure.axes[-1].get_title("left") == "stage 2: full size"
    assert len(figure.figure.axes) == len(stages)
