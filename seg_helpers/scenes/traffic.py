"""What moves in a street: cars, cyclists, people on foot, each a function of time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from seg_helpers.scenes.cars import Car
from seg_helpers.scenes.people import Cyclist, Person
from seg_helpers.scenes.style import Style

SECONDS_PER_FRAME = 0.5
SPEED = 4.0  # of the camera, meters a second
CLOSEST = 2.5  # meters ahead of the camera at which a mover leaves the view and comes back far away


@dataclass(frozen=True)
class Thing:
    """Something to be drawn in a frame.

    Attributes:
        what: has `draw(canvas, camera, u, s, ...)`.
        pose: u, s and what else its `draw` takes.
        order: where along the road it is sorted: things further on are drawn first.
        nearest, farthest: it is drawn only so many meters ahead of the camera.
    """

    what: Any
    pose: tuple
    order: float
    nearest: float = 1.5
    farthest: float = 110.0


@dataclass(frozen=True)
class Mover:
    """Somebody on the way; whoever leaves the view comes back at its far end as somebody else.

    Attributes:
        kind: `car`, `oncoming` (a car), `cyclist`, `person` or `crossing` (a person).
        u: its place across the road, meters; for one who crosses, the curb they start from.
        ahead: meters ahead of the camera at the start.
        speed: meters a second along the road.
        span: length of the stretch ahead of the camera that it moves through.
        seed: of its looks.
    """

    kind: str
    u: float
    ahead: float
    speed: float
    span: float
    seed: int

    def appear(self, camera_s: float, seconds: float) -> Thing:
        """Who and where it is at this time."""
        lap, z = divmod(self.ahead + (self.speed - SPEED) * seconds - CLOSEST, self.span)
        rng = np.random.default_rng((self.seed, int(lap) & 0xFFFF))
        s, yaw, phase = camera_s + CLOSEST + z, 0.0 if self.speed >= 0 else np.pi, rng.uniform(0, 2 * np.pi)
        if self.kind == "car":
            return Thing(Car(rng), (self.u, s + 4, yaw), s + 4)
        if self.kind == "oncoming":
            car = Car(rng, ("hatchback", "saloon", "estate", "van", "bus"))
            return Thing(car, (self.u, s + car.shape.length, yaw), s)
        if self.kind == "cyclist":
            u, yaw = self.u + rng.uniform(-0.3, 0.3), yaw + rng.uniform(-0.06, 0.06)
            return Thing(Cyclist(rng), (u, s + 2, yaw, phase + 4 * seconds), s + 2)
        person, stride = Person(rng), phase + 6 * seconds
        if self.kind == "crossing":
            way = -np.sign(self.u)
            u = self.u + way * ((1.25 * seconds + phase) % (2 * abs(self.u) + 3) - 1.5)
            return Thing(person, (u, s + 4, way * np.pi / 2, stride), s + 4, farthest=60)
        if not self.speed:
            yaw, stride = rng.uniform(0, 2 * np.pi), 0.0
        return Thing(person, (self.u, s, yaw, stride), s, farthest=50)


def plan_traffic(rng: np.random.Generator, style: Style) -> list[Mover]:
    """Everybody who is on the way in a street of this style, at any time."""
    half, lane, movers = style.half_width, style.half_width * 0.36, []

    def add(kind, u, ahead, speed, span):
        movers.append(Mover(kind, u, ahead, speed, span, int(rng.integers(1 << 30))))

    add("car", -lane, rng.uniform(11, 20), SPEED + rng.uniform(-0.4, 0.7), 90.0)
    for s in np.arange(rng.uniform(8, 20), 110, 34):
        add("oncoming", lane, s + rng.uniform(-6, 6), -rng.uniform(5, 7), 110.0)
    for s in np.arange(rng.uniform(6, 10), 62, 26 / style.cyclists):
        add("cyclist", -half + rng.uniform(1.3, 1.7), s, rng.uniform(3.4, 5.0), 62.0)
    for s in np.arange(rng.uniform(10, 30), 80, 40 / style.cyclists):
        add("cyclist", half - rng.uniform(1.4, 2.2), s, -rng.uniform(3, 5), 80.0)
    for side in (-1, 1):
        for s in np.arange(rng.uniform(3, 8), 70, 8.5 / style.people):
            u = side * (half + rng.uniform(0.9, style.pavement - 0.2))
            add("person", u, s + rng.uniform(-3, 3), rng.choice((-1.2, 1.2, 0.0)), 70.0)
    for s in np.arange(rng.uniform(15, 30), 90, 45 / style.people):
        add("crossing", rng.choice((-1, 1)) * half, s, 0.0, 90.0)
    return movers
