"""What stands in a street: lamps, signs, fences, bins."""

from dataclasses import dataclass, field

import numpy as np

from seg_helpers.scenes.camera import Camera
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import FENCE, POLE, SIGN, VOID
from seg_helpers.scenes.textures import pick


@dataclass(frozen=True)
class Lamp:
    """A street lamp, or with `wooden` a telegraph pole."""

    height: float
    color: np.ndarray
    wooden: bool = False

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), its arm over the road."""
        scale, depth = camera.scale(s), s - camera.s
        foot, knee, top = camera.project([(u, 0, s), (u, 1.1, s), (u, self.height, s)])
        width = 0.26 if self.wooden else 0.17
        canvas.line(foot, top, width * scale, self.color * 0.8, POLE, depth)
        canvas.line(foot, knee, (width + 0.09) * scale, self.color * 0.75, POLE, depth)
        canvas.line(
            foot + np.array((-0.2 * width * scale, 0)),
            top + np.array((-0.2 * width * scale, 0)),
            0.35 * width * scale,
            self.color * 1.15,
        )
        if self.wooden:
            left, right = camera.project([(u - 0.8, self.height - 0.5, s), (u + 0.8, self.height - 0.5, s)])
            canvas.line(left, right, 0.16 * scale, self.color * 0.8, POLE, depth)
            return
        reach = -np.sign(u) * 1.5
        end, tip = camera.project(
            [(u + reach * 0.7, self.height + 0.25, s), (u + reach, self.height + 0.22, s)]
        )
        canvas.line(top, end, 0.11 * scale, self.color * 0.85, POLE, depth)
        canvas.line(end, tip, 0.22 * scale, self.color * 0.95, POLE, depth)


@dataclass(frozen=True)
class Sign:
    """A sign on its pole, or a traffic light; `kind` is limit, warning, order, board, back or light."""

    kind: str
    size: float
    color: np.ndarray
    lit: int = 0

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Sign":
        """A sign; the boards show a direction, in green, blue or white."""
        kind = ("limit", "warning", "order", "board", "light", "limit", "warning", "back")[rng.integers(8)]
        color = pick(rng, ((20, 90, 60), (24, 70, 150), (228, 228, 224)))
        return cls(kind, float(rng.uniform(0.8, 1.05)), color, int(rng.integers(3)))

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), facing the traffic."""
        scale, depth = camera.scale(s), s - camera.s
        high = 2.5 if self.kind != "light" else 2.35
        foot, top = camera.project([(u, 0, s), (u, high + 0.3, s)])
        canvas.line(foot, top, 0.13 * scale, (112, 114, 116), POLE, depth)
        edge = np.array((-0.03 * scale, 0))
        canvas.line(foot + edge, top + edge, 0.04 * scale, (176, 178, 178))
        center = camera.project([(u, high + 0.25, s)])[0]
        self._draw_plate(canvas, center, self.size * scale / 2, depth)

    def _draw_plate(self, canvas, center, radius, depth) -> None:
        def box(width, height, lift=0.0):
            return (
                center
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
            canvas.polygon(box(1.4, 0.75), self.color)
            ink = (236, 236, 232) if self.color.mean() < 160 else (30, 30, 34)
            for row, share in ((-0.35, 0.9), (0.05, 0.6), (0.42, 0.75)):
                start = center + np.array((-1.1, row)) * radius
                canvas.line(start, start + np.array((2.2 * share * radius, 0)), 0.2 * radius, ink)
        elif self.kind == "light":
            canvas.polygon(box(0.5, 1.15), (226, 226, 222), SIGN, depth)
            canvas.polygon(box(0.42, 1.07), (22, 22, 24))
            for place_, color in enumerate(((236, 40, 30), (245, 170, 40), (50, 215, 120))):
                color = color if place_ == self.lit else np.array(color) * 0.25
                canvas.disc(center + np.array((0, (place_ - 1) * 0.66)) * radius, 0.26 * radius, color)
        elif self.kind == "warning":
            triangle = np.array([(0, -1.1), (1.1, 0.8), (-1.1, 0.8)])
            canvas.polygon(center + triangle * radius, (206, 26, 30), SIGN, depth)
            canvas.polygon(center + (triangle * 0.62 + (0, 0.06)) * radius, (240, 240, 236))
            canvas.line(
                center + np.array((0, -0.2)) * radius,
                center + np.array((0, 0.36)) * radius,
                0.2 * radius,
                (24, 24, 26),
            )
        else:
            rim = {"limit": (206, 26, 30), "order": (238, 238, 234), "back": (120, 122, 124)}[self.kind]
            inner = {"limit": (242, 242, 238), "order": (22, 76, 168), "back": (132, 134, 136)}[self.kind]
            canvas.disc(center, radius, rim, SIGN, depth)
            canvas.disc(center, 0.72 * radius, inner)
            ink = {"limit": (28, 28, 30), "order": (240, 240, 236), "back": (112, 114, 116)}[self.kind]
            for x in (-0.24, 0.24):
                canvas.line(
                    center + np.array((x, -0.28)) * radius,
                    center + np.array((x, 0.28)) * radius,
                    0.2 * radius,
                    ink,
                )


@dataclass(frozen=True)
class Fence:
    """A piece of fence along the road: `railing` (one looks through it), `rail` (crash barrier) or `boards`."""

    kind: str
    length: float
    height: float
    color: np.ndarray
    texture: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def random(cls, rng: np.random.Generator, kind: str, length: float) -> "Fence":
        """A fence of this kind."""
        if kind == "boards":
            color, texture = pick(rng, ((132, 98, 66), (112, 92, 72), (96, 108, 84))), None
            planks = np.repeat(1 + 0.14 * rng.standard_normal(int(length * 6) + 1), 4)[None, :, None]
            texture = np.clip(
                color * np.repeat(planks, 40, 0) * np.linspace(1.08, 0.86, 40)[:, None, None], 0, 255
            )
            texture[:, ::4] *= 0.62
            texture[4:7] *= 0.8
            return cls(kind, length, float(rng.uniform(1.5, 1.9)), color, texture.astype(np.uint8))
        colors = ((46, 50, 54), (34, 66, 56), (150, 152, 154)) if kind == "railing" else ((164, 168, 172),)
        return cls(kind, length, 1.15 if kind == "railing" else 0.85, pick(rng, colors))

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
            canvas.facade(self.texture, corners, depths, FENCE, (start - s) / self.length)
            return
        canvas.veil(corners, self.color, 0.4, FENCE, sum(depths) / 2)
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
            canvas.polygon(np.array(band), self.color * (1.15 if share > 0.8 else 0.95))
        step = 0.3 if self.kind == "railing" and depths[0] < 14 else 1.5
        for along in np.arange(np.ceil(start / step) * step, end, step):
            foot, top = camera.project([(u, 0, along), (u, self.height, along)])
            broad = 0.08 if abs(along / 1.5 - round(along / 1.5)) < 0.05 else 0.035
            canvas.line(foot, top, broad * camera.scale(along), self.color * 0.9)


@dataclass(frozen=True)
class Bin:
    """A litter bin or a post box: no class of CamVid's eleven, so void."""

    color: np.ndarray
    height: float

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s)."""
        scale, depth = camera.scale(s), s - camera.s
        foot, top = camera.project([(u, 0.22, s), (u, self.height - 0.22, s)])
        canvas.line(foot, top, 0.5 * scale, self.color * 0.8, VOID, depth)
        edge = np.array((0.08 * scale, 0))
        canvas.line(foot - edge, top - edge, 0.2 * scale, self.color * 1.1)
        canvas.line(top - 1.75 * edge, top + 1.75 * edge, 0.1 * scale, (20, 20, 22))
