"""Generated soccer scenes in four classes, as the RoboCup set has them: background, ball, field lines, field."""

from collections.abc import Iterator
from itertools import groupby

import cv2
import numpy as np
import pandas as pd

from seg_helpers.scenes.canvas import Canvas, ellipse, plain
from seg_helpers.scenes.textures import fill, grain, noise, to_uint8

CLASSES = "Background", "Ball", "Lines", "Field"
BACKGROUND, BALL, LINES, FIELD = range(4)
LENGTH, WIDTH = 9.0, 6.0  # meters, of RoboCup's humanoid field
STRIPE = 0.06
SCALE = 64  # pixels a meter of the field's picture from above
MARGIN = 1.0  # meters of turf around the lines
SPLITS = (("train", 0.7), ("val", 0.15), ("test", 0.15))  # share of the frames
CLIP_FRAMES = 10
TEAMS = (40, 90, 200), (206, 40, 60)
SECONDS_PER_FRAME = 0.2


def plan_frames(frames: int) -> pd.DataFrame:
    """Shares `frames` among the splits, at least one each: `clip`, `split`, `position` in the clip.

    Each clip is a robot's look around from one place in a hall with its own light; no clip is in two splits.
    """
    rows = []
    for split, share in SPLITS:
        count = max(1, round(frames * share))
        rows += [(f"{split.title()}{i // CLIP_FRAMES:02d}", split, i % CLIP_FRAMES) for i in range(count)]
    return pd.DataFrame(rows, columns=["clip", "split", "position"])


def draw_frames(plan: pd.DataFrame, size: tuple[int, int], seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Draws the frames of a plan one by one: (H, W, 3) uint8 RGB and (H, W) uint8 labels, of `size` (height, width)."""
    for name, rows in groupby(plan.itertuples(), key=lambda row: row.clip):
        hall = _Hall(np.random.default_rng([seed, *name.encode()]), size)
        for row in rows:
            yield hall.render(row.position)


class _Hall:
    """One clip: a field in a hall, robots and a ball on it, and the robot that looks."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]):
        self.size = size
        self.light = rng.uniform(0.72, 1.12) * np.array((1, 1, rng.uniform(0.86, 1.06)), np.float32)
        self._field, self._labels = _paint_field(rng)
        self._around = _paint_hall(rng)
        self.eye = np.array((rng.uniform(-3.5, 2.5), rng.uniform(-2.2, 2.2), rng.uniform(0.55, 0.95)))
        self.pan, self.tilt = rng.uniform(-0.7, 0.7), rng.uniform(0.3, 0.5)
        self.sweep, self.seed = rng.uniform(0.25, 0.6), int(rng.integers(1 << 30))
        self.ball = self._before(rng.uniform(0.9, 2.8), rng.uniform(-0.35, 0.35))
        self.roll = rng.normal(0, 0.05, 2)
        self.patch = np.array(((228, 228, 224), (236, 130, 30), (214, 60, 40))[rng.integers(3)], np.float32)
        self.robots = []  # place, height, team's color, lightness
        for i in range(rng.integers(2, 5)):
            spot = self._before(rng.uniform(1.6, 5), rng.uniform(-0.8, 0.8))
            self.robots.append((spot, rng.uniform(0.5, 0.85), TEAMS[i % 2], rng.uniform(0.75, 1.1)))

    def render(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame number `frame`: (H, W, 3) uint8 RGB and (H, W) uint8 labels."""
        rng = np.random.default_rng((self.seed, frame))
        canvas = Canvas(self.size)
        sway = 0.004 * np.sin(1.7 * frame)  # the robot sways as it walks
        pan = self.pan + self.sweep * np.sin(0.35 * frame)
        self._aim(canvas, pan, self.tilt + sway + 0.05 * np.sin(0.5 * frame))
        self._draw_ground(canvas)
        ball = self.ball + self.roll * frame
        things = [(ball, self._draw_ball, (np.append(ball, 0.0), frame))]
        for spot, *looks in self.robots:
            spot = spot + 0.04 * rng.normal(size=2)
            things.append((spot, self._draw_robot, (np.append(spot, 0.0), *looks)))
        things += [(np.array((end * LENGTH / 2, 0)), self._draw_goal, (end,)) for end in (-1, 1)]
        for _, draw, details in sorted(things, key=lambda thing: -np.linalg.norm(thing[0] - self.eye[:2])):
            draw(canvas, *details)
        image, labels, _ = canvas.finish()
        image = cv2.GaussianBlur(image * self.light * rng.uniform(0.94, 1.06), (0, 0), rng.uniform(0.4, 0.9))
        return to_uint8(image + grain(rng, labels.shape, 3.5)), labels

    def _before(self, distance: float, angle: float) -> np.ndarray:
        """A place on the field, so far away and so much to the left of where the robot looks, kept on the turf."""
        bearing = self.pan + angle
        place = self.eye[:2] + distance * np.array((np.cos(bearing), np.sin(bearing)))
        return np.clip(place, (-LENGTH / 2 - 0.4, -WIDTH / 2 - 0.4), (LENGTH / 2 + 0.4, WIDTH / 2 + 0.4))

    def _aim(self, canvas, pan: float, tilt: float) -> None:
        forward = np.array((np.cos(pan) * np.cos(tilt), np.sin(pan) * np.cos(tilt), -np.sin(tilt)))
        right = np.array((np.sin(pan), -np.cos(pan), 0.0))
        self._axes = np.stack([right, np.cross(forward, right), forward])
        self._focal, self._center = 0.8 * canvas.width, np.array((canvas.width / 2, canvas.height / 2))

    def _project(self, points) -> tuple[np.ndarray, np.ndarray]:
        """(n, 3) meters to (n, 2) pixels and the distances ahead."""
        seen = (np.asarray(points, np.float64) - self.eye) @ self._axes.T
        ahead = np.maximum(seen[:, 2], 0.05)
        return self._center + self._focal * seen[:, :2] / ahead[:, None], seen[:, 2]

    def _draw_ground(self, canvas) -> None:
        """Looks along every pixel: down to the field's picture, or level and up to the hall's."""
        y, x = np.mgrid[: canvas.height, : canvas.width].astype(np.float32)
        x, y = (x - self._center[0]) / self._focal, (y - self._center[1]) / self._focal
        rays = (np.stack([x, y, np.ones_like(x)], axis=-1) @ self._axes.astype(np.float32)).astype(np.float32)
        down = rays[..., 2] < -0.02
        reach = self.eye[2] / np.maximum(-rays[..., 2], 0.02)
        field_x = ((self.eye[0] + reach * rays[..., 0] + LENGTH / 2 + MARGIN) * SCALE).astype(np.float32)
        field_y = ((self.eye[1] + reach * rays[..., 1] + WIDTH / 2 + MARGIN) * SCALE).astype(np.float32)
        angle = np.arctan2(rays[..., 1], rays[..., 0])
        hall_x = ((angle / np.pi + 1) / 2 * (self._around.shape[1] - 1)).astype(np.float32)
        steep = rays[..., 2] / np.hypot(rays[..., 0], rays[..., 1])
        hall_y = ((0.75 - steep * 1.1) * self._around.shape[0]).astype(np.float32)
        edge = cv2.BORDER_REPLICATE
        canvas.image[:] = cv2.remap(self._around, hall_x, hall_y, cv2.INTER_LINEAR, borderMode=edge)
        rows, columns = self._labels.shape
        on_turf = down & (field_x >= 0) & (field_x < columns) & (field_y >= 0) & (field_y < rows)
        turf = cv2.remap(self._field, field_x, field_y, cv2.INTER_LINEAR, borderMode=edge)
        labels = cv2.remap(self._labels, field_x, field_y, cv2.INTER_NEAREST, borderMode=edge)
        canvas.image[on_turf], canvas.labels[on_turf] = turf[on_turf], labels[on_turf]

    def _draw_ball(self, canvas, ball, frame) -> None:
        radius = 0.1
        (center, rim), (ahead, _) = self._project([ball + np.array((0, 0, radius)), ball])
        if ahead < 0.3:
            return
        size = radius * self._focal / ahead
        canvas.shade(rim + size * ellipse(1, 0.45, 14), 0.45)
        canvas.disc(center, size, (214, 214, 210), BALL, ahead)
        canvas.disc(center - size * np.array((0.12, 0.15)), 0.78 * size, (244, 244, 240))
        for i in range(5):
            turn = 0.9 * frame + 1.26 * i
            spot = center + size * 0.56 * np.array((np.cos(turn), np.sin(turn)))
            canvas.disc(spot, 0.22 * size, self.patch if i % 2 else (36, 36, 40))

    def _draw_robot(self, canvas, spot, height, team, tone) -> None:
        (foot,), (ahead,) = self._project([spot])
        if ahead < 0.6:
            return
        scale = self._focal / ahead * height
        canvas.shade(foot + scale * ellipse(0.24, 0.08, 14), 0.5)
        shell, joint = np.array((206, 208, 212)) * tone, np.array((54, 56, 62)) * tone
        parts = [((side * 0.09, 0.03), (side * 0.08, 0.45), 0.085, joint) for side in (-1, 1)]
        parts += [((side * 0.2, 0.72), (side * 0.25, 0.42), 0.06, shell) for side in (-1, 1)]
        parts.append(((0, 0.5), (0, 0.72), 0.24, shell))
        parts.append(((-0.07, 0.62), (0.07, 0.62), 0.12, np.array(team)))
        parts += [((0, 0.88), (0, 0.93), 0.14, shell), ((-0.04, 0.91), (0.04, 0.91), 0.05, joint * 0.5)]
        for start, end, width, color in parts:
            ends = [foot + scale * np.array((x, -y)) for x, y in (start, end)]
            canvas.line(*ends, width * scale, color * 0.85, BACKGROUND, ahead)
            canvas.line(*(point - 0.2 * width * scale for point in ends), 0.4 * width * scale, color * 1.08)

    def _draw_goal(self, canvas, end) -> None:
        x, half, high = end * LENGTH / 2, 1.3, 1.1
        corners = [(x, -half, 0), (x, -half, high), (x, half, high), (x, half, 0)]
        points, ahead = self._project(corners)
        if ahead.min() < 0.4:
            return
        for i in range(3):
            width = 0.1 * self._focal / ahead[i : i + 2].mean()
            canvas.line(points[i], points[i + 1], width, (232, 232, 230), BACKGROUND, 1.0)


def _paint_field(rng) -> tuple[np.ndarray, np.ndarray]:
    """The field from above: turf in mown stripes, white lines; (rows, columns, 3) uint8 and its labels."""
    shape = round((WIDTH + 2 * MARGIN) * SCALE), round((LENGTH + 2 * MARGIN) * SCALE)
    tint = np.array((rng.uniform(0.9, 1.2), 1, rng.uniform(0.85, 1.15)), np.float32)
    turf = np.array((52, 128, 62), np.float32) * tint * rng.uniform(0.8, 1.2)
    stripe = (np.arange(shape[1]) // int(0.75 * SCALE)) % 2
    light = (1 + 0.05 * stripe) * (1 + 0.07 * noise(rng, shape, 90, 5))
    image = (turf * light[..., None]).astype(np.float32) + grain(rng, shape, 7)
    lines = np.zeros(shape, np.uint8)

    def pixel(x, y):
        return round((x + LENGTH / 2 + MARGIN) * SCALE), round((y + WIDTH / 2 + MARGIN) * SCALE)

    thick, x, y = round(STRIPE * SCALE), LENGTH / 2, WIDTH / 2
    cv2.rectangle(lines, pixel(-x, -y), pixel(x, y), 255, thick)
    cv2.line(lines, pixel(0, -y), pixel(0, y), 255, thick)
    cv2.circle(lines, pixel(0, 0), round(0.75 * SCALE), 255, thick)
    for end in (-1, 1):
        cv2.rectangle(lines, pixel(end * x, -1.1), pixel(end * (x - 1), 1.1), 255, thick)
        cv2.rectangle(lines, pixel(end * x, -2.0), pixel(end * (x - 2), 2.0), 255, thick)
        cv2.circle(lines, pixel(end * (x - 1.5), 0), thick, 255, -1)
    worn = np.clip(0.9 + 0.16 * noise(rng, shape, 40, 4), 0.55, 1.0) * (lines > 0)
    image = image * (1 - worn[..., None]) + np.array((226, 230, 224)) * worn[..., None]
    return to_uint8(image), np.where(lines > 0, LINES, FIELD).astype(np.uint8)


def _paint_hall(rng) -> np.ndarray:
    """What surrounds the field, all the way round: floor, boards with banners, people, a wall, windows."""
    height, width = 256, 2048
    tint = np.array((1, rng.uniform(0.92, 1.05), rng.uniform(0.85, 1.1)))
    wall = np.array((150, 146, 140)) * tint * rng.uniform(0.6, 1.1)
    image = np.repeat(wall * np.linspace(1.15, 0.8, height)[:, None, None], width, axis=1).astype(np.float32)
    for x in range(0, width, 128):
        fill(image, x + 20, 20, x + 96, 80, np.array((206, 214, 222)) * rng.uniform(0.7, 1.1))
    floor = round(height * 0.75)
    for _ in range(70):  # spectators, seen as heads and shoulders
        x, top = int(rng.integers(width)), floor - int(rng.integers(26, 52))
        fill(image, x - 8, top, x + 8, floor, rng.uniform(30, 200, 3))
        cv2.circle(image, (x, top - 5), 6, plain(np.array((206, 160, 128)) * rng.uniform(0.5, 1.1)), -1)
    x = 0
    while x < width:
        end = x + int(rng.integers(60, 220))
        fill(image, x, floor - 16, end, floor, rng.uniform(40, 220, 3))
        x = end
    image[floor:] = np.array((122, 120, 118)) * rng.uniform(0.7, 1.1)
    image = cv2.GaussianBlur(image, (0, 0), 1.2) + grain(rng, (height, width), 3)
    return to_uint8(image)
