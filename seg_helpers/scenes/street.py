"""A street for one clip: planned from a seed, then drawn from wherever the camera has got to."""

from dataclasses import dataclass

import cv2
import numpy as np

from seg_helpers.scenes.camera import Camera
from seg_helpers.scenes.canvas import OVERSAMPLING, Canvas, ellipse
from seg_helpers.scenes.cars import Car
from seg_helpers.scenes.classes import BUILDING, ROAD, SKY, TREE
from seg_helpers.scenes.furniture import Bin, Fence, Lamp, Sign
from seg_helpers.scenes.ground import Ground
from seg_helpers.scenes.style import Style
from seg_helpers.scenes.textures import (
    FACADE_SCALE,
    ROOFS,
    bush,
    facade,
    halvings,
    pick,
    plain_wall,
    sky,
    skyline,
    tiles,
    to_uint8,
    tree,
)
from seg_helpers.scenes.traffic import SECONDS_PER_FRAME, SPEED, Thing, plan_traffic

VIEW = 130.0  # meters that exist ahead of the camera
SUN_SLOPE = 0.62, 0.3  # how far the shadow of a meter of height reaches, across and along
BEND = 3.0  # sideways swing of the road, meters
PIECE = 3.0  # meters of a fence that are drawn, and sorted by distance, as one


class House:
    """A box along the road, its front towards it, under a flat or a pitched roof.

    Args:
        rng: decides everything else.
        floors: fewest and most.
        lit: light on front and roof; 1 leaves them as painted.
    """

    def __init__(self, rng: np.random.Generator, floors: tuple[int, int], lit: float):
        self.length, story = rng.uniform(6.5, 14), rng.uniform(2.8, 3.3)
        count = rng.integers(floors[0], floors[1] + 1)
        self.height = count * story
        front = facade(rng, self.length, count, story)
        self.wall = plain_wall(rng, front.mean(axis=(0, 1)) * rng.uniform(0.75, 1.0))
        self.front = halvings(to_uint8(front * lit))
        self.tiles = tiles(pick(rng, ROOFS) * lit) if count < 5 and rng.random() < 0.7 else None
        self.rise = rng.uniform(2.6, 3.8)  # height of the roof, meters

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it from s to s + length, its front at u: roof, end wall, front."""
        start, end, out = max(s, camera.s + 1.0), s + self.length, np.sign(u)
        if end <= start + 0.2:
            return
        depths = start - camera.s, end - camera.s
        foot, eaves = (u, 0), (u, self.height)
        ridge, back = (u + out * self.rise * 1.1, self.height + self.rise), u + out * 9.0

        def along(low, high):
            return camera.project([(*low, start), (*high, start), (*high, end), (*low, end)])

        if self.tiles is not None:
            canvas.facade(self.tiles, along((u - out * 0.3, self.height - 0.15), ridge), depths, BUILDING)
        if s > camera.s + 1.2:
            if self.tiles is not None:
                gable = camera.project([(*eaves, s), (*ridge, s), (2 * ridge[0] - u, self.height, s)])
                canvas.polygon(gable, self.wall.mean(axis=(0, 1)) * 0.95, BUILDING, depths[0])
            corners = camera.project([(*foot, s), (*eaves, s), (back, self.height, s), (back, 0, s)])
            canvas.facade(self.wall, corners, (depths[0], depths[0] + 0.01), BUILDING)
        wanted = np.log2(FACADE_SCALE / camera.scale((start + end) / 2)) + 0.5
        front = self.front[int(np.clip(wanted, 0, len(self.front) - 1))]
        canvas.facade(front, along(foot, eaves), depths, BUILDING, (start - s) / self.length)


@dataclass(frozen=True)
class Plant:
    """A tree or a bush: a sprite with its smaller copies, and its size in meters."""

    sprite: list[np.ndarray]
    width: float
    height: float

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it standing at (u, s)."""
        scale = camera.scale(s)
        size = self.width * scale, self.height * scale
        canvas.sprite(self.sprite, camera.project([(u, 0, s)])[0], size, TREE, s - camera.s)


class Street:
    """One clip's world.

    Args:
        rng: decides everything.
        style: what kind of street.
        length: meters the camera will travel.
        size: (height, width) of the finished frames.
    """

    def __init__(self, rng: np.random.Generator, style: Style, length: float, size: tuple[int, int]):
        self.rng, self.style, self.size = rng, style, size
        self.start, self.end = -12.0, length + VIEW + 10
        self._sun_side = int(rng.choice((-1, 1)))
        self._waves = rng.uniform(0, 2 * np.pi, 2)
        self._seed = int(rng.integers(1 << 30))
        self._trees = [_both_ways(tree(rng)) for _ in range(6)]
        self._bushes = [_both_ways(bush(rng)) for _ in range(4)]
        self._things: list[Thing] = []
        self._shadows: list[np.ndarray] = []
        self._grass: list[tuple[int, float, float]] = []
        for side in (-1, 1):
            self._build(side)
            self._plant(side)
            self._furnish(side)
            self._park(side)
        self._ground = Ground(rng, style, self.start, self.end, self._grass, self._shadows)
        self._movers = plan_traffic(rng, style)
        height, width = (side * OVERSAMPLING for side in size)
        self._sky = sky(rng, (int(height * 0.62), width * 2), style.weather)
        self._skyline = skyline(rng, width * 2, int(height * 0.085))

    def curve(self, s):
        """Offset of the road's center line to the right at s, meters."""
        a, b = self._waves
        return BEND * (np.sin(s / 34 + a) + 0.2 * np.sin(s / 15 + b))

    def render(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame number `frame` of the clip: (H, W, 3) uint8 RGB and (H, W) uint8 labels."""
        rng = np.random.default_rng((self._seed, frame))
        canvas = Canvas(self.size)
        seconds = frame * SECONDS_PER_FRAME
        pitch = 0.004 * np.sin(seconds * 0.9) + rng.normal(0, 0.0012)
        camera = Camera(
            s=seconds * SPEED,
            u=-self.style.half_width * 0.42 + 0.15 * np.sin(seconds * 0.35),
            height=1.7,
            focal=0.86 * canvas.width,
            center=(canvas.width / 2, canvas.height * (0.475 + pitch)),
            curve=self.curve,
        )
        self._draw_backdrop(canvas, camera)
        self._ground.draw(canvas, camera)
        if self.style.weather.wet:
            self._reflect(canvas, camera)
        things = self._things + [mover.appear(camera.s, seconds) for mover in self._movers]
        for thing in sorted(things, key=lambda thing: -thing.order):
            if thing.nearest < thing.order - camera.s < thing.farthest:
                thing.what.draw(canvas, camera, *thing.pose)
        return self._develop(rng, canvas)

    # Planning

    def _stand(self, what, u: float, s: float, *pose, order: float | None = None, nearest=1.5) -> None:
        self._things.append(Thing(what, (u, s, *pose), s if order is None else order, nearest))

    def _along(self, first: tuple[float, float], step: tuple[float, float]):
        """Places along the street, each a random step on from the last."""
        s = self.start + self.rng.uniform(*first)
        while s < self.end:
            yield s
            s += self.rng.uniform(*step)

    def _build(self, side: int) -> None:
        """Houses in a row, gardens and parks between them, and what closes the gaps."""
        rng, style, s = self.rng, self.style, self.start
        line = style.half_width + style.pavement
        setback = line + rng.uniform(0.2, 1.2)
        lit = 0.97 if not style.weather.sun else 0.86 if side == self._sun_side else 1.06
        while s < self.end:
            if rng.random() < style.green:
                length = rng.uniform(9, 24)
                self._lay_green(side, s, s + length, line)
                s += length
                continue
            house = House(rng, style.floors, lit)
            u = side * (setback + rng.choice((0, 0, 0.5, 1.2)))
            self._stand(house, u, s, order=s + house.length)
            self._cast_box(u, u + side * 8, s, s + house.length, house.height)
            s += house.length
            if rng.random() < 0.22:
                gap = rng.uniform(3, 6)
                self._fence("boards", side * (setback + 0.1), s, gap, gap)
                self._grow(side * (setback + rng.uniform(3, 5)), s + gap / 2, rng.uniform(6, 8.5))
                s += gap

    def _lay_green(self, side: int, start: float, end: float, line: float) -> None:
        """A garden or a piece of park, often behind a fence: grass, bushes, trees, woods at the back."""
        rng = self.rng
        self._grass.append((side, start, end))
        kind = ("railing", "railing", "boards", "")[rng.integers(4)]
        if kind:
            self._fence(kind, side * (line + 0.15), start, end - start)
        for s in np.arange(start, end, 3.0):
            self._grow(side * (line + rng.uniform(8, 10)), s, rng.uniform(7, 10))
            if rng.random() < 0.6:
                self._grow(side * (line + rng.uniform(1.2, 4)), s, rng.uniform(1.4, 2.4), low=True)
        for s in np.arange(start + 2, end, 7.0):
            self._grow(side * (line + rng.uniform(2.5, 5)), s + rng.uniform(-1.5, 1.5), rng.uniform(6, 9))

    def _fence(self, kind: str, u: float, start: float, length: float, piece: float = PIECE) -> None:
        fence = Fence(self.rng, kind, piece)
        for s in np.arange(start, start + length - piece / 2, piece):
            self._stand(fence, u, s, order=s + piece, nearest=1.0)

    def _grow(self, u: float, s: float, height: float, low: bool = False) -> None:
        sprites = self._bushes if low else self._trees
        width = height * (1.9 if low else self.rng.uniform(0.85, 1.05))
        sprite = sprites[self.rng.integers(len(sprites))][self.rng.integers(2)]
        self._stand(Plant(sprite, width, height), u, s)

    def _plant(self, side: int) -> None:
        """Street trees along the curb."""
        for s in self._along((9, 32), (9 / self.style.trees, 22 / self.style.trees)):
            u, height = side * (self.style.half_width + 0.8), self.rng.uniform(5.5, 8.5)
            self._grow(u, s, height)
            self._cast_crown(u, s, height)

    def _furnish(self, side: int) -> None:
        """Lamps, signs, bins, and barriers between road and pavement."""
        rng, curb = self.rng, side * self.style.half_width
        wooden = rng.random() < 0.3
        color = pick(rng, ((96, 72, 52),) if wooden else ((78, 82, 86), (52, 66, 58), (120, 122, 124)))
        for s in self._along((0, 8), (13, 18)):
            u = curb + side * 0.45
            self._stand(Lamp(rng.uniform(5.2, 6.6), color, wooden), u, s)
            self._cast_box(u - 0.08, u + 0.08, s, s + 0.16, 5)
        for s in self._along((8, 26), (8, 16)):
            self._stand(Sign(rng), curb + side * 0.7, s)
            if rng.random() < 0.3:
                color = pick(rng, ((34, 60, 44), (170, 30, 34), (44, 46, 50)))
                self._stand(Bin(color, rng.uniform(0.9, 1.4)), curb + side * 0.7, s + rng.uniform(2, 5))
        for s in self._along((5, 30), (27, 54)):
            kind = ("railing", "rail")[rng.integers(2)]
            self._fence(kind, curb + side * 0.32, s, PIECE * rng.integers(2, 5))

    def _park(self, side: int) -> None:
        """Cars along the curb, in rows with gaps; fewer on the camera's own side."""
        rng, style, s = self.rng, self.style, self.start + self.rng.uniform(0, 20)
        while s < self.end:
            if rng.random() > 0.5 * style.parked * (1.0 if side > 0 else 0.6):
                s += rng.uniform(6, 22)
                continue
            car = Car(rng)
            length, u = car.shape.length, side * (style.half_width - 0.15 - car.shape.width / 2)
            rear, yaw = (s, 0.0) if side < 0 else (s + length, np.pi)
            self._stand(car, u, rear, yaw, order=s, nearest=1.2)
            self._cast_box(u - 0.8, u + 0.8, s, s + length, 1.4)
            s += length + rng.uniform(0.8, 2.2)

    def _cast_box(self, u0: float, u1: float, s0: float, s1: float, height: float) -> None:
        """The shadow that a box of this height throws on the ground, away from the sun."""
        foot = np.array([(u0, s0), (u1, s0), (u1, s1), (u0, s1)])
        reach = np.array((-self._sun_side, 1)) * SUN_SLOPE * height
        self._shadows.append(cv2.convexHull(np.concatenate([foot, foot + reach]).astype(np.float32))[:, 0])

    def _cast_crown(self, u: float, s: float, height: float) -> None:
        center = np.array((u, s)) + np.array((-self._sun_side, 1)) * SUN_SLOPE * height * 0.62
        for _ in range(9):
            middle, radius = center + self.rng.normal(0, height * 0.14, 2), self.rng.uniform(0.07, 0.15)
            self._shadows.append(middle + height * radius * ellipse(1, 1, 12))

    # Drawing

    def _draw_backdrop(self, canvas: Canvas, camera: Camera) -> None:
        """Sky and skyline, which turn with the camera but come no nearer."""
        shift = int(camera.focal * np.arctan(camera.heading)) + canvas.width // 2
        shift = int(np.clip(shift, 0, self._sky.shape[1] - canvas.width))
        horizon = int(camera.center[1])
        part = self._sky[-horizon - 4 :, shift : shift + canvas.width]
        canvas.image[: len(part)], canvas.labels[: len(part)] = part, SKY
        canvas.image[len(part) :], canvas.labels[len(part) :] = self.style.weather.haze, ROAD
        image, mask = (array[:, shift : shift + canvas.width] for array in self._skyline)
        bottom = horizon + 4 * OVERSAMPLING
        box = slice(bottom - len(mask), bottom)
        for value, label in ((1, BUILDING), (2, TREE)):
            inside = mask == value
            canvas.image[box][inside] = image[inside]
            canvas.labels[box][inside] = label
            canvas.depth[box][inside] = VIEW

    def _reflect(self, canvas: Canvas, camera: Camera) -> None:
        """A wet road mirrors what stands above the horizon, dimly and smeared downwards."""
        horizon = int(camera.center[1]) + 5 * OVERSAMPLING
        rows = min(canvas.height - horizon, horizon)
        mirror = cv2.blur(canvas.image[horizon - rows : horizon][::-1], (3, 41)).astype(np.float32)
        part = canvas.image[horizon : horizon + rows]
        wet = (canvas.labels[horizon : horizon + rows] == ROAD)[..., None] * self.style.weather.wet
        part[:] = part * (1 - wet) * (1 - 0.15 * (wet > 0)) + mirror * wet

    def _develop(self, rng: np.random.Generator, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
        """Haze by distance, the light's color, and a camera: slight blur, vignetting, exposure, noise."""
        image, labels, depth = canvas.finish()
        weather = self.style.weather
        height, width = labels.shape
        clear = np.exp(-depth / weather.sight)[..., None]
        clear[labels == SKY] = 1
        image = image * np.array(weather.light, np.float32)
        image = image * clear + np.array(weather.haze, np.float32) * (1 - clear)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        image *= (1.03 - 0.11 * (x * x + y * y))[..., None] * rng.uniform(0.95, 1.05)
        image = cv2.GaussianBlur(image, (0, 0), 0.5) + rng.normal(0, 2.6, image.shape).astype(np.float32)
        return to_uint8(image), labels


def _both_ways(sprite: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A sprite and its mirror image, each with its smaller copies."""
    return halvings(sprite), halvings(np.ascontiguousarray(sprite[:, ::-1]))
