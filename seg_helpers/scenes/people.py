"""People on foot and on bicycles: limbs between joints, moved by a phase."""

import numpy as np

from seg_helpers.scenes.camera import Camera, footprint, place, wheel
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import BICYCLIST, PEDESTRIAN
from seg_helpers.scenes.textures import PAINTS, pick

CLOTHES = ((30, 36, 58), (120, 30, 36), (54, 84, 58), (176, 160, 130), (60, 60, 64), (196, 60, 50), (50, 96, 160),
           (210, 205, 196), (90, 60, 110), (214, 150, 40), (24, 24, 28))  # fmt: skip
SKINS = ((226, 184, 152), (198, 146, 112), (142, 98, 70), (96, 66, 50))
HAIRS = ((40, 30, 24), (90, 62, 36), (150, 118, 70), (170, 168, 164))
BRIGHTS = ((214, 230, 60), (240, 120, 30), (220, 50, 50), (60, 150, 220), (230, 230, 226))


def _draw_limbs(canvas, camera, pose, limbs, label, size=1.0) -> None:
    """Draws (start, end, radius, color) limbs, far ones first, each lit from above and a side."""
    points = place(size * np.reshape([limb[:2] for limb in limbs], (-1, 3)), *pose)
    depths = points[:, 2].reshape(-1, 2).mean(axis=1) - camera.s
    ends = camera.project(points).reshape(-1, 2, 2)
    for i in np.argsort(-depths):
        (start, end), (*_, radius, color) = ends[i], limbs[i]
        radius, color = radius * size * camera.scale(pose[1]), np.asarray(color)
        canvas.line(start, end, 2 * radius, color * 0.78, label, depths[i])
        if radius > 1.2:
            shift = np.array((-0.25, -0.2)) * radius
            canvas.line(start + shift, end + shift, 1.25 * radius, color * 1.06)


class Person:
    """A passer-by on foot; one in seven is a child."""

    def __init__(self, rng: np.random.Generator):
        self.height = rng.uniform(1.1, 1.35) if rng.random() < 0.14 else rng.uniform(1.58, 1.9)  # meters
        self.bag = pick(rng, CLOTHES) if rng.random() < 0.35 else None
        self.hair = pick(rng, HAIRS)
        self.jacket, self.trousers = pick(rng, CLOTHES), pick(rng, CLOTHES) * 0.75
        self.skin, self.coat = pick(rng, SKINS), rng.random() < 0.3

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float, phase: float) -> None:
        """Draws them standing at (u, s), walking along yaw; `phase` (radians) is where they are in their stride."""
        size = self.height / 1.75
        swing, bend = 0.36 * np.sin(phase), 0.12 * (1 + np.cos(phase))
        canvas.shade(camera.project(footprint(0.3 * size, -0.16 * size, 0.16 * size), (u, s, 0)), 0.4)
        limbs = []
        for side in (-1, 1):
            lean = side * swing
            hip, knee = (0.09 * side, 0.88, 0), (0.1 * side, 0.5, 0.55 * lean + 0.04)
            sole = (0.1 * side, 0.08, lean - bend * (lean < 0))
            shoulder, elbow = (0.21 * side, 1.38, 0), (0.25 * side, 1.12, -0.4 * lean)
            hand = (0.24 * side, 0.88, -0.7 * lean + 0.06)
            limbs += [
                (hip, knee, 0.095, self.trousers),
                (knee, sole, 0.072, self.trousers),
                (sole, (sole[0], 0.05, sole[2] + 0.14), 0.05, (34, 30, 28)),
                (shoulder, elbow, 0.062, self.jacket * 0.92),
                (elbow, hand, 0.052, self.jacket * 0.92),
                (hand, hand, 0.05, self.skin),
            ]
        for side in (-0.11, 0, 0.11):  # the trunk, as broad seen from the front as it is flat from the side
            limbs.append(((side, 0.92, 0), (side * 1.1, 1.36, 0), 0.115, self.jacket))
            if self.coat:
                limbs.append(((side * 1.25, 0.62, 0), (side, 0.95, 0), 0.115, self.jacket * 0.95))
        if self.bag is not None:
            limbs.append(((0, 1.05, -0.2), (0, 1.3, -0.2), 0.13, self.bag))
        limbs += [
            ((0, 1.45, 0), (0, 1.56, 0), 0.06, self.skin),
            ((0, 1.63, 0.03), (0, 1.67, 0.03), 0.105, self.skin),
            ((0, 1.69, -0.04), (0, 1.7, -0.02), 0.112, self.hair),
        ]
        _draw_limbs(canvas, camera, (u, s, yaw), limbs, PEDESTRIAN, size)


class Cyclist:
    """A rider, more often than not in something bright, and the bicycle; both are one class."""

    def __init__(self, rng: np.random.Generator):
        self.jacket = pick(rng, BRIGHTS if rng.random() < 0.6 else CLOTHES)
        self.trousers = pick(rng, CLOTHES) * 0.7
        self.helmet = pick(rng, (*BRIGHTS, (40, 34, 30)))
        self.frame, self.skin = pick(rng, PAINTS), pick(rng, SKINS)

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float, phase: float) -> None:
        """Draws them at (u, s), riding along yaw; `phase` (radians) turns the pedals."""
        pose, tire = (u, s, yaw), max(2.0, 0.07 * camera.scale(s))
        canvas.shade(camera.project(footprint(0.28, -0.8, 0.8), pose), 0.4)
        rear, front = (0, 0.35, -0.53), (0, 0.35, 0.53)
        for hub in (rear, front):
            rim = camera.project(wheel(*hub, 0.34, 18), pose)
            canvas.outline(rim, tire, (30, 30, 32), BICYCLIST, s - camera.s)
        seat, crank, fork, bars = (0, 0.88, -0.2), (0, 0.3, -0.02), (0, 0.78, 0.4), (0, 1.0, 0.38)
        tubes = [(seat, crank), (seat, fork), (crank, fork), (rear, crank), (rear, seat), (front, bars)]
        limbs = [(*tube, 0.03, self.frame) for tube in tubes]
        limbs.append(((-0.24, 1.02, 0.4), (0.24, 1.02, 0.4), 0.025, (40, 40, 42)))
        for side in (-1, 1):
            turn = phase + np.pi * (side > 0)
            knee = (0.13 * side, 0.72 + 0.1 * np.sin(turn), 0.2 + 0.05 * np.cos(turn))
            x, y, z = pedal = (0.11 * side, 0.3 + 0.17 * np.sin(turn), -0.02 + 0.17 * np.cos(turn))
            elbow = (0.23 * side, 1.2, 0.26)
            limbs += [
                ((0.1 * side, 0.97, -0.18), knee, 0.085, self.trousers),
                (knee, pedal, 0.065, self.trousers),
                (pedal, (x, y, z + 0.12), 0.05, (30, 28, 28)),
                ((0.2 * side, 1.4, 0.06), elbow, 0.06, self.jacket),
                (elbow, (0.23 * side, 1.04, 0.4), 0.05, self.jacket),
            ]
        limbs += [((side, 1.0, -0.16), (side, 1.4, 0.05), 0.115, self.jacket) for side in (-0.11, 0, 0.11)]
        limbs.append(((0, 1.6, 0.14), (0, 1.63, 0.14), 0.1, self.skin))
        limbs.append(((0, 1.68, 0.11), (0, 1.7, 0.13), 0.118, self.helmet))
        _draw_limbs(canvas, camera, pose, limbs, BICYCLIST)
