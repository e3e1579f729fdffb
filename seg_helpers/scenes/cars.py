"""Cars, vans and buses: a side view, extruded, with glass, lamps and wheels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seg_helpers.scenes.camera import Camera, footprint, place, wheel
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import CAR
from seg_helpers.scenes.textures import PAINTS, pick

Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CarShape:
    """Side view of a car, (along, up) in meters from the rear bumper; the cabin, if any, stands on the body."""

    width: float
    body: Outline
    cabin: Outline
    windows: tuple[Outline, ...]
    axles: tuple[float, float]
    wheel: float  # radius
    glass: tuple[int, ...]  # panels of the cabin, or of the body where there is none, that are glass

    @property
    def length(self) -> float:
        """Bumper to bumper, in meters."""
        return max(along for along, _ in self.body)


SHAPES = {
    "hatchback": CarShape(
        width=1.74,
        body=((0, 0.28), (0.0, 0.62), (0.06, 0.9), (2.85, 0.94), (3.7, 0.78), (3.9, 0.58), (3.88, 0.28)),
        cabin=((0.08, 0.9), (0.38, 1.36), (0.62, 1.46), (1.95, 1.46), (2.2, 1.4), (3.0, 0.93)),
        windows=(
            ((0.5, 0.95), (0.62, 1.36), (1.35, 1.38), (1.35, 0.95)),
            ((1.45, 0.95), (1.45, 1.38), (2.1, 1.34), (2.7, 0.95)),
        ),
        axles=(0.68, 3.15),
        wheel=0.32,
        glass=(0, 4),
    ),
    "saloon": CarShape(
        width=1.8,
        body=((0, 0.3), (0.0, 0.7), (0.1, 0.93), (3.25, 0.93), (4.3, 0.78), (4.52, 0.55), (4.5, 0.3)),
        cabin=((0.72, 0.92), (1.3, 1.36), (1.62, 1.43), (2.55, 1.43), (2.82, 1.36), (3.5, 0.93)),
        windows=(
            ((1.15, 0.96), (1.5, 1.34), (2.05, 1.36), (2.05, 0.96)),
            ((2.15, 0.96), (2.15, 1.36), (2.7, 1.32), (3.2, 0.96)),
        ),
        axles=(0.85, 3.7),
        wheel=0.32,
        glass=(0, 4),
    ),
    "estate": CarShape(
        width=1.88,
        body=((0, 0.36), (0.0, 0.8), (0.06, 1.06), (3.4, 1.08), (4.4, 0.96), (4.6, 0.7), (4.58, 0.36)),
        cabin=((0.06, 1.05), (0.3, 1.62), (0.5, 1.72), (2.6, 1.72), (2.85, 1.64), (3.55, 1.07)),
        windows=(
            ((0.5, 1.1), (0.55, 1.6), (1.6, 1.62), (1.6, 1.1)),
            ((1.72, 1.1), (1.72, 1.62), (2.7, 1.58), (3.2, 1.1)),
        ),
        axles=(0.85, 3.7),
        wheel=0.36,
        glass=(0, 4),
    ),
    "van": CarShape(
        width=1.98,
        body=(
            (0, 0.4),
            (0, 2),
            (0.12, 2.12),
            (3.5, 2.12),
            (3.75, 2.02),
            (4.35, 1.25),
            (5, 1.02),
            (5.08, 0.4),
        ),
        cabin=(),
        windows=(((3.1, 1.3), (3.1, 1.9), (3.68, 1.9), (4.15, 1.3)),),
        axles=(0.95, 4.15),
        wheel=0.36,
        glass=(4,),
    ),
    "bus": CarShape(
        width=2.45,
        body=((0, 0.4), (0.0, 2.9), (0.15, 3.05), (8.6, 3.05), (8.8, 2.9), (9.0, 1.3), (9.05, 0.4)),
        cabin=(),
        windows=tuple(((x, 1.4), (x, 2.5), (x + 1.2, 2.5), (x + 1.2, 1.4)) for x in np.arange(0.5, 8, 1.35)),
        axles=(2.0, 7.2),
        wheel=0.48,
        glass=(4,),
    ),
}


class Car:
    """A car as the street brings it along; `kinds` are those that may come."""

    def __init__(self, rng: np.random.Generator, kinds=("hatchback", "saloon", "estate", "hatchback", "van")):
        self.shape = SHAPES[kinds[rng.integers(len(kinds))]]
        self.glass = np.array((52, 62, 74), np.float32) * rng.uniform(0.8, 1.35)
        self.paint = pick(rng, PAINTS)

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float) -> None:
        """Draws it with the middle of its rear (yaw 0: seen from behind; pi: from the front) at (u, s)."""
        shape, pose, half = self.shape, (u, s, yaw), self.shape.width / 2
        depth = s + shape.length / 2 * np.cos(yaw) - camera.s
        front, side = np.cos(yaw) < 0, self._near_side(camera, pose)

        def paint(points, color, label=None):
            canvas.polygon(camera.project(points, pose), color, label, depth)

        def body_half(y):  # half the width at a height: cars narrow towards the roof
            return half - 0.07 * max(0.0, y - 0.85)

        def cabin_half(y):
            return half - 0.04 - 0.34 * (y - shape.cabin[0][1])

        canvas.shade(camera.project(footprint(1.12 * half, 0, 1.06 * shape.length), pose), 0.55)
        view = side, front, camera.height
        self._draw_part(paint, shape.body, body_half, () if shape.cabin else shape.glass, *view)
        self._draw_lamps(paint, front)
        self._draw_wheels(paint, side, camera.scale(s))
        if shape.cabin:
            self._draw_part(paint, shape.cabin, cabin_half, shape.glass, *view)
        half_at = cabin_half if shape.cabin else body_half
        for window in shape.windows if side else ():
            paint([(side * (half_at(y) + 0.02), y, z) for z, y in window], self.glass * 0.8)

    def _near_side(self, camera: Camera, pose) -> int:
        """The side (+1 right, -1 left) that the camera sees; 0 for none."""
        for side in (1, -1):
            ((u, _, s),) = place([(side * self.shape.width / 2, 0.8, self.shape.length / 2)], *pose)
            z, yaw = s - camera.s, pose[2]
            slope = camera.bend(z + 0.5) - camera.bend(z - 0.5)
            x = u - camera.u + camera.bend(z) - slope * z
            if side * (np.cos(yaw) * x - np.sin(yaw) * z) < -0.02:
                return side
        return 0

    def _draw_part(self, paint, outline, half_at, glass, side, front, eye) -> None:
        """Draws one extruded outline: the panels that face the camera, far ones first, and the near side."""
        toward, panels = 1 if front else -1, []
        for i, ((z0, y0), (z1, y1)) in enumerate(pairwise(outline)):
            up, along = z1 - z0, y0 - y1  # the outward normal of a clockwise outline
            if along * toward > 0 or (up > 0 and eye > min(y0, y1)):
                light = 0.62 + 0.42 * max(0.0, up / np.hypot(up, along))
                color = self.glass * (0.9 + 0.35 * light) if i in glass else self.paint * light
                panels.append((toward * (z0 + z1) / 2, (y0, z0, y1, z1), color))
        for _, (y0, z0, y1, z1), color in sorted(panels, key=lambda panel: panel[0]):
            low, high = half_at(y0), half_at(y1)
            paint([(-low, y0, z0), (low, y0, z0), (high, y1, z1), (-high, y1, z1)], color, CAR)
        if side:
            paint([(side * half_at(y), y, z) for z, y in outline], self.paint * 0.78, CAR)

    def _draw_wheels(self, paint, side, scale) -> None:
        rings = ((1.18, (20, 20, 22)), (1.0, (38, 38, 40)), (0.6, (150, 152, 156)), (0.2, (60, 60, 64)))
        x, y = side * (self.shape.width / 2 + 0.01), self.shape.wheel
        for along in self.shape.axles if side else ():
            for share, color in rings if scale > 18 else rings[1:3]:  # from afar only tire and rim
                paint(wheel(x, y, along, share * y, 14), color, CAR if share == 1.0 else None)

    def _draw_lamps(self, paint, front) -> None:
        """Lamps, number plate, grille and the shadow below the bumper, on the end that the camera sees."""
        z, half = self.shape.length - 0.06 if front else 0.0, self.shape.width / 2
        low = 0.68 if self.shape.length < 5 else 0.8
        lamp, plate = ((236, 238, 230), (222, 220, 196)) if front else ((196, 24, 24), (216, 186, 60))
        parts = [(-0.26, 0.26, 0.36, 0.5, plate), (-half + 0.05, half - 0.05, 0.27, 0.35, (28, 28, 30))]
        parts += [(end * (half - 0.06), end * (half - 0.42), low, low + 0.15, lamp) for end in (-1, 1)]
        if front:
            parts.append((-0.42, 0.42, 0.55, 0.68, (34, 34, 38)))
        for x0, x1, y0, y1, color in parts:
            paint([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], color)
