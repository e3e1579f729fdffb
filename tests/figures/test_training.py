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
    assert "epoch, 10 of 10" in figure.caption
    for axes in figure.figure.axes:
        verticals = {
            tuple(np.ravel(line.get_xdata())) for line in axes.lines if len(set(np.ravel(line.get_xdata()))) == 1
        }
        assert (10, 10) in verticals
        assert (4.5, 4.5) in verticals


def test_unvalidated_epochs_leave_no_hole(history):
    figure = figures.training_curves(history)
    for axes in figure.figure.axes:
        for line in axes.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), float)).all()


def test_stages_are_told_and_the_learning_rate_is_shown_on_demand(history):
    plain = figures.training_curves(history, ["frozen", "all"])
    stacked = figures.training_curves(history, ["frozen", "all"], learning_rate=True)
    assert [len(plain.figure.axes), len(stacked.figure.axes)] == [2, 3]
    assert stacked.figure.axes[2].lines[0].get_ydata().tolist() == history["learning_rate"].tolist()
    for figure in (plain, stacked):
        assert "1 frozen, epochs 1 to 4" in figure.alt
        assert "2 all, epochs 5 to 10, validation mean IoU up to 0.482" in figure.alt


def test_variants_are_ranked(history):
    better = history.assign(val_mean_iou=history["val_mean_iou"] + 0.1)
    figure = figures.variant_curves({"8s": history, "32s": better})
    assert figure.caption.index("32s") < figure.caption.index("8s ")


def test_range_tests_tell_rate_and_reason(history):
    curve = pd.DataFrame({"learning_rate": np.geomspace(1e-5, 0.1, 9), "loss": np.linspace(2, 1, 9)})
    curve["smoothed_loss"] = curve["loss"]
    figure = figures.range_test_curves({"stage 1": (curve, 1e-3, "falls fastest"), "stage 2": (curve, 1e-4, "falls")})
    assert "stage 1 1.0e-03 and stage 2 1.0e-04" in figure.alt
    assert "stage 1: falls fastest" in figure.caption
