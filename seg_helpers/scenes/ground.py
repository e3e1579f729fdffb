"""The ground of a street as one long picture from above: asphalt, markings, curbs, paving, grass, shadows."""

from itertools import pairwise

import cv2
import numpy as np

from seg_helpers.scenes.camera import Camera
from seg_helpers.scenes.canvas import Canvas, plain
from seg_helpers.scenes.classes import PAVEMENT, ROAD, TREE
from seg_helpers.scenes.style import Style
from seg_helpers.scenes.textures import noise, to_uint8

HALF_WIDTH = 16.0  # meters of ground to either side of the road's center line
ACROSS, ALONG = 32, 20  # pixels a meter
FARTHEST = 170.0  # meters ahead at which the ground ends
WHITE, YELLOW = np.array((222, 222, 216)) * 0.98, (206, 172, 62)


class Ground:
    """A street's ground, painted once and projected for each frame.

    Args:
        rng: decides tone, crossings, stains, patches, cracks.
        style: cross-section, markings and light of the street.
        start, end: stretch of the street, meters.
        grass: (side, from, to) where grass lies behind the pavement.
        shadows: (n, 2) outlines (u, s) of what lies in the shade.
    """

    def __init__(self, rng: np.random.Generator, style: Style, start: float, end: float, grass, shadows):
        self.start, self.end = start, end
        tone = rng.uniform(0.92, 1.12)
        crossings = np.cumsum(rng.uniform(30, 60, 8)) - 10
        height, width = shape = int((end - start) * ALONG), int(2 * HALF_WIDTH * ACROSS)
        self.labels = np.full(shape, PAVEMENT, np.uint8)
        image = np.empty((*shape, 3), np.uint8)
        image[:] = np.array((164, 158, 150)) * (0.92 + 0.1 * tone)
        image[:: int(0.75 * ALONG)] = image[0, 0] * 0.84  # joints between slabs
        image[:, :: int(0.75 * ACROSS)] = image[1, 1] * 0.86
        for side, *stretch in grass:
            inner = style.half_width + style.pavement
            self._box(image, side * inner, side * HALF_WIDTH, (98, 118, 62), *stretch)
            self._box(self.labels, side * inner, side * HALF_WIDTH, TREE, *stretch)
        self._lay_road(rng, image, style.half_width, np.array((101, 102, 106)) * tone)
        self._mark(image, style, crossings)
        small = height // 4, width // 4
        tone = 1 + 0.055 * noise(rng, small, 60) + 0.04 * rng.standard_normal(small).astype(np.float32)
        shade = np.zeros(small, np.uint8)
        for outline in shadows:
            cv2.fillPoly(shade, [np.round(self._pixels(outline) / 4).astype(np.int32)], 255)
        shade = cv2.GaussianBlur(shade, (0, 0), 1.6).astype(np.float32) / 255 * style.weather.sun
        tone = cv2.resize(tone * (1 - shade), (width, height), interpolation=cv2.INTER_LINEAR)
        self._levels = [to_uint8(image * tone[..., None])]
        for _ in range(2):
            height, width = height // 4, width // 4
            self._levels.append(cv2.resize(self._levels[-1], (width, height), interpolation=cv2.INTER_AREA))

    def draw(self, canvas: Canvas, camera: Camera) -> None:
        """Projects the ground to every pixel below the horizon."""
        horizon = int(np.ceil(camera.center[1] + camera.focal * camera.height / FARTHEST))
        rows = np.arange(horizon, canvas.height, dtype=np.float32)
        z = camera.focal * camera.height / (rows + 0.5 - camera.center[1])
        across = (np.arange(canvas.width, dtype=np.float32) + 0.5 - camera.center[0]) / camera.focal
        u = across[None] * z[:, None] + (camera.u - camera.bend(z))[:, None].astype(np.float32)
        x = ((u + HALF_WIDTH) * ACROSS).astype(np.float32)
        y = np.repeat(((z + camera.s - self.start) * ALONG).astype(np.float32)[:, None], canvas.width, 1)
        edge = cv2.BORDER_REPLICATE
        # Rows further away read smaller copies, so that a marking fades into the asphalt instead of flickering.
        bounds = np.searchsorted(-z, [-np.inf, -60.0, -22.0, np.inf])
        for level, (low, high) in zip((2, 1, 0), pairwise(bounds), strict=True):
            if high > low:
                at = x[low:high] / 4**level, y[low:high] / 4**level
                part = cv2.remap(self._levels[level], *at, cv2.INTER_LINEAR, borderMode=edge)
                canvas.image[horizon + low : horizon + high] = part
        canvas.labels[horizon:] = cv2.remap(self.labels, x, y, cv2.INTER_NEAREST, borderMode=edge)
        canvas.depth[horizon:] = z[:, None]

    def _pixels(self, points) -> np.ndarray:
        """(..., 2) meters (u, s) to pixels of the picture."""
        return (np.asarray(points, np.float64) - (-HALF_WIDTH, self.start)) * (ACROSS, ALONG)

    def _box(self, target, u0, u1, value, s0=None, s1=None) -> None:
        """Fills from u0 to u1 and from s0 to s1, or all along."""
        s0, s1 = (self.start, self.end) if s0 is None else (s0, s1)
        ends = self._pixels([(u0, s0), (u1, s1)]).round().astype(int)
        (x0, y0), (x1, y1) = np.maximum(np.sort(ends, axis=0), 0)
        target[y0:y1, x0:x1] = value

    def _lay_road(self, rng, image, half, asphalt) -> None:
        start, end, length, inner = self.start, self.end, self.end - self.start, half - 0.05
        for side in (-1, 1):  # curb and gutter
            self._box(image, side * half, side * (half + 0.16), (188, 184, 176))
            self._box(image, side * inner, side * half, asphalt * 0.62)
        self._box(image, -inner, inner, asphalt)
        self._box(self.labels, -half, half, ROAD)
        for lane in (-half / 2, half / 2):  # worn by wheels
            for u in (lane - 0.75, lane + 0.75):
                self._box(image, u - 0.2, u + 0.2, asphalt * 0.955)
        for _ in range(int(length / 7)):  # patches
            u, s = rng.uniform(-half, half), rng.uniform(start, end)
            wide, long = rng.uniform(0.5, 1.8), rng.uniform(0.8, 5)
            tone = asphalt * rng.uniform(0.8, 0.93)
            self._box(image, max(u, -inner), min(u + wide, inner), tone, s, s + long)
        for _ in range(int(length / 4)):  # cracks
            first = np.array((rng.uniform(-half, half), rng.uniform(start, end)))
            walk = first + np.cumsum(rng.normal(0, (0.12, 0.3), (14, 2)), axis=0)
            walk[:, 0] = np.clip(walk[:, 0], -half + 0.1, half - 0.1)
            walk = self._pixels(walk).astype(np.int32)
            cv2.polylines(image, [walk], False, plain(asphalt * 0.7), 1, cv2.LINE_AA)
        for _ in range(int(length / 11)):  # manholes and drains
            center = self._pixels((rng.uniform(-half + 0.6, half - 0.6), rng.uniform(start, end))).astype(int)
            radii = int(0.33 * ACROSS), int(0.33 * ALONG)
            cv2.ellipse(image, center.tolist(), radii, 0, 0, 360, plain(asphalt * 0.6), -1)

    def _mark(self, image, style, crossings) -> None:
        half, dash = style.half_width, {"dashed": 3.0, "hatched": 4.5, "solid": None}[style.marking]
        if dash:
            edges = ()
            for s in np.arange(self.start, self.end, 6.0):
                self._box(image, -0.07, 0.07, WHITE, s, s + dash)
        else:
            edges = ((0.3, 0.42),)
            for u in (-0.16, 0.08):
                self._box(image, u, u + 0.1, WHITE)
        for near, far in ((0.22, 0.3), (0.4, 0.48)) if style.yellow else edges:
            for side in (-1, 1):
                self._box(image, side * (half - near), side * (half - far), YELLOW if style.yellow else WHITE)
        for s in crossings:
            for u in np.arange(-half + 0.3, half - 0.5, 1.0):
                self._box(image, u, u + 0.55, WHITE, s, s + 2.8)
            self._box(image, -half + 0.1, 0, WHITE, s - 1.6, s - 1.3)
