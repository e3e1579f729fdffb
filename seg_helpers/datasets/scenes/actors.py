"""What stands and moves in a street: cars, people, cyclists, lamps, signs, fences. Each is drawn where it is told to."""

from dataclasses import dataclass, field

import numpy as np

from seg_helpers.classes import CAMVID11, VOID
from seg_helpers.datasets.scenes.camera import Camera, place
from seg_helpers.datasets.scenes.canvas import Canvas

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(
    CAMVID11.num_classes
)

PAINTS = ((168, 30, 34), (28, 52, 112), (190, 194, 198), (226, 226, 224), (34, 36, 40), (92, 96, 102), (22, 82, 66),
          (120, 22, 40), (64, 110, 160), (196, 170, 60), (128, 120, 108), (210, 90, 30))  # fmt: skip
CLOTHES = ((30, 36, 58), (120, 30, 36), (54, 84, 58), (176, 160, 130), (60, 60, 64), (196, 60, 50), (50, 96, 160),
           (210, 205, 196), (90, 60, 110), (214, 150, 40), (24, 24, 28))  # fmt: skip
SKINS = ((226, 184, 152), (198, 146, 112), (142, 98, 70), (96, 66, 50))
BRIGHTS = ((214, 230, 60), (240, 120, 30), (220, 50, 50), (60, 150, 220), (230, 230, 226))


def pick(rng: np.random.Generator, colours) -> np.ndarray:
    """One of the colours, a little lighter or darker."""
    return np.array(colours[rng.integers(len(colours))], np.float32) * rng.uniform(0.85, 1.12)


# Cars


@dataclass(frozen=True)
class CarShape:
    """Side view of a car, (along, up) in metres from the rear bumper; the cabin stands on the body."""

    width: float
    body: tuple[tuple[float, float], ...]
    cabin: tuple[tuple[float, float], ...]
    windows: tuple[tuple[tuple[float, float], ...], ...]
    wheels: tuple[float, float]
    wheel: float = 0.32
    glass: tuple[int, ...] = ()  # panels of the cabin (or of the body where there is none) that are glass

    @property
    def length(self) -> float:
        """Bumper to bumper, in metres."""
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
    """A car of one shape and colour."""

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

    def footprint(self) -> np.ndarray:
        """(4, 3) local corners of the ground below it."""
        half, length = self.shape.width / 2, self.shape.length
        return np.array([(-half, 0, 0), (half, 0, 0), (half, 0, length), (-half, 0, length)])

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float = 0.0) -> None:
        """Draws it with the middle of its rear (yaw 0: seen from behind; pi: from the front) at (u, s)."""
        depth = float(s + self.shape.length / 2 * np.cos(yaw) - camera.s)
        ground = self.footprint() * (1.12, 1, 1.06)
        canvas.shade(camera.project(place(ground, u, s, yaw)), 0.55)
        half = self.shape.width / 2
        self._draw_part(
            canvas, camera, (u, s, yaw), self.shape.body, lambda y: half - 0.07 * max(0.0, y - 0.85), depth
        )
        self._draw_lights(canvas, camera, (u, s, yaw))
        side = self._near_side(camera, u, s, yaw)
        if side:
            self._draw_wheels(canvas, camera, (u, s, yaw), side, depth)
        if self.shape.cabin:
            base = self.shape.cabin[0][1]
            self._draw_part(
                canvas,
                camera,
                (u, s, yaw),
                self.shape.cabin,
                lambda y: half - 0.04 - 0.34 * (y - base),
                depth,
            )
        if side:
            top = self.shape.cabin[0][1] if self.shape.cabin else 0.85
            slope = 0.34 if self.shape.cabin else 0.07
            for window in self.shape.windows:
                points = [(side * (half - 0.02 - slope * max(0.0, y - top)), y, z) for z, y in window]
                canvas.polygon(camera.project(place(points, u, s, yaw)), self.glass * 0.8)

    def _near_side(self, camera, u, s, yaw) -> int:
        """The side (+1 right, -1 left) that the camera sees; 0 for none."""
        for side in (1, -1):
            centre = place([(side * self.shape.width / 2, 0.8, self.shape.length / 2)], u, s, yaw)[0]
            normal = place([(side, 0, 0)], 0, 0, yaw)[0]
            z = centre[2] - camera.s
            x = centre[0] - camera.u + float(camera.bend(np.float64(z)))
            slope = camera.curve(centre[2] + 0.5) - camera.curve(centre[2] - 0.5) - camera.heading
            if normal[0] * (x - slope * z) + normal[2] * z < -0.02:
                return side
        return 0

    def _draw_part(self, canvas, camera, pose, outline, half_width, depth) -> None:
        """Draws the panels and the near side of one extruded outline."""
        u, s, yaw = pose
        is_cabin = outline is self.shape.cabin
        toward = 1 if np.cos(yaw) < 0 else -1  # the end that the camera sees: the front (+1) or the rear (-1)
        panels = []
        for i in range(len(outline) - 1):
            (z0, y0), (z1, y1) = outline[i], outline[i + 1]
            up, along = z1 - z0, -(y1 - y0)  # the outward normal of a clockwise outline
            faces_camera = along * toward > 0 or (up > 0 and camera.height > min(y0, y1))
            if not faces_camera:
                continue
            light = 0.62 + 0.42 * max(0.0, up / max(np.hypot(up, along), 1e-6))
            glass = i in self.shape.glass and (is_cabin or not self.shape.cabin)
            colour = self.glass * (0.9 + 0.35 * light) if glass else self.paint * light
            corners = [
                (-half_width(y0), y0, z0),
                (half_width(y0), y0, z0),
                (half_width(y1), y1, z1),
                (-half_width(y1), y1, z1),
            ]
            panels.append((toward * (z0 + z1) / 2, place(corners, u, s, yaw), colour))
        for _, corners, colour in sorted(panels, key=lambda panel: panel[0]):
            canvas.polygon(camera.project(corners), colour, CAR, depth)
        side = self._near_side(camera, u, s, yaw)
        if side:
            points = [(side * half_width(y), y, z) for z, y in outline]
            canvas.polygon(camera.project(place(points, u, s, yaw)), self.paint * 0.78, CAR, depth)

    def _draw_wheels(self, canvas, camera, pose, side, depth) -> None:
        angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        for along in self.shape.wheels:
            rings = ((1.18, (20, 20, 22)), (1.0, (38, 38, 40)), (0.6, (150, 152, 156)), (0.2, (60, 60, 64)))
            for radius, colour in rings if camera.scale(pose[1]) > 18 else rings[1:3]:
                r = radius * self.shape.wheel
                x = side * (self.shape.width / 2 + 0.01)
                points = [(x, self.shape.wheel + r * np.sin(a), along + r * np.cos(a)) for a in angle]
                label = CAR if radius == 1.0 else None
                canvas.polygon(camera.project(place(points, *pose)), colour, label, depth)

    def _draw_lights(self, canvas, camera, pose) -> None:
        front = np.cos(pose[2]) < 0
        z = self.shape.length - 0.06 if front else 0.0
        half, middle = self.shape.width / 2, 0.68 if self.shape.length < 5 else 0.8
        parts = [
            ((-0.26, 0.26), (0.36, 0.5), (222, 220, 196) if front else (216, 186, 60))
        ]  # the number plate
        parts.append(((-half + 0.05, half - 0.05), (0.27, 0.35), (28, 28, 30)))  # the bumper's shadow
        lamp = (236, 238, 230) if front else (196, 24, 24)
        parts += [
            ((edge * (half - 0.06), edge * (half - 0.42)), (middle, middle + 0.15), lamp) for edge in (-1, 1)
        ]
        if front:
            parts.append(((-0.42, 0.42), (0.55, 0.68), (34, 34, 38)))  # the grille
        for (x0, x1), (y0, y1), colour in parts:
            corners = place([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], *pose)
            canvas.polygon(camera.project(corners), colour)


# People


def _draw_limbs(canvas, camera, pose, limbs, label) -> None:
    """Draws (start, end, radius, colour) limbs, far ones first, each lit from above and a side."""
    points = place([end for limb in limbs for end in limb[:2]], *pose)
    depths = points[:, 2].reshape(-1, 2).mean(axis=1) - camera.s
    ends = camera.project(points).reshape(-1, 2, 2)
    scale = camera.scale(pose[1])
    for i in np.argsort(-depths):
        (start, end), radius, colour = ends[i], limbs[i][2] * scale, np.asarray(limbs[i][3])
        canvas.line(start, end, 2 * radius, colour * 0.78, label, depths[i])
        if radius > 1.2:
            shift = np.array((-0.25, -0.2)) * radius
            canvas.line(start + shift, end + shift, 1.25 * radius, colour * 1.06)


@dataclass(frozen=True)
class Person:
    """Someone on foot; sizes scale with `height` in metres."""

    height: float
    jacket: np.ndarray
    trousers: np.ndarray
    hair: np.ndarray
    skin: np.ndarray
    coat: bool
    bag: np.ndarray | None

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Person":
        """A passer-by; one in seven is a child."""
        height = rng.uniform(1.1, 1.35) if rng.random() < 0.14 else rng.uniform(1.58, 1.9)
        bag = pick(rng, CLOTHES) if rng.random() < 0.35 else None
        hair = pick(rng, ((40, 30, 24), (90, 62, 36), (150, 118, 70), (170, 168, 164)))
        return cls(
            height,
            pick(rng, CLOTHES),
            pick(rng, CLOTHES) * 0.75,
            hair,
            pick(rng, SKINS),
            bool(rng.random() < 0.3),
            bag,
        )

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float, phase: float) -> None:
        """Draws them standing at (u, s), walking along yaw; `phase` (radians) is where they are in their stride."""
        k = self.height / 1.75
        swing, bend = 0.36 * np.sin(phase), 0.12 * (1 + np.cos(phase))
        foot = np.array([(-0.3, 0, -0.16), (0.3, 0, -0.16), (0.3, 0, 0.16), (-0.3, 0, 0.16)]) * k
        canvas.shade(camera.project(place(foot, u, s)), 0.4)
        limbs = []
        for side in (-1, 1):
            lean = side * swing
            hip, knee, sole = (
                (0.09 * side, 0.88, 0),
                (0.1 * side, 0.5, 0.55 * lean + 0.04),
                (0.1 * side, 0.08, lean - bend * (lean < 0)),
            )
            limbs += [(hip, knee, 0.095, self.trousers), (knee, sole, 0.072, self.trousers)]
            limbs += [(sole, (sole[0], 0.05, sole[2] + 0.14), 0.05, np.array((34, 30, 28)))]
            shoulder, elbow, hand = (
                (0.21 * side, 1.38, 0),
                (0.25 * side, 1.12, -0.4 * lean),
                (0.24 * side, 0.88, -0.7 * lean + 0.06),
            )
            limbs += [
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
        ]
        limbs.append(((0, 1.69, -0.04), (0, 1.7, -0.02), 0.112, self.hair))
        scaled = [(np.array(a) * k, np.array(b) * k, r * k, colour) for a, b, r, colour in limbs]
        _draw_limbs(canvas, camera, (u, s, yaw), scaled, PEDESTRIAN)


@dataclass(frozen=True)
class Cyclist:
    """A rider on a bicycle; both are one class."""

    jacket: np.ndarray
    trousers: np.ndarray
    helmet: np.ndarray
    frame: np.ndarray
    skin: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Cyclist":
        """A rider, more often than not in something bright."""
        jacket = pick(rng, BRIGHTS if rng.random() < 0.6 else CLOTHES)
        return cls(
            jacket,
            pick(rng, CLOTHES) * 0.7,
            pick(rng, (*BRIGHTS, (40, 34, 30))),
            pick(rng, PAINTS),
            pick(rng, SKINS),
        )

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float, yaw: float, phase: float) -> None:
        """Draws them at (u, s), riding along yaw; `phase` (radians) turns the pedals."""
        pose, scale = (u, s, yaw), camera.scale(s)
        depth = s - camera.s
        shadow = [(-0.28, 0, -0.8), (0.28, 0, -0.8), (0.28, 0, 0.8), (-0.28, 0, 0.8)]
        canvas.shade(camera.project(place(shadow, *pose)), 0.4)
        angle = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        for along in (-0.53, 0.53):
            rim = place([(0, 0.35 + 0.34 * np.sin(a), along + 0.34 * np.cos(a)) for a in angle], *pose)
            canvas.outline(camera.project(rim), max(2.0, 0.07 * scale), (30, 30, 32), BICYCLIST, depth)
        seat, crank, fork, bars = (0, 0.88, -0.2), (0, 0.3, -0.02), (0, 0.78, 0.4), (0, 1.0, 0.38)
        tubes = [
            (seat, crank),
            (seat, fork),
            (crank, fork),
            ((0, 0.35, -0.53), crank),
            ((0, 0.35, -0.53), seat),
            ((0, 0.35, 0.53), bars),
        ]
        limbs = [(a, b, 0.03, self.frame) for a, b in tubes]
        limbs.append(((-0.24, 1.02, 0.4), (0.24, 1.02, 0.4), 0.025, np.array((40, 40, 42))))
        for side in (-1, 1):
            turn = phase + np.pi * (side > 0)
            pedal = (0.11 * side, 0.3 + 0.17 * np.sin(turn), -0.02 + 0.17 * np.cos(turn))
            knee = (0.13 * side, 0.72 + 0.1 * np.sin(turn), 0.2 + 0.05 * np.cos(turn))
            limbs += [
                ((0.1 * side, 0.97, -0.18), knee, 0.085, self.trousers),
                (knee, pedal, 0.065, self.trousers),
            ]
            limbs += [(pedal, (pedal[0], pedal[1], pedal[2] + 0.12), 0.05, np.array((30, 28, 28)))]
            limbs += [
                ((0.2 * side, 1.4, 0.06), (0.23 * side, 1.2, 0.26), 0.06, self.jacket),
                ((0.23 * side, 1.2, 0.26), (0.23 * side, 1.04, 0.4), 0.05, self.jacket),
            ]
        for side in (-0.11, 0, 0.11):
            limbs.append(((side, 1.0, -0.16), (side, 1.4, 0.05), 0.115, self.jacket))
        limbs += [
            ((0, 1.6, 0.14), (0, 1.63, 0.14), 0.1, self.skin),
            ((0, 1.68, 0.11), (0, 1.7, 0.13), 0.118, self.helmet),
        ]
        _draw_limbs(canvas, camera, pose, limbs, BICYCLIST)


# Street furniture


@dataclass(frozen=True)
class Lamp:
    """A street lamp, or with `wooden` a telegraph pole."""

    height: float
    colour: np.ndarray
    wooden: bool = False

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), its arm over the road."""
        scale, depth = camera.scale(s), s - camera.s
        foot, knee, top = camera.project([(u, 0, s), (u, 1.1, s), (u, self.height, s)])
        width = 0.26 if self.wooden else 0.17
        canvas.line(foot, top, width * scale, self.colour * 0.8, POLE, depth)
        canvas.line(foot, knee, (width + 0.09) * scale, self.colour * 0.75, POLE, depth)
        canvas.line(
            foot + np.array((-0.2 * width * scale, 0)),
            top + np.array((-0.2 * width * scale, 0)),
            0.35 * width * scale,
            self.colour * 1.15,
        )
        if self.wooden:
            left, right = camera.project([(u - 0.8, self.height - 0.5, s), (u + 0.8, self.height - 0.5, s)])
            canvas.line(left, right, 0.16 * scale, self.colour * 0.8, POLE, depth)
            return
        reach = -np.sign(u) * 1.5
        end, tip = camera.project(
            [(u + reach * 0.7, self.height + 0.25, s), (u + reach, self.height + 0.22, s)]
        )
        canvas.line(top, end, 0.11 * scale, self.colour * 0.85, POLE, depth)
        canvas.line(end, tip, 0.22 * scale, self.colour * 0.95, POLE, depth)


@dataclass(frozen=True)
class Sign:
    """A sign on its pole, or a traffic light; `kind` is limit, warning, order, board, back or light."""

    kind: str
    size: float
    colour: np.ndarray
    lit: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Sign":
        """A sign; the boards show a direction, in green, blue or white."""
        kind = ("limit", "warning", "order", "board", "light", "limit", "warning", "back")[rng.integers(8)]
        colour = pick(rng, ((20, 90, 60), (24, 70, 150), (228, 228, 224)))
        return cls(kind, float(rng.uniform(0.8, 1.05)), colour, int(rng.integers(3)))

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), facing the traffic."""
        scale, depth = camera.scale(s), s - camera.s
        high = 2.5 if self.kind != "light" else 2.35
        foot, top = camera.project([(u, 0, s), (u, high + 0.3, s)])
        canvas.line(foot, top, 0.13 * scale, (112, 114, 116), POLE, depth)
        edge = np.array((-0.03 * scale, 0))
        canvas.line(foot + edge, top + edge, 0.04 * scale, (176, 178, 178))
        centre = camera.project([(u, high + 0.25, s)])[0]
        self._draw_plate(canvas, centre, self.size * scale / 2, depth)

    def _draw_plate(self, canvas, centre, radius, depth) -> None:
        def box(width, height, lift=0.0):
            return (
                centre
                + np.array(
                    [
                        (-width, -height - lift),
                        (width, -height - lift),
                        (width, height - lift),
                        (-width, height - lift),
                    ]
                )
                * radius
            )

        if self.kind == "board":
            canvas.polygon(box(1.5, 0.85), (236, 236, 232), SIGN, depth)
            canvas.polygon(box(1.4, 0.75), self.colour)
            ink = (236, 236, 232) if self.colour.mean() < 160 else (30, 30, 34)
            for row, share in ((-0.35, 0.9), (0.05, 0.6), (0.42, 0.75)):
                start = centre + np.array((-1.1, row)) * radius
                canvas.line(start, start + np.array((2.2 * share * radius, 0)), 0.2 * radius, ink)
        elif self.kind == "light":
            canvas.polygon(box(0.5, 1.15), (226, 226, 222), SIGN, depth)
            canvas.polygon(box(0.42, 1.07), (22, 22, 24))
            for place_, colour in enumerate(((236, 40, 30), (245, 170, 40), (50, 215, 120))):
                colour = colour if place_ == self.lit else np.array(colour) * 0.25
                canvas.disc(centre + np.array((0, (place_ - 1) * 0.66)) * radius, 0.26 * radius, colour)
        elif self.kind == "warning":
            triangle = np.array([(0, -1.1), (1.1, 0.8), (-1.1, 0.8)])
            canvas.polygon(centre + triangle * radius, (206, 26, 30), SIGN, depth)
            canvas.polygon(centre + (triangle * 0.62 + (0, 0.06)) * radius, (240, 240, 236))
            canvas.line(
                centre + np.array((0, -0.2)) * radius,
                centre + np.array((0, 0.36)) * radius,
                0.2 * radius,
                (24, 24, 26),
            )
        else:
            rim = {"limit": (206, 26, 30), "order": (238, 238, 234), "back": (120, 122, 124)}[self.kind]
            inner = {"limit": (242, 242, 238), "order": (22, 76, 168), "back": (132, 134, 136)}[self.kind]
            canvas.disc(centre, radius, rim, SIGN, depth)
            canvas.disc(centre, 0.72 * radius, inner)
            ink = {"limit": (28, 28, 30), "order": (240, 240, 236), "back": (112, 114, 116)}[self.kind]
            for x in (-0.24, 0.24):
                canvas.line(
                    centre + np.array((x, -0.28)) * radius,
                    centre + np.array((x, 0.28)) * radius,
                    0.2 * radius,
                    ink,
                )


@dataclass(frozen=True)
class Fence:
    """A piece of fence along the road: `railing` (one looks through it), `rail` (crash barrier) or `boards`."""

    kind: str
    length: float
    height: float
    colour: np.ndarray
    texture: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def random(cls, rng: np.random.Generator, kind: str, length: float) -> "Fence":
        """A fence of this kind."""
        if kind == "boards":
            colour, texture = pick(rng, ((132, 98, 66), (112, 92, 72), (96, 108, 84))), None
            planks = np.repeat(1 + 0.14 * rng.standard_normal(int(length * 6) + 1), 4)[None, :, None]
            texture = np.clip(
                colour * np.repeat(planks, 40, 0) * np.linspace(1.08, 0.86, 40)[:, None, None], 0, 255
            )
            texture[:, ::4] *= 0.62
            texture[4:7] *= 0.8
            return cls(kind, length, float(rng.uniform(1.5, 1.9)), colour, texture.astype(np.uint8))
        colours = ((46, 50, 54), (34, 66, 56), (150, 152, 154)) if kind == "railing" else ((164, 168, 172),)
        return cls(kind, length, 1.15 if kind == "railing" else 0.85, pick(rng, colours))

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it from s to s + length at u."""
        start, end = max(s, camera.s + 1.0), s + self.length
        if end <= start + 0.05:
            return
        low0, high0, high1, low1 = corners = camera.project(
            [(u, 0.02, start), (u, self.height, start), (u, self.height, end), (u, 0.02, end)]
        )
        depths = start - camera.s, end - camera.s
        if self.kind == "boards":
            rows, columns = self.texture.shape[:2]
            x0 = (start - s) / self.length * columns
            source = np.array([(x0, rows), (x0, 0), (columns, 0), (columns, rows)])
            canvas.facade(self.texture, source, corners, depths, FENCE)
            return
        canvas.veil(corners, self.colour, 0.4, FENCE, sum(depths) / 2)
        levels = (
            ((0.98, 0.07), (0.55, 0.05), (0.12, 0.05))
            if self.kind == "railing"
            else ((0.86, 0.26), (0.45, 0.22))
        )
        for share, thick in levels:
            a, b = low0 + (high0 - low0) * share, low1 + (high1 - low1) * share
            half = thick / 2 / self.height
            band = [
                a + (high0 - low0) * half,
                b + (high1 - low1) * half,
                b - (high1 - low1) * half,
                a - (high0 - low0) * half,
            ]
            canvas.polygon(np.array(band), self.colour * (1.15 if share > 0.8 else 0.95))
        step = 0.3 if self.kind == "railing" and depths[0] < 14 else 1.5
        for along in np.arange(np.ceil(start / step) * step, end, step):
            foot, top = camera.project([(u, 0, along), (u, self.height, along)])
            broad = 0.08 if abs(along / 1.5 - round(along / 1.5)) < 0.05 else 0.035
            canvas.line(foot, top, broad * camera.scale(along), self.colour * 0.9)


@dataclass(frozen=True)
class Bin:
    """A litter bin or a post box: no class of CamVid's eleven, so void."""

    colour: np.ndarray
    height: float

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s)."""
        scale, depth = camera.scale(s), s - camera.s
        foot, top = camera.project([(u, 0.22, s), (u, self.height - 0.22, s)])
        canvas.line(foot, top, 0.5 * scale, self.colour * 0.8, VOID, depth)
        edge = np.array((0.08 * scale, 0))
        canvas.line(foot - edge, top - edge, 0.2 * scale, self.colour * 1.1)
        canvas.line(top - 1.75 * edge, top + 1.75 * edge, 0.1 * scale, (20, 20, 22))
