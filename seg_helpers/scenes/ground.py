"""The ground of a street as one long picture from above: asphalt, markings, curbs, paving, grass, shadows."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from seg_helpers.scenes.camera import Camera
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import PAVEMENT, ROAD, TREE
from seg_helpers.scenes.style import Weather
from seg_helpers.scenes.textures import noise

HALF_WIDTH = 16.0  # meters of ground to either side of the road's center line
ACROSS, ALONG = 32, 20  # pixels a meter


@dataclass(frozen=True)
class RoadPlan:
    """Cross-section and markings of a street, in meters."""

    half_width: float
    pavement: float
    marking: str  # dashed, solid or hatched
    yellow: bool  # double yellow lines along the curbs
    tone: float
    start: float
    end: float
    crossings: tuple[float, ...]
    grass: tuple[tuple[int, float, float], ...]  # (side, from, to) where grass lies behind the pavement


class Ground:
    """A street's ground, painted once and projected for each frame.

    Args:
        rng: decides stains, patches, cracks.
        plan: what lies where.
        weather: decides the shadows' strength.
    """

    def __init__(self, rng: np.random.Generator, plan: RoadPlan, weather: Weather):
        self.plan, self.weather = plan, weather
        rows = int((plan.end - plan.start) * ALONG)
        self.shape = (rows, int(2 * HALF_WIDTH * ACROSS))
        self.labels = np.full(self.shape, PAVEMENT, np.uint8)
        image = np.empty((*self.shape, 3), np.uint8)
        image[:] = np.array((164, 158, 150)) * (0.92 + 0.1 * plan.tone)
        self._lay_slabs(image)
        for side, start, end in plan.grass:
            inner = plan.half_width + plan.pavement
            self._box(image, side * inner, side * HALF_WIDTH, start, end, (98, 118, 62))
            self._box(self.labels, side * inner, side * HALF_WIDTH, start, end, TREE)
        self._lay_road(rng, image)
        self._mark(rng, image)
        small = (rows // 4, self.shape[1] // 4)
        tone = 1 + 0.055 * noise(rng, small, 60, 3) + 0.04 * rng.standard_normal(small).astype(np.float32)
        self._tone = tone  # shadows are laid into it until the first frame is drawn
        self._shadows = np.zeros(small, np.uint8)
        self._image = image
        self._levels: list[np.ndarray] = []

    def cast(self, points: np.ndarray, strength: float = 1.0) -> None:
        """Lays the shadow of something that covers the (n, 2) ground polygon (u, s)."""
        corners = [np.round(self._pixels(points) / 4).astype(np.int32)]
        mask = np.zeros_like(self._shadows)
        cv2.fillPoly(mask, corners, round(255 * strength))
        np.maximum(self._shadows, mask, out=self._shadows)

    def draw(self, canvas: Canvas, camera: Camera, far: float = 170.0) -> None:
        """Projects the ground to every pixel below the horizon."""
        levels = self._levels or self._bake()
        horizon = int(np.ceil(camera.center[1] + camera.focal * camera.height / far))
        rows = np.arange(max(horizon, 0), canvas.height, dtype=np.float32)
        z = camera.focal * camera.height / (rows + 0.5 - camera.center[1])
        across = (np.arange(canvas.width, dtype=np.float32) + 0.5 - camera.center[0]) / camera.focal
        u = across[None] * z[:, None] + (camera.u - camera.bend(z))[:, None].astype(np.float32)
        x = ((u + HALF_WIDTH) * ACROSS).astype(np.float32)
        y = np.repeat(((z + camera.s - self.plan.start) * ALONG).astype(np.float32)[:, None], canvas.width, 1)
        top = len(rows)
        # Rows further away read smaller copies, so that a marking fades into the asphalt instead of flickering.
        bounds = np.searchsorted(-z, [-np.inf, -60.0, -22.0, np.inf])
        for level, (low, high) in zip((2, 1, 0), pairwise(bounds), strict=True):
            if high > low:
                part = slice(low, high)
                scaled = cv2.remap(
                    levels[level],
                    x[part] / 4**level,
                    y[part] / 4**level,
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_REPLICATE,
                )
                canvas.image[horizon + low : horizon + high] = scaled
        labels = cv2.remap(self.labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        canvas.labels[horizon : horizon + top] = labels
        canvas.depth[horizon : horizon + top] = z[:, None]

    def _bake(self) -> list[np.ndarray]:
        shadow = cv2.GaussianBlur(self._shadows, (0, 0), 1.6).astype(np.float32) / 255 * self.weather.sun
        tone = cv2.resize(self._tone * (1 - shadow), self.shape[::-1], interpolation=cv2.INTER_LINEAR)
        image = np.clip(self._image * tone[..., None], 0, 255).astype(np.uint8)
        self._levels = [image]
        for _ in range(2):
            height, width = self._levels[-1].shape[:2]
            self._levels.append(
                cv2.resize(self._levels[-1], (width // 4, height // 4), interpolation=cv2.INTER_AREA)
            )
        del self._image, self._tone, self._shadows
        return self._levels

    def _pixels(self, points) -> np.ndarray:
        points = np.asarray(points, np.float64)
        return np.stack(
            [(points[..., 0] + HALF_WIDTH) * ACROSS, (points[..., 1] - self.plan.start) * ALONG], axis=-1
        )

    def _box(self, target, u0, u1, s0, s1, value) -> None:
        (x0, y0), (x1, y1) = np.sort(self._pixels([(u0, s0), (u1, s1)]).round().astype(int), axis=0)
        target[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = value

    def _lay_slabs(self, image) -> None:
        image[:: int(0.75 * ALONG)] = image[0, 0] * 0.84
        image[:, :: int(0.75 * ACROSS)] = image[1, 1] * 0.86

    def _lay_road(self, rng, image) -> None:
        plan, (start, end) = self.plan, (self.plan.start, self.plan.end)
        asphalt = np.array((101, 102, 106)) * plan.tone
        half = plan.half_width
        for side in (-1, 1):
            self._box(image, side * half, side * (half + 0.16), start, end, (188, 184, 176))
            self._box(image, side * (half - 0.05), side * half, start, end, asphalt * 0.62)
        self._box(image, -half + 0.05, half - 0.05, start, end, asphalt)
        self._box(self.labels, -half, half, start, end, ROAD)
        for lane in (-half / 2, half / 2):
            for wheel in (-0.75, 0.75):
                self._box(image, lane + wheel - 0.2, lane + wheel + 0.2, start, end, asphalt * 0.955)
        for _ in range(int((end - start) / 7)):
            u, s = rng.uniform(-half, half), rng.uniform(start, end)
            wide, long = rng.uniform(0.5, 1.8), rng.uniform(0.8, 5)
            self._box(
                image,
                max(u, -half + 0.05),
                min(u + wide, half - 0.05),
                s,
                s + long,
                asphalt * rng.uniform(0.8, 0.93),
            )
        for _ in range(int((end - start) / 4)):  # cracks
            first = np.array((rng.uniform(-half, half), rng.uniform(start, end)))
            walk = first + np.cumsum(rng.normal(0, (0.12, 0.3), (14, 2)), axis=0)
            walk[:, 0] = np.clip(walk[:, 0], -half + 0.1, half - 0.1)
            cv2.polylines(
                image, [self._pixels(walk).astype(np.int32)], False, (asphalt * 0.7).tolist(), 1, cv2.LINE_AA
            )
        for _ in range(int((end - start) / 11)):  # manholes and drains
            center = self._pixels((rng.uniform(-half + 0.6, half - 0.6), rng.uniform(start, end))).astype(int)
            cv2.ellipse(
                image,
                center.tolist(),
                (int(0.33 * ACROSS), int(0.33 * ALONG)),
                0,
                0,
                360,
                (asphalt * 0.6).tolist(),
                -1,
            )

    def _mark(self, rng, image) -> None:
        plan, half = self.plan, self.plan.half_width
        white, yellow = np.array((222, 222, 216)) * 0.98, (206, 172, 62)
        period = 6.0
        for s in np.arange(plan.start, plan.end, period):
            if plan.marking == "dashed":
                self._box(image, -0.07, 0.07, s, s + 3.0, white)
            elif plan.marking == "hatched":
                self._box(image, -0.07, 0.07, s, s + 4.5, white)
        if plan.marking == "solid":
            for u in (-0.16, 0.08):
                self._box(image, u, u + 0.1, plan.start, plan.end, white)
        for side in (-1, 1):
            lines = (
                ((0.22, 0.3), (0.4, 0.48))
                if plan.yellow
                else ((0.3, 0.42),)
                if plan.marking == "solid"
                else ()
            )
            for near, far in lines:
                self._box(
                    image,
                    side * (half - near),
                    side * (half - far),
                    plan.start,
                    plan.end,
                    yellow if plan.yellow else white,
                )
        for s in plan.crossings:
            for u in np.arange(-half + 0.3, half - 0.5, 1.0):
                self._box(image, u, u + 0.55, s, s + 2.8, white)
            self._box(image, -half + 0.1, 0, s - 1.6, s - 1.3, white)
