import numpy as np

from seg_helpers.scenes.canvas import Canvas


def test_what_is_drawn_later_covers_image_and_label():
    canvas = Canvas((10, 10))
    square = np.array([(4, 4), (15, 4), (15, 15), (4, 15)])
    canvas.polygon(square, (200, 0, 0), 3, depth=20)
    canvas.polygon(square + 6, (0, 200, 0), 8, depth=10)
    canvas.polygon(square, (90, 90, 90))  # a detail has no label of its own
    image, labels, depth = canvas.finish()
    assert (labels[3, 3], labels[6, 6], labels[9, 9], labels[0, 0]) == (3, 8, 8, 0)
    assert (depth[3, 3], depth[8, 8]) == (20, 10)
    assert image[3, 3].tolist() == [90, 90, 90]
