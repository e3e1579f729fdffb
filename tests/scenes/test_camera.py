import numpy as np

from seg_helpers.scenes.camera import Camera, place


def test_perspective_shrinks_with_distance():
    camera = Camera(s=10, u=0, height=1.5, focal=100, center=(50, 40), curve=lambda s: 0.0 * s)
    (near, far, ground) = camera.project([(1, 1.5, 20), (1, 1.5, 30), (0, 0, 20)])
    assert near.tolist() == [60, 40]
    assert far.tolist() == [55, 40]
    assert ground.tolist() == [50, 55]
    assert place([(0, 0, 1)], 2, 3, np.pi / 2).round(9).tolist() == [[3, 0, 3]]
