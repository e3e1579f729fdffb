"""What stands in a street: lamps, signs, fences, bins."""

from dataclasses import dataclass

import numpy as np

from seg_helpers.scenes.camera import Camera
from seg_helpers.scenes.canvas import Canvas
from seg_helpers.scenes.classes import FENCE, POLE, SIGN, VOID
from seg_helpers.scenes.textures import pick, to_uint8

SIGNS = ("limit", "warning", "order", "board", "light", "limit", "warning", "back")
ROUND_SIGNS = {  # rim, inside, ink
    "limit": ((206, 26, 30), (242, 242, 238), (28, 28, 30)),
    "order": ((238, 238, 234), (22, 76, 168), (240, 240, 236)),
    "back": ((120, 122, 124), (132, 134, 136), (112, 114, 116)),
}
LIGHTS = (236, 40, 30), (245, 170, 40), (50, 215, 120)


@dataclass(frozen=True)
class Lamp:
    """A street lamp, or with `wooden` a telegraph pole."""

    height: float
    color: np.ndarray
    wooden: bool

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), its arm over the road."""
        scale, depth, height = camera.scale(s), s - camera.s, self.height
        width, reach = 0.26 if self.wooden else 0.17, -np.sign(u) * 1.5

        def at(right, up):
            return camera.project([(u + right, up, s)])[0]

        foot, top, edge = at(0, 0), at(0, height), np.array((-0.2 * width * scale, 0))
        canvas.line(foot, top, width * scale, self.color * 0.8, POLE, depth)
        canvas.line(foot, at(0, 1.1), (width + 0.09) * scale, self.color * 0.75, POLE, depth)
        canvas.line(foot + edge, top + edge, 0.35 * width * scale, self.color * 1.15)
        if self.wooden:
            left, right = at(-0.8, height - 0.5), at(0.8, height - 0.5)
            canvas.line(left, right, 0.16 * scale, self.color * 0.8, POLE, depth)
        else:
            end, tip = at(reach * 0.7, height + 0.25), at(reach, height + 0.22)
            canvas.line(top, end, 0.11 * scale, self.color * 0.85, POLE, depth)
            canvas.line(end, tip, 0.22 * scale, self.color * 0.95, POLE, depth)


class Sign:
    """A sign on its pole, or a traffic light; a board shows a direction, in green, blue or white."""

    def __init__(self, rng: np.random.Generator):
        self.kind = SIGNS[rng.integers(len(SIGNS))]
        self.color = pick(rng, ((20, 90, 60), (24, 70, 150), (228, 228, 224)))
        self.size = rng.uniform(0.8, 1.05)  # meters
        self.lit = rng.integers(len(LIGHTS))

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it at (u, s), facing the traffic."""
        scale, depth = camera.scale(s), s - camera.s
        high = 2.5 if self.kind != "light" else 2.35
        foot, center, top = camera.project([(u, 0, s), (u, high + 0.25, s), (u, high + 0.3, s)])
        edge = np.array((-0.03 * scale, 0))
        canvas.line(foot, top, 0.13 * scale, (112, 114, 116), POLE, depth)
        canvas.line(foot + edge, top + edge, 0.04 * scale, (176, 178, 178))
        radius = self.size * scale / 2

        def at(*points):
            return center + np.array(points) * radius

        def box(width, height):
            return at((-width, -height), (width, -height), (width, height), (-width, height))

        if self.kind == "board":
            canvas.polygon(box(1.5, 0.85), (236, 236, 232), SIGN, depth)
            canvas.polygon(box(1.4, 0.75), self.color)
            ink = (236, 236, 232) if self.color.mean() < 160 else (30, 30, 34)
            for y, length in ((-0.35, 1.98), (0.05, 1.32), (0.42, 1.65)):
                canvas.line(*at((-1.1, y), (-1.1 + length, y)), 0.2 * radius, ink)
        elif self.kind == "light":
            canvas.polygon(box(0.5, 1.15), (226, 226, 222), SIGN, depth)
            canvas.polygon(box(0.42, 1.07), (22, 22, 24))
            for i, color in enumerate(LIGHTS):
                color = color if i == self.lit else np.array(color) * 0.25
                canvas.disc(*at((0, (i - 1) * 0.66)), 0.26 * radius, color)
        elif self.kind == "warning":
            canvas.polygon(at((0, -1.1), (1.1, 0.8), (-1.1, 0.8)), (206, 26, 30), SIGN, depth)
            canvas.polygon(at((0, -0.622), (0.682, 0.556), (-0.682, 0.556)), (240, 240, 236))
            canvas.line(*at((0, -0.2), (0, 0.36)), 0.2 * radius, (24, 24, 26))
        else:
            rim, inside, ink = ROUND_SIGNS[self.kind]
            canvas.disc(center, radius, rim, SIGN, depth)
            canvas.disc(center, 0.72 * radius, inside)
            for x in (-0.24, 0.24):
                canvas.line(*at((x, -0.28), (x, 0.28)), 0.2 * radius, ink)


class Fence:
    """A piece of fence along the road: `railing` (one looks through it), `rail` (crash barrier) or `boards`."""

    def __init__(self, rng: np.random.Generator, kind: str, length: float):
        self.kind, self.length = kind, length
        if kind == "boards":
            color = pick(rng, ((132, 98, 66), (112, 92, 72), (96, 108, 84)))
            planks = np.repeat(1 + 0.14 * rng.standard_normal(int(length * 6) + 1), 4)[None, :, None]
            texture = np.clip(color * planks * np.linspace(1.08, 0.86, 40)[:, None, None], 0, 255)
            texture[:, ::4] *= 0.62
            texture[4:7] *= 0.8
            self.texture, self.height = to_uint8(texture), rng.uniform(1.5, 1.9)
        elif kind == "railing":
            self.color, self.height = pick(rng, ((46, 50, 54), (34, 66, 56), (150, 152, 154))), 1.15
            self.bars = (0.98, 0.07), (0.55, 0.05), (0.12, 0.05)  # share of the height, thickness in meters
        else:
            self.color, self.height = pick(rng, ((164, 168, 172),)), 0.85
            self.bars = (0.86, 0.26), (0.45, 0.22)

    def draw(self, canvas: Canvas, camera: Camera, u: float, s: float) -> None:
        """Draws it from s to s + length at u."""
        start, end = max(s, camera.s + 1.0), s + self.length
        if end <= start + 0.05:
            return
        corners = [(u, 0.02, start), (u, self.height, start), (u, self.height, end), (u, 0.02, end)]
        corners, depths = camera.project(corners), (start - camera.s, end - camera.s)
        if self.kind == "boards":
            canvas.facade(self.texture, corners, depths, FENCE, (start - s) / self.length)
            return
        canvas.veil(corners, self.color, 0.4, FENCE, sum(depths) / 2)
        foot, rise = corners[[0, 3]], corners[[1, 2]] - corners[[0, 3]]  # of the near and the far end
        for share, thick in self.bars:
            half = thick / 2 / self.height
            band = np.concatenate([foot + rise * (share + half), (foot + rise * (share - half))[::-1]])
            canvas.polygon(band, self.color * (1.15 if share > 0.8 else 0.95))
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
        edge = np.array((0.08 * scale, 0))
        canvas.line(foot, top, 0.5 * scale, self.color * 0.8, VOID, depth)
        canvas.line(foot - edge, top - edge, 0.2 * scale, self.color * 1.1)
        canvas.line(top - 1.75 * edge, top + 1.75 * edge, 0.1 * scale, (20, 20, 22))
