"""Cars, vans and buses: a side view, extruded, with glass, lamps and wheels."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seg_helpers.scenes.camera import Camera, place
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import CAR
from seg_helpers.scenes.textures import PAINTS, pick


@dataclass(frozen=True)
class CarShape:
    """Side view of a car, (along, up) in meters from the rear bumper; the cabin stands on the body."""

    width: float
    body: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]
    windows: tuple[tuple[tuple[float, float], ...], ...]
    wheels: tuple[float, float]
    wheel: float = 0.32
    glass: tuple[int, ...] = ()  # panels of the cabin (or of the body where there is none) that are glass

    @property
    def length(self) -> float:
        """Bumper to bumper, in meters."""
        return max(along for along, _ in self.body)


SHAPES = {
    "hatchback": CarShape(
        1.74,
        ((0, 0.28), (0.0, 0.62), (0.06, 0.9), (2.85, 0.94), (3.7, 0.78), (3.9, 0.58), (3.88, 0.28)),
        ((0.08, 0.9), (0.38, 1.36), (0.62, 1.46), (1.95, 1.46), (2.2, 1.4), (3.0, 0.93)),
        (
            ((0.5, 0.95), (0.62, 1.36), (1.35, 1.38), (1.35, 0.95)),
            ((1.45, 0.95), (1.45, 1.38), (2.1, 1.34), (2.7, 0.95)),
        ),
        (0.68, 3.15),
        glass=(0, 4),
    ),
    "saloon": CarShape(
        1.8,
        ((0, 0.3), (0.0, 0.7), (0.1, 0.93), (3.25, 0.93), (4.3, 0.78), (4.52, 0.55), (4.5, 0.3)),
        ((0.72, 0.92), (1.3, 1.36), (1.62, 1.43), (2.55, 1.43), (2.82, 1.36), (3.5, 0.93)),
        (
            ((1.15, 0.96), (1.5, 1.34), (2.05, 1.36), (2.05, 0.96)),
            ((2.15, 0.96), (2.15, 1.36), (2.7, 1.32), (3.2, 0.96)),
        ),
        (0.85, 3.7),
        glass=(0, 4),
    ),
    "estate": CarShape(
        1.88,
        ((0, 0.36), (0.0, 0.8), (0.06, 1.06), (3.4, 1.08), (4.4, 0.96), (4.6, 0.7), (4.58, 0.36)),
        ((0.06, 1.05), (0.3, 1.62), (0.5, 1.72), (2.6, 1.72), (2.85, 1.64), (3.55, 1.07)),
        (
            ((0.5, 1.1), (0.55, 1.6), (1.6, 1.62), (1.6, 1.1)),
            ((1.72, 1.1), (1.72, 1.62), (2.7, 1.58), (3.2, 1.1)),
        ),
        (0.85, 3.7),
        0.36,
        (0, 4),
    ),
    "van": CarShape(
        1.98,
        (
            (0, 0.4),
            (0.0, 2.0),
            (0.12, 2.12),
            (3.5, 2.12),
            (3.75, 2.02),
            (4.35, 1.25),
            (5.0, 1.02),
            (5.08, 0.4),
        ),
        (),
        (((3.1, 1.3), (3.1, 1.9), (3.68, 1.9), (4.15, 1.3)),),
        (0.95, 4.15),
        0.36,
        (4,),
    ),
    "bus": CarShape(
        2.45,
        ((0, 0.4), (0.0, 2.9), (0.15, 3.05), (8.6, 3.05), (8.8, 2.9), (9.0, 1.3), (9.05, 0.4)),
        (),
        tuple(
            ((0.5 + 1.35 * i, 1.4), (0.5 + 1.35 * i, 2.5), (1.7 + 1.35 * i, 2.5), (1.7 + 1.35 * i, 1.4))
            for i in range(6)
        ),
        (2.0, 7.2),
        0.48,
        (4,),
    ),
}


@dataclass(frozen=True)
class Car:
    """A car of one shape and color."""

    shape: CarShape
    paint: np.ndarray
    glass: np.ndarray

    @classmethod
    def random(
        cls, rng: np.random.Generator, kinds=("hatchback", "saloon", "estate", "hatchback", "van")
    ) -> "Car":
        """A car as the street brings it along."""
        kind = kinds[rng.integers(len(kinds))]
        glass = np.array((52, 62, 74), np.float32) * rng.uniform(0.8, 1.35)
        return cls(SHAPES[kind], pick(rng, PAINTS), glass)

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float = 0.0) -> None:
        """Draws it with the middle of its rear (yaw 0: seen from behind; pi: from the front) at (u, s)."""
        pose, shape, half = (u, s, yaw), self.shape, self.shape.width / 2
        depth = float(s + shape.length / 2 * np.cos(yaw) - camera.s)
        side = self._near_side(camera, pose)
        canvas.shade(camera.project(self._footprint() * (1.12, 1, 1.06), pose), 0.55)

        def body_half(y):  # half the width at a height: cars narrow towards the roof
            return half - 0.07 * max(0.0, y - 0.85)

        def cabin_half(y):
            return half - 0.04 - 0.34 * (y - shape.cabin[0][1])

        self._draw_part(
            canvas, camera, pose, shape.body, body_half, side, depth, shape.glass * (not shape.cabin)
        )
        self._draw_lamps(canvas, camera, pose)
        if side:
            self._draw_wheels(canvas, camera, pose, side, depth)
        if shape.cabin:
            self._draw_part(canvas, camera, pose, shape.cabin, cabin_half, side, depth, shape.glass)
        for window in shape.windows if side else ():
            inset = cabin_half if shape.cabin else body_half
            points = [(side * (inset(y) + 0.02), y, z) for z, y in window]
            canvas.polygon(camera.project(points, pose), self.glass * 0.8)

    def _footprint(self) -> np.ndarray:
        half, length = self.shape.width / 2, self.shape.length
        return np.array([(-half, 0, 0), (half, 0, 0), (half, 0, length), (-half, 0, length)])

    def _near_side(self, camera: Camera, pose) -> int:
        """The side (+1 right, -1 left) that the camera sees; 0 for none."""
        for side in (1, -1):
            x, _, s = place([(side * self.shape.width / 2, 0.8, self.shape.length / 2)], *pose)[0]
            normal = place([(side, 0, 0)], 0, 0, pose[2])[0]
            z = s - camera.s
            slope = camera.curve(s + 0.5) - camera.curve(s - 0.5) - camera.heading
            ahead = x - camera.u + float(camera.bend(z)) - slope * z
            if normal[0] * ahead + normal[2] * z < -0.02:
                return side
        return 0

    def _draw_part(self, canvas, camera, pose, outline, half_at, side, depth, glass) -> None:
        """Draws one extruded outline: the panels that face the camera, far ones first, and the near side."""
        toward = (
            1 if np.cos(pose[2]) < 0 else -1
        )  # the end that the camera sees: the front (+1) or the rear (-1)
        panels = []
        for i, ((z0, y0), (z1, y1)) in enumerate(pairwise(outline)):
            up, along = z1 - z0, y0 - y1  # the outward normal of a clockwise outline
            if along * toward > 0 or (up > 0 and camera.height > min(y0, y1)):
                light = 0.62 + 0.42 * max(0.0, up / np.hypot(up, along))
                color = self.glass * (0.9 + 0.35 * light) if i in glass else self.paint * light
                panels.append((toward * (z0 + z1) / 2, (y0, z0, y1, z1), color))
        for _, (y0, z0, y1, z1), color in sorted(panels, key=lambda panel: panel[0]):
            low, high = half_at(y0), half_at(y1)
            corners = [(-low, y0, z0), (low, y0, z0), (high, y1, z1), (-high, y1, z1)]
            canvas.polygon(camera.project(corners, pose), color, CAR, depth)
        if side:
            points = [(side * half_at(y), y, z) for z, y in outline]
            canvas.polygon(camera.project(points, pose), self.paint * 0.78, CAR, depth)

    def _draw_wheels(self, canvas, camera, pose, side, depth) -> None:
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        rings = ((1.18, (20, 20, 22)), (1.0, (38, 38, 40)), (0.6, (150, 152, 156)), (0.2, (60, 60, 64)))
        rings = rings if camera.scale(pose[1]) > 18 else rings[1:3]  # from afar only tire and rim
        x, y = side * (self.shape.width / 2 + 0.01), self.shape.wheel
        for along in self.shape.wheels:
            for share, color in rings:
                points = [(x, y + share * y * np.sin(a), along + share * y * np.cos(a)) for a in angle]
                label = CAR if share == 1.0 else None
                canvas.polygon(camera.project(points, pose), color, label, depth)

    def _draw_lamps(self, canvas, camera, pose) -> None:
        """Lamps, number plate, grille and the shadow below the bumper, on the end that the camera sees."""
        front = np.cos(pose[2]) < 0
        z, half = self.shape.length - 0.06 if front else 0.0, self.shape.width / 2
        low = 0.68 if self.shape.length < 5 else 0.8
        lamp, plate = ((236, 238, 230), (222, 220, 196)) if front else ((196, 24, 24), (216, 186, 60))
        parts = [(-0.26, 0.26, 0.36, 0.5, plate), (-half + 0.05, half - 0.05, 0.27, 0.35, (28, 28, 30))]
        parts += [(end * (half - 0.06), end * (half - 0.42), low, low + 0.15, lamp) for end in (-1, 1)]
        if front:
            parts.append((-0.42, 0.42, 0.55, 0.68, (34, 34, 38)))
        for x0, x1, y0, y1, color in parts:
            corners = [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]
            canvas.polygon(camera.project(corners, pose), color)
