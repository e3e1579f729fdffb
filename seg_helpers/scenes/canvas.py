"""What scenes are drawn on: a picture, its labels and its depth together, at twice the size of the result."""

import cv2
import numpy as np

OVERSAMPLING = 2  # drawn larger by this and shrunk by area, which softens edges as a lens does
_SHIFT = 3  # OpenCV's fixed-point bits: polygons move by eighths of a pixel


class Canvas:
    """An image with the label and the distance of every pixel; what is drawn later covers what was drawn before.

    Args:
        size: (height, width) of the finished image.
    """

    def __init__(self, size: tuple[int, int]):
        self.height, self.width = (side * OVERSAMPLING for side in size)
        self.image = np.zeros((self.height, self.width, 3), np.uint8)
        self.labels = np.zeros((self.height, self.width), np.uint8)
        self.depth = np.full((self.height, self.width), 1e4, np.float32)

    def polygon(self, points: np.ndarray, color, label: int | None = None, depth: float = 0.0) -> None:
        """Fills a polygon of (n, 2) pixel positions; without `label` only its color is drawn, as a detail."""
        corners = [_fix(points)]
        cv2.fillPoly(self.image, corners, plain(color), cv2.LINE_AA, _SHIFT)
        for plane, value in self._planes(label, depth):
            cv2.fillPoly(plane, corners, value, cv2.LINE_8, _SHIFT)

    def line(self, start, end, width: float, color, label: int | None = None, depth: float = 0.0) -> None:
        """Draws a line with round ends, `width` pixels thick; without `label` only its color."""
        ends, thickness = _fix([start, end]).tolist(), max(1, round(width))
        cv2.line(self.image, *ends, plain(color), thickness, cv2.LINE_AA, _SHIFT)
        for plane, value in self._planes(label, depth):
            cv2.line(plane, *ends, value, thickness, cv2.LINE_8, _SHIFT)

    def disc(self, center, radius: float, color, label: int | None = None, depth: float = 0.0) -> None:
        """Fills a circle of `radius` pixels; without `label` only its color is drawn."""
        self.line(center, np.asarray(center) + 1e-3, 2 * radius, color, label, depth)

    def outline(self, points: np.ndarray, width: float, color, label: int, depth: float) -> None:
        """Draws a polygon's outline and labels its whole inside, as annotators label a wheel."""
        corners, thickness = [_fix(points)], max(1, round(width))
        cv2.polylines(self.image, corners, True, plain(color), thickness, cv2.LINE_AA, _SHIFT)
        for plane, value in self._planes(label, depth):
            cv2.fillPoly(plane, corners, value, cv2.LINE_8, _SHIFT)
            cv2.polylines(plane, corners, True, value, thickness, cv2.LINE_8, _SHIFT)

    def veil(self, points: np.ndarray, color, strength: float, label: int, depth: float) -> None:
        """Tints a polygon that is looked through, and labels all of it."""
        box, low = self._window(points)
        inside = np.zeros(self.labels[box].shape, np.uint8)
        if inside.size:
            cv2.fillPoly(inside, [np.round(np.clip(points - low, -4000, 4000)).astype(np.int32)], 1)
            inside = inside > 0
            self.image[box][inside] = self.image[box][inside] * (1 - strength) + np.asarray(color) * strength
            for plane, value in self._planes(label, depth):
                plane[box][inside] = value

    def shade(self, points: np.ndarray, strength: float) -> None:
        """Darkens a soft-edged polygon on what is drawn already: a contact shadow."""
        box, low = self._window(points, 6, 6)
        part, mask = self.image[box], np.zeros(self.labels[box].shape, np.uint8)
        if mask.size:
            cv2.fillPoly(mask, [np.round(points - low).astype(np.int32)], 255)
            mask = cv2.GaussianBlur(mask, (0, 0), 2.5).astype(np.float32)[..., None] / 255
            part[:] = part * (1 - strength * mask)

    def sprite(self, levels, foot, size: tuple[float, float], label: int, depth: float) -> None:
        """Pastes an (h, w, 4) sprite, its alpha blended, at `size` (width, height) pixels, standing on `foot`.

        `levels` are the sprite and its halved copies; the smallest that is not too coarse is read.
        """
        width, height = (max(1, round(side)) for side in size)
        x, y = round(foot[0] - size[0] / 2), round(foot[1] - size[1])
        box, low = self._window(np.array([(x, y), (x + width, y + height)]), 0, 0)
        part = self.image[box]
        if not part.size:
            return
        sprite = next((level for level in reversed(levels) if level.shape[1] > 0.8 * width), levels[0])
        across, down = sprite.shape[1] / width, sprite.shape[0] / height
        matrix = np.array([(across, 0, (low[0] - x) * across), (0, down, (low[1] - y) * down)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        scaled = cv2.warpAffine(sprite, matrix, part.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
        alpha = scaled[..., 3:].astype(np.float32) / 255
        part[:] = part + (scaled[..., :3] - part.astype(np.float32)) * alpha
        for plane, value in self._planes(label, depth):
            plane[box][scaled[..., 3] > 127] = value

    def facade(self, texture: np.ndarray, corners: np.ndarray, depths, label: int, cut: float = 0.0) -> None:
        """Warps a texture, the first `cut` of its columns left out, to the screen's (4, 2) `corners`, near pair first.

        `depths` are the distances of the near and far vertical edge; between them the inverse is linear on screen.
        """
        box, low = self._window(corners)
        part = self.image[box]
        if not part.size:
            return
        (height, width), (rows, columns) = part.shape[:2], texture.shape[:2]
        source = np.float32([(cut * columns, rows), (cut * columns, 0), (columns, 0), (columns, rows)])
        matrix = cv2.getPerspectiveTransform(source, (corners - low).astype(np.float32))
        warped = cv2.warpPerspective(texture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros((height, width), np.uint8)
        inside = np.clip((corners - low) * (1 << _SHIFT), -1e6, 1e6).astype(np.int32)
        cv2.fillConvexPoly(mask, inside, 255, cv2.LINE_8, _SHIFT)
        cv2.copyTo(warped, mask, part)
        self.labels[box][mask > 0] = label
        near, far = corners[0, 0], corners[3, 0]
        share = (low[0] + np.arange(width) - near) / (far - near if abs(far - near) > 1 else 1.0)
        share = np.clip(share, 0, 1)
        self.depth[box] = np.where(mask, 1 / ((1 - share) / depths[0] + share / depths[1]), self.depth[box])

    def finish(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image (H, W, 3) float32, labels (H, W) uint8 and depth (H, W) at the finished size."""
        size = self.width // OVERSAMPLING, self.height // OVERSAMPLING
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        step = slice(OVERSAMPLING // 2, None, OVERSAMPLING)
        return image, self.labels[step, step].copy(), self.depth[step, step]

    def _planes(self, label: int | None, depth: float):
        return () if label is None else ((self.labels, label), (self.depth, depth))

    def _window(self, points: np.ndarray, before: int = 0, after: int = 1):
        """The part of the canvas around (n, 2) pixel positions, maybe empty: its slices and its upper left corner."""
        ends = np.floor(points.min(0)) - before, np.ceil(points.max(0)) + after
        low, high = np.clip(ends, 0, (self.width, self.height)).astype(int)
        return (slice(low[1], high[1]), slice(low[0], high[0])), low


def plain(color) -> list[float]:
    """A color as OpenCV takes it."""
    return np.asarray(color).tolist()


def ellipse(half_width: float, half_height: float, corners: int) -> np.ndarray:
    """An outline of (corners, 2) around (0, 0); the last point is the first."""
    angle = np.linspace(0, 2 * np.pi, corners)
    return np.stack([half_width * np.cos(angle), half_height * np.sin(angle)], axis=1)


def _fix(points) -> np.ndarray:
    return (np.asarray(points).clip(-4000, 4000) * (1 << _SHIFT)).round().astype(np.int32)
