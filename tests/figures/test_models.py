import numpy as np

from seg_helpers import figures


def test_atrous_taps_outside_are_counted(frame):
    figure = figures.atrous_rates(frame[0], [1, 2, 40], output_stride=4)
    assert "rate 1 spans 12 pixels (25% of the width), 9 of 9" in figure.alt
    assert "rate 40 spans 324 pixels (675% of the width), 1 of 9" in figure.alt


def test_rates_too_wide_for_an_input_are_said():
    assert "every rate reaches" in figures.atrous_finding((360, 480), (6, 12, 18), 16)
    some = figures.atrous_finding((200, 280), (6, 12, 18), 16)  # 13 x 18 cells
    assert "rate 18 reaches beyond the frame" in some
    assert "Of the pyramid" not in some
    none = figures.atrous_finding((60, 80), (6, 12, 18), 16)
    assert "rates 6, 12 and 18 reach beyond the frame" in none
    assert "Of the pyramid, only the image's average" in none


def test_branches_show_shape_and_most_varied_channel(frame, rng):
    features = rng.normal(0, 0.01, (6, 9, 12))
    features[4] *= 500
    figure = figures.branch_features(frame[0], {"deep branch": features}, channels=3)
    titles = [axes.get_title(loc="left") for axes in figure.figure.axes]
    assert titles[1] == "mean of 6\n9×12, 1/4"
    assert titles[2] == "channel 4"
    assert "deep branch: 6 channels of 9×12." in figure.caption


def test_pyramid_bins_average_the_image():
    image = np.zeros((12, 12, 3), np.uint8)
    image[:, 6:] = 200
    figure = figures.pyramid_bins(image, [1, 2])
    assert figure.figure.axes[1].images[0].get_array()[0, 0].tolist() == [100, 100, 100]
    assert figure.figure.axes[2].images[0].get_array()[0, :, 0].tolist() == [0] * 6 + [200] * 6
