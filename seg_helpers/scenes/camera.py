"""The camera of a road scene: meters along, across and above a curved road to pixels of a canvas."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that drives along the road and looks along its tangent.

    Road coordinates are (u, y, s) in meters: u to the right of the road's center line, y above the ground, s along it.

    Attributes:
        s, u, height: where it is.
        focal: focal length in pixels.
        center: (x, y) pixel of the point it looks at: y is the horizon.
        curve: the center line's offset to the right at a distance s, in meters.
    """

    s: float
    u: float
    height: float
    focal: float
    center: tuple[float, float]
    curve: Callable[[np.ndarray], np.ndarray]

    @cached_property
    def heading(self) -> float:
        """Slope of the road where the camera is."""
        return self.curve(self.s + 0.5) - self.curve(self.s - 0.5)

    def bend(self, z: np.ndarray) -> np.ndarray:
        """How far to the right of straight ahead the center line lies at distance z."""
        return self.curve(self.s + z) - self.curve(self.s) - self.heading * z

    def project(self, points, pose=(0.0, 0.0, 0.0)) -> np.ndarray:
        """Where (n, 3) points are seen, as (n, 2) pixels; points nearer than 0.3 m are taken as 0.3 m away.

        They are in road coordinates, or local to something in a `pose` (see `place`).
        """
        u, y, s = place(points, *pose).T
        z = np.maximum(s - self.s, 0.3)
        scale = self.focal / z
        x = self.center[0] + (u - self.u + self.bend(z)) * scale
        return np.array([x, self.center[1] + (self.height - y) * scale]).T

    def scale(self, s: float) -> float:
        """Pixels a meter at the distance of s."""
        return self.focal / max(s - self.s, 0.3)


def place(points, u: float, s: float, yaw: float) -> np.ndarray:
    """Moves (n, 3) local points (right, up, forward) to road coordinates; yaw turns forward towards the right."""
    right, up, forward = np.asarray(points, np.float64).T
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([right * cos + forward * sin + u, up, forward * cos - right * sin + s]).T


def footprint(half_width: float, rear: float, front: float) -> list[tuple[float, float, float]]:
    """What something covers of the ground, as local points."""
    return [(-half_width, 0, rear), (half_width, 0, rear), (half_width, 0, front), (-half_width, 0, front)]


def wheel(x: float, y: float, z: float, radius: float, corners: int) -> list[tuple[float, float, float]]:
    """A circle around (x, y, z) that stands along the way, as local points."""
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return [(x, y + radius * np.sin(angle), z + radius * np.cos(angle)) for angle in angles]
