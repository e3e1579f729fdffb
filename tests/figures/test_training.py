import numpy as np
import pandas as pd
import pytest

from seg_helpers import figures


def test_best_epoch_is_the_first_of_equals(history):
    history = history.assign(val_mean_iou=[0.1, 0.4, 0.4, np.nan, 0.2, 0.3, 0.4, 0.1, 0.1, 0.1])
    assert figures.best_epoch(history) == (2, 0.4)


def test_no_validation_is_an_error(history):
    with pytest.raises(ValueError, match="no validation mean IoU"):
        figures.best_epoch(history.assign(val_mean_iou=np.nan))


def test_curves_mark_the_best_epoch_and_stages(history):
    figure = figures.training_curves(history, ["frozen", "all"])
    assert "epoch, 10 of 10" in figure.seg_caption
    assert "1 frozen and 2 all" in figure.seg_caption
    for axes in figure.axes:
        verticals = {
            tuple(np.ravel(line.get_xdata()))
            for line in axes.lines
            if len(set(np.ravel(line.get_xdata()))) == 1
        }
        assert (10, 10) in verticals
        assert (4.5, 4.5) in verticals


def test_unvalidated_epochs_leave_no_hole(history):
    figure = figures.training_curves(history)
    for axes in figure.axes:
        for line in axes.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()


def test_stage_curves_name_every_stage(history):
    figure = figures.stage_curves(history, ["frozen", "all"])
    assert "frozen: epochs 1 to 4" in figure.seg_alt
    assert "all: epochs 5 to 10" in figure.seg_alt


def test_variants_are_ranked(history):
    better = history.assign(val_mean_iou=history["val_mean_iou"] + 0.1)
    figure = figures.variant_curves({"8s": history, "32s": better})
    assert figure.seg_caption.index("32s") < figure.seg_caption.index("8s ")
    loss = figures.variant_curves({"8s": history}, "val_loss")
    assert "lowest epoch" in loss.seg_caption


def test_learning_rate_and_range_test(history):
    assert "highest (1.0e-02) in epoch 1" in figures.learning_rate_curve(history).seg_caption
    curve = pd.DataFrame({"learning_rate": np.geomspace(1e-5, 0.1, 9), "loss": np.linspace(2, 1, 9)})
    curve["smoothed_loss"] = curve["loss"]
    figure = figures.range_test_curves(
        {"stage 1": (curve, 1e-3, "falls fastest"), "stage 2": (curve, 1e-4, "falls")}
    )
    assert "stage 1 1.0e-03 and stage 2 1.0e-04" in figure.seg_alt
    assert "falls fastest" in figures.range_test_curve(curve, 1e-3, "falls fastest").seg_caption
