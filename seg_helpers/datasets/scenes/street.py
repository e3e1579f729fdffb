"""A street for one clip: planned from a seed, then drawn from wherever the camera has got to."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from seg_helpers.datasets.scenes.actors import (
    BUILDING,
    ROAD,
    SKY,
    TREE,
    Bin,
    Car,
    Cyclist,
    Fence,
    Lamp,
    Person,
    Sign,
    pick,
)
from seg_helpers.datasets.scenes.camera import Camera
from seg_helpers.datasets.scenes.canvas import Canvas
from seg_helpers.datasets.scenes.ground import Ground, RoadPlan
from seg_helpers.datasets.scenes.textures import (
    FACADE_SCALE,
    ROOFS,
    Weather,
    bush,
    facade,
    halvings,
    plain_wall,
    sky,
    skyline,
    tree,
)

VIEW = 130.0  # metres that are drawn ahead of the camera
SECONDS_PER_FRAME = 0.5
SPEED = 4.0  # of the camera, metres a second

Thing = tuple[
    float, Callable[[Canvas, Camera], None]
]  # where along the road it is sorted, and how it is drawn


@dataclass(frozen=True)
class Style:
    """What makes one clip's street differ from another's.

    Attributes:
        weather: light and air.
        half_width, pavement: of the cross-section, metres.
        bend: sideways swing of the road, metres.
        storeys: fewest and most floors of its houses.
        green: share of the length with gardens and parks instead of houses.
        trees, parked, people, cyclists, traffic: how much of each, 1 is usual.
        marking, yellow: lines on the road.
    """

    weather: Weather
    half_width: float = 4.3
    pavement: float = 4.2
    bend: float = 3.0
    storeys: tuple[int, int] = (2, 4)
    green: float = 0.25
    trees: float = 0.7
    parked: float = 1.0
    people: float = 1.0
    cyclists: float = 1.0
    traffic: float = 1.0
    marking: str = "dashed"
    yellow: bool = False


@dataclass(frozen=True)
class House:
    """A box along the road, its front towards it."""

    side: int
    start: float
    end: float
    setback: float
    height: float
    front: tuple[np.ndarray, ...]  # the texture and its smaller copies
    wall: np.ndarray
    roof: np.ndarray | None
    rise: float

    def draw(self, canvas: Canvas, camera: Camera, lit: float) -> None:
        """Draws the roof, the wall that faces the camera and the front; `lit` is the light on that side."""
        start, end = max(self.start, camera.s + 1.0), self.end
        if end <= start + 0.2:
            return
        u, out = self.side * self.setback, self.side
        depths = start - camera.s, end - camera.s
        if self.roof is not None:
            ridge = u + out * self.rise * 1.1
            eaves, top = self.height, self.height + self.rise
            points = [
                (u - out * 0.3, eaves - 0.15, start),
                (ridge, top, start),
                (ridge, top, end),
                (u - out * 0.3, eaves - 0.15, end),
            ]
            corners = camera.project(points)
            texture = self._roof_texture()
            source = np.array([(0, 32), (0, 0), (64, 0), (64, 32)])
            canvas.facade(texture, source, corners, depths, BUILDING)
        if self.start > camera.s + 1.2:
            wide = 9.0
            corners = camera.project(
                [
                    (u, 0, start),
                    (u, self.height, start),
                    (u + out * wide, self.height, start),
                    (u + out * wide, 0, start),
                ]
            )
            if self.roof is not None:
                gable = camera.project([(u, self.height, start), (u + out * self.rise * 1.1, self.height + self.rise, start),
                                        (u + out * self.rise * 2.2, self.height, start)])  # fmt: skip
                canvas.polygon(gable, self.wall.mean(axis=(0, 1)) * 0.95, BUILDING, depths[0])
            source = np.array([(0, 72), (0, 0), (48, 0), (48, 72)])
            canvas.facade(self.wall, source, corners, (depths[0], depths[0] + 0.01), BUILDING)
        corners = camera.project([(u, 0, start), (u, self.height, start), (u, self.height, end), (u, 0, end)])
        level = int(
            np.clip(
                np.log2(FACADE_SCALE / max(camera.scale((start + end) / 2), 1e-3)) + 0.5,
                0,
                len(self.front) - 1,
            )
        )
        texture = self.front[level]
        rows, columns = texture.shape[:2]
        x0 = (start - self.start) / (self.end - self.start) * columns
        source = np.array([(x0, rows), (x0, 0), (columns, 0), (columns, rows)])
        canvas.facade(
            np.clip(texture * lit, 0, 255).astype(np.uint8) if lit != 1 else texture,
            source,
            corners,
            depths,
            BUILDING,
        )

    def _roof_texture(self) -> np.ndarray:
        texture = np.empty((32, 64, 3), np.float32)
        texture[:] = self.roof * np.linspace(0.86, 1.06, 32)[:, None, None]
        texture[::4] *= 0.86
        return np.clip(texture, 0, 255).astype(np.uint8)


class Street:
    """One clip's world.

    Args:
        rng: decides everything.
        style: what kind of street.
        length: metres the camera will travel.
        size: (height, width) of the finished frames.
    """

    def __init__(self, rng: np.random.Generator, style: Style, length: float, size: tuple[int, int]):
        self.rng, self.style, self.size = rng, style, size
        self.start, self.end = -12.0, length + VIEW + 10
        self.sun_side = int(rng.choice((-1, 1)))
        self._waves = rng.uniform(0, 2 * np.pi, 2)
        self.still: list[Thing] = []
        self.grass: list[tuple[int, float, float]] = []
        houses = [house for side in (-1, 1) for house in self._build_side(side)]
        half = style.half_width
        crossings = tuple(np.cumsum(rng.uniform(30, 60, 8)) - 10)
        plan = RoadPlan(
            half,
            style.pavement,
            style.marking,
            style.yellow,
            rng.uniform(0.92, 1.12),
            self.start,
            self.end,
            crossings,
            tuple(self.grass),
        )
        self.ground = Ground(rng, plan, style.weather)
        for house in houses:
            self._cast_box(
                house.side * house.setback,
                house.side * (house.setback + 8),
                house.start,
                house.end,
                house.height,
            )
            lit = (
                1.06
                if house.side != self.sun_side and style.weather.sun
                else 0.86
                if style.weather.sun
                else 0.97
            )
            self._add(house.end, lambda canvas, camera, h=house, lit=lit: h.draw(canvas, camera, lit))
        self._trees, self._bushes = [tree(rng) for _ in range(6)], [bush(rng) for _ in range(4)]
        self._plants = {
            low: [
                halvings(side, 3)
                for plant in plants
                for side in (plant, np.ascontiguousarray(plant[:, ::-1]))
            ]
            for low, plants in ((False, self._trees), (True, self._bushes))
        }
        self._plant()
        self._furnish()
        self._park()
        self._set_in_motion()
        height, width = size[0] * 2, size[1] * 2
        self._sky = sky(rng, (int(height * 0.62), width * 2), style.weather)
        self._skyline = skyline(rng, width * 2, int(height * 0.085))

    def curve(self, s):
        """Offset of the centre line at s."""
        a, b = self._waves
        return self.style.bend * (np.sin(s / 34 + a) + 0.5 * np.sin(s / 15 + b) * 0.4)

    def render(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame number `frame` of the clip: (H, W, 3) uint8 RGB and (H, W) uint8 labels, void 255."""
        rng = np.random.default_rng((int(self._waves[0] * 1e6), frame))
        canvas = Canvas(self.size)
        seconds = frame * SECONDS_PER_FRAME
        pitch = 2.0 * np.sin(seconds * 0.9) + rng.normal(0, 0.6)
        camera = Camera(
            s=seconds * SPEED,
            u=-self.style.half_width * 0.42 + 0.15 * np.sin(seconds * 0.35),
            height=1.7,
            focal=0.86 * canvas.width,
            centre=(canvas.width / 2, canvas.height * 0.475 + pitch),
            curve=self.curve,
        )
        self._draw_backdrop(canvas, camera)
        self.ground.draw(canvas, camera)
        if self.style.weather.wet:
            self._reflect(canvas, camera)
        things = [thing for thing in self.still if -2 < thing[0] - camera.s < VIEW - 20] + self._moving(
            camera, seconds
        )
        for _, draw in sorted(things, key=lambda thing: -thing[0]):
            draw(canvas, camera)
        return self._develop(rng, canvas)

    # Planning

    def _add(self, s: float, draw: Callable[[Canvas, Camera], None]) -> None:
        self.still.append((s, draw))

    def _build_side(self, side: int) -> list[House]:
        """Houses in a row with gaps and greens between, and what closes the gaps."""
        rng, style = self.rng, self.style
        houses, s = [], self.start
        line = style.half_width + style.pavement
        setback = line + rng.uniform(0.2, 1.2)
        while s < self.end:
            if rng.random() < style.green:
                length = float(rng.uniform(9, 24))
                self._lay_green(side, s, s + length, line)
                s += length
                continue
            length = float(rng.uniform(6.5, 14))
            floors = int(rng.integers(style.storeys[0], style.storeys[1] + 1))
            storey = float(rng.uniform(2.8, 3.3))
            textures = halvings(facade(rng, length, floors, storey), 3)
            colour = textures[0].mean(axis=(0, 1)) * rng.uniform(0.75, 1.0)
            pitched = rng.random() < 0.7 and floors < 5
            house = House(
                side, s, s + length, setback + float(rng.choice((0, 0, 0.5, 1.2))), floors * storey, textures,
                plain_wall(rng, colour), pick(rng, ROOFS) if pitched else None, float(rng.uniform(2.6, 3.8)),
            )  # fmt: skip
            houses.append(house)
            s += length
            if rng.random() < 0.22:
                gap = float(rng.uniform(3, 6))
                fence = Fence.random(rng, "boards", gap)
                self._add(
                    s + gap,
                    lambda canvas, camera, f=fence, u=side * (setback + 0.1), at=s: f.draw(
                        canvas, camera, u, at
                    ),
                )
                self._grow(side * (setback + rng.uniform(3, 5)), s + gap / 2, rng.uniform(6, 8.5))
                s += gap
        return houses

    def _lay_green(self, side, start, end, line) -> None:
        """A garden or a piece of park behind a railing: grass, bushes, trees, woods at the back."""
        rng = self.rng
        self.grass.append((side, start, end))
        kind = ("railing", "railing", "boards", "none")[rng.integers(4)]
        if kind != "none":
            for s in np.arange(start, end - 1.5, 3.0):
                fence = Fence.random(np.random.default_rng(int(start * 1000 + 1e6)), kind, 3.0)
                self._add(
                    s + 3,
                    lambda canvas, camera, f=fence, u=side * (line + 0.15), at=s: f.draw(
                        canvas, camera, u, at
                    ),
                )
        for s in np.arange(start, end, 3.0):
            self._grow(side * (line + rng.uniform(8, 10)), s, rng.uniform(7, 10))
            if rng.random() < 0.6:
                self._grow(side * (line + rng.uniform(1.2, 4)), s, rng.uniform(1.4, 2.4), low=True)
        for s in np.arange(start + 2, end, 7.0):
            self._grow(side * (line + rng.uniform(2.5, 5)), s + rng.uniform(-1.5, 1.5), rng.uniform(6, 9))

    def _grow(self, u, s, height, low: bool = False) -> None:
        kind = int(self.rng.integers(1 << 16))
        broad = height * (1.9 if low else self.rng.uniform(0.85, 1.05))
        self._add(s, lambda canvas, camera: self._draw_plant(canvas, camera, kind, u, s, broad, height, low))

    def _draw_plant(self, canvas, camera, kind, u, s, broad, height, low) -> None:
        if s - camera.s < 1.5:
            return
        scale = camera.scale(s)
        x, y = camera.project([(u, 0, s)])[0]
        canvas.sprite(
            self._plants[low][kind % len(self._plants[low])],
            x - broad * scale / 2,
            y - height * scale,
            (broad * scale, height * scale),
            TREE,
            s - camera.s,
        )

    def _plant(self) -> None:
        """Street trees along the kerbs."""
        rng, style = self.rng, self.style
        for side in (-1, 1):
            s = self.start + rng.uniform(0, 10)
            while s < self.end:
                s += rng.uniform(9, 22) / max(style.trees, 0.1)
                u, height = side * (style.half_width + 0.8), rng.uniform(5.5, 8.5)
                self._grow(u, s, height)
                self._cast_crown(u, s, height)

    def _furnish(self) -> None:
        """Lamps, signs, bins, barriers."""
        rng, half = self.rng, self.style.half_width
        wooden = rng.random() < 0.3
        colour = pick(rng, ((96, 72, 52),) if wooden else ((78, 82, 86), (52, 66, 58), (120, 122, 124)))
        for side in (-1, 1):
            s = self.start + rng.uniform(0, 8)
            while s < self.end:
                lamp = Lamp(float(rng.uniform(5.2, 6.6)), colour, wooden)
                u = side * (half + 0.45)
                self._add(
                    s,
                    lambda canvas, camera, t=lamp, u=u, s=s: (
                        s - camera.s > 1.5 and t.draw(canvas, camera, u, s)
                    ),
                )
                self._cast_box(u - 0.08, u + 0.08, s, s + 0.16, 5)
                s += rng.uniform(13, 18)
            s = self.start + rng.uniform(0, 10)
            while s < self.end:
                s += rng.uniform(8, 16)
                sign, u = Sign.random(rng), side * (half + 0.7)
                self._add(
                    s,
                    lambda canvas, camera, t=sign, u=u, s=s: (
                        s - camera.s > 1.5 and t.draw(canvas, camera, u, s)
                    ),
                )
                if rng.random() < 0.3:
                    bin_ = Bin(
                        pick(rng, ((34, 60, 44), (170, 30, 34), (44, 46, 50))), float(rng.uniform(0.9, 1.4))
                    )
                    at = s + rng.uniform(2, 5)
                    self._add(
                        at,
                        lambda canvas, camera, t=bin_, u=u, s=at: (
                            s - camera.s > 1.5 and t.draw(canvas, camera, u, s)
                        ),
                    )
            s = self.start + rng.uniform(5, 30)
            while s < self.end:  # barriers between road and pavement, in pieces that sort by depth
                length, kind = 3 * int(rng.integers(2, 5)), ("railing", "rail")[rng.integers(2)]
                fence = Fence.random(rng, kind, 3.0)
                for at in np.arange(s, s + length, 3.0):
                    u = side * (half + 0.32)
                    self._add(
                        at + 3, lambda canvas, camera, f=fence, u=u, at=at: f.draw(canvas, camera, u, at)
                    )
                s += length + rng.uniform(18, 45)

    def _park(self) -> None:
        """Cars along the kerbs, in rows with gaps."""
        rng, style = self.rng, self.style
        if style.half_width < 4.2:
            return
        for side in (-1, 1):
            s = self.start + rng.uniform(0, 20)
            while s < self.end:
                if rng.random() > 0.5 * style.parked * (1.0 if side > 0 else 0.6):
                    s += rng.uniform(6, 22)
                    continue
                car = Car.random(rng)
                u = side * (style.half_width - 0.15 - car.shape.width / 2)
                rear, yaw = (s, 0.0) if side < 0 else (s + car.shape.length, np.pi)
                self._add(
                    s,
                    lambda canvas, camera, c=car, u=u, r=rear, y=yaw, s=s: (
                        s - camera.s > 1.2 and c.draw(canvas, camera, u, r, y)
                    ),
                )
                self._cast_box(u - 0.8, u + 0.8, s, s + car.shape.length, 1.4)
                s += car.shape.length + rng.uniform(0.8, 2.2)

    def _cast_box(self, u0, u1, s0, s1, height) -> None:
        """The shadow that a box of this height throws on the ground, away from the sun."""
        if not self.style.weather.sun:
            return
        reach = np.array((-self.sun_side * 0.62, 0.3)) * height
        foot = np.array([(u0, s0), (u1, s0), (u1, s1), (u0, s1)])
        self.ground.cast(cv2.convexHull(np.concatenate([foot, foot + reach]).astype(np.float32))[:, 0])

    def _cast_crown(self, u, s, height) -> None:
        if not self.style.weather.sun:
            return
        centre = np.array((u, s)) + np.array((-self.sun_side * 0.62, 0.3)) * height * 0.62
        for _ in range(9):
            middle, radius = (
                centre + self.rng.normal(0, height * 0.14, 2),
                height * self.rng.uniform(0.07, 0.15),
            )
            angle = np.linspace(0, 2 * np.pi, 12)
            self.ground.cast(middle + radius * np.stack([np.cos(angle), np.sin(angle)], 1), 0.85)

    # Motion

    def _set_in_motion(self) -> None:
        """Who moves: (kind of thing, its place across, where along at the start, speed along, span of its loop)."""
        rng, style, half = self.rng, self.style, self.style.half_width
        lane = half * 0.36
        moving = []
        if style.traffic > 0:
            moving.append(("car", -lane, rng.uniform(11, 20), SPEED + rng.uniform(-0.4, 0.7), 90.0))
            for s in np.arange(rng.uniform(8, 20), 110, 34 / style.traffic):
                moving.append(("oncoming", lane, s + rng.uniform(-6, 6), -rng.uniform(5, 7), 110.0))
        for s in np.arange(rng.uniform(6, 10), 62, 26 / max(style.cyclists, 0.1)):
            moving.append(
                (
                    "cyclist",
                    -half + rng.uniform(1.3, 1.7) - 0.9 * (style.parked == 0),
                    s,
                    rng.uniform(3.4, 5.0),
                    62.0,
                )
            )
        for s in np.arange(rng.uniform(10, 30), 80, 40 / max(style.cyclists, 0.1)):
            moving.append(("oncoming cyclist", half - rng.uniform(1.4, 2.2), s, -rng.uniform(3, 5), 80.0))
        for side in (-1, 1):
            for s in np.arange(rng.uniform(3, 8), 70, 8.5 / max(style.people, 0.1)):
                u = side * (half + rng.uniform(0.9, self.style.pavement - 0.2))
                moving.append(("person", u, s + rng.uniform(-3, 3), rng.choice((-1.2, 1.2, 0.0)), 70.0))
        for s in np.arange(rng.uniform(15, 30), 90, 45 / max(style.people, 0.1)):
            moving.append(("crossing", rng.choice((-1, 1)) * half, s, 0.0, 90.0))
        self._movers = [(*mover, int(rng.integers(1 << 30))) for mover in moving]

    def _moving(self, camera, seconds) -> list[Thing]:
        """Draws for this moment; whoever leaves the view comes back at the other end as somebody else."""
        found = []
        for kind, u, s0, speed, span, seed in self._movers:
            ahead = s0 + (speed - SPEED) * seconds
            lap, z = divmod(ahead - 2.5, span)
            s = camera.s + z + 2.5
            rng = np.random.default_rng((seed, int(lap) & 0xFFFF))
            found.append(self._mover(rng, kind, u, s, speed, seconds))
        return found

    def _mover(self, rng, kind, u, s, speed, seconds) -> Thing:
        phase = rng.uniform(0, 6.3)
        if kind in ("car", "oncoming"):
            kinds = (
                ("hatchback", "saloon", "estate", "van", "bus")
                if kind == "oncoming"
                else ("hatchback", "saloon", "estate", "van")
            )
            car = Car.random(rng, kinds)
            if kind == "car":
                s = max(s, 0) + 4
                return s, lambda canvas, camera: car.draw(canvas, camera, u, s, 0.0)
            rear = s + car.shape.length
            return s, lambda canvas, camera: s - camera.s > 1 and car.draw(canvas, camera, u, rear, np.pi)
        if "cyclist" in kind:
            rider, yaw = Cyclist.random(rng), 0.0 if speed > 0 else np.pi
            s = s + 2
            u = u + rng.uniform(-0.3, 0.3)
            return s, lambda canvas, camera: rider.draw(
                canvas, camera, u, s, yaw + rng.uniform(-0.06, 0.06), phase + 4 * seconds
            )
        person = Person.random(rng)
        if kind == "crossing":
            way = -np.sign(u)
            across = u + way * ((1.25 * seconds + phase) % (2 * abs(u) + 3) - 1.5)
            s = max(s, 0) + 4
            return s, lambda canvas, camera: person.draw(
                canvas, camera, across, s, way * np.pi / 2, phase + 6 * seconds
            )
        yaw = 0.0 if speed > 0 else np.pi if speed < 0 else rng.uniform(0, 2 * np.pi)
        stride = phase + 6 * seconds if speed else 0.0
        return (
            s,
            lambda canvas, camera: 1.6 < s - camera.s < 50 and person.draw(canvas, camera, u, s, yaw, stride),
        )

    # Drawing

    def _draw_backdrop(self, canvas, camera) -> None:
        """Sky and skyline, which turn with the camera but come no nearer."""
        shift = int(camera.focal * np.arctan(camera.heading)) + canvas.width // 2
        shift = int(np.clip(shift, 0, self._sky.shape[1] - canvas.width))
        horizon = int(camera.centre[1])
        part = self._sky[-horizon - 4 :, shift : shift + canvas.width]
        canvas.image[: len(part)], canvas.labels[: len(part)] = part, SKY
        canvas.image[len(part) :], canvas.labels[len(part) :] = self.style.weather.haze, ROAD
        image, mask = (array[:, shift : shift + canvas.width] for array in self._skyline)
        bottom = horizon + 8
        box = slice(bottom - len(mask), bottom)
        for value, label in ((1, BUILDING), (2, TREE)):
            inside = mask == value
            canvas.image[box][inside], canvas.labels[box][inside], canvas.depth[box][inside] = (
                image[inside],
                label,
                VIEW,
            )

    def _reflect(self, canvas, camera) -> None:
        """A wet road mirrors the sky and what stands above the horizon, dimly and smeared downwards."""
        horizon = int(camera.centre[1]) + 10
        rows = min(canvas.height - horizon, horizon)
        mirror = cv2.blur(canvas.image[horizon - rows : horizon][::-1], (3, 41)).astype(np.float32)
        part = canvas.image[horizon : horizon + rows]
        wet = (canvas.labels[horizon : horizon + rows] == ROAD)[..., None] * self.style.weather.wet
        part[:] = part * (1 - wet) * (1 - 0.15 * (wet > 0)) + mirror * wet

    def _develop(self, rng, canvas) -> tuple[np.ndarray, np.ndarray]:
        """Haze by distance, the light's colour, and a camera: slight blur, vignetting, exposure, noise."""
        image, labels, depth = canvas.finish()
        weather, (height, width) = self.style.weather, labels.shape
        clear = np.exp(-depth / weather.sight)[..., None]
        above = labels == SKY
        clear[above] = 1
        image = image * np.array(weather.light, np.float32)
        image = image * clear + np.array(weather.haze, np.float32) * (1 - clear)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        image *= (1.03 - 0.11 * (x * x + y * y))[..., None] * rng.uniform(0.95, 1.05)
        image = cv2.GaussianBlur(image, (0, 0), 0.5) + rng.normal(0, 2.6, image.shape).astype(np.float32)
        return np.clip(image, 0, 255).astype(np.uint8), labels
