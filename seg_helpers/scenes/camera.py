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
    def _offset(self) -> float:
        return float(self.curve(self.s))

    @cached_property
    def heading(self) -> float:
        """Slope of the road where the camera is."""
        return float(self.curve(self.s + 0.5) - self.curve(self.s - 0.5))

    def bend(self, z: np.ndarray) -> np.ndarray:
        """How far to the right of straight ahead the center line lies at distance z."""
        return self.curve(self.s + z) - self._offset - self.heading * z

    def project(self, points) -> np.ndarray:
        """(n, 3) road coordinates to (n, 2) pixels; points nearer than 0.3 m are taken as 0.3 m away."""
        points = np.asarray(points, np.float64).reshape(-1, 3)
        z = np.maximum(points[:, 2] - self.s, 0.3)
        x = points[:, 0] - self.u + self.bend(z)
        scale = self.focal / z
        pixels = np.empty((len(points), 2))
        pixels[:, 0] = self.center[0] + x * scale
        pixels[:, 1] = self.center[1] + (self.height - points[:, 1]) * scale
        return pixels

    def scale(self, s: float) -> float:
        """Pixels a meter at the distance of s."""
        return self.focal / max(s - self.s, 0.3)


def place(points, u: float, s: float, yaw: float = 0.0) -> np.ndarray:
    """Moves local points (right, up, forward) to road coordinates; yaw turns forward towards the right."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    cos, sin = np.cos(yaw), np.sin(yaw)
    moved = points.copy()
    moved[:, 0] = points[:, 0] * cos + points[:, 2] * sin + u
    moved[:, 2] = points[:, 2] * cos - points[:, 0] * sin + s
    return moved
