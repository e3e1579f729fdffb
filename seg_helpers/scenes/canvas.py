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
        corners = [np.round(np.clip(points, -4000, 4000) * (1 << _SHIFT)).astype(np.int32)]
        cv2.fillPoly(self.image, corners, _plain(color), cv2.LINE_AA, _SHIFT)
        if label is not None:
            cv2.fillPoly(self.labels, corners, label, cv2.LINE_8, _SHIFT)
            cv2.fillPoly(self.depth, corners, depth, cv2.LINE_8, _SHIFT)

    def line(self, start, end, width: float, color, label: int | None = None, depth: float = 0.0) -> None:
        """Draws a line with round ends, `width` pixels thick; without `label` only its color."""
        ends = [[round(min(max(float(v), -4000.0), 4000.0) * (1 << _SHIFT)) for v in p] for p in (start, end)]
        thickness = max(1, round(float(width)))
        cv2.line(self.image, *ends, _plain(color), thickness, cv2.LINE_AA, _SHIFT)
        if label is not None:
            cv2.line(self.labels, *ends, label, thickness, cv2.LINE_8, _SHIFT)
            cv2.line(self.depth, *ends, depth, thickness, cv2.LINE_8, _SHIFT)

    def outline(self, points: np.ndarray, width: float, color, label: int, depth: float) -> None:
        """Draws a polygon's outline and labels its whole inside, as annotators label a wheel."""
        corners = [np.round(np.clip(points, -4000, 4000) * (1 << _SHIFT)).astype(np.int32)]
        cv2.polylines(self.image, corners, True, _plain(color), max(1, round(width)), cv2.LINE_AA, _SHIFT)
        for plane, value in ((self.labels, label), (self.depth, depth)):
            cv2.fillPoly(plane, corners, value, cv2.LINE_8, _SHIFT)
            cv2.polylines(plane, corners, True, value, max(1, round(width)), cv2.LINE_8, _SHIFT)

    def veil(self, points: np.ndarray, color, strength: float, label: int, depth: float) -> None:
        """Tints a polygon that is looked through, and labels all of it."""
        low = np.maximum(np.floor(points.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(points.max(0)).astype(int) + 1, (self.width, self.height))
        if (high <= low).any():
            return
        box = slice(low[1], high[1]), slice(low[0], high[0])
        mask = np.zeros((high - low)[::-1], np.uint8)
        cv2.fillPoly(mask, [np.round(np.clip(points - low, -4000, 4000)).astype(np.int32)], 255)
        inside = mask > 0
        self.image[box][inside] = self.image[box][inside] * (1 - strength) + np.asarray(color) * strength
        self.labels[box][inside] = label
        self.depth[box][inside] = depth

    def disc(self, center, radius: float, color, label: int | None = None, depth: float = 0.0) -> None:
        """Fills a circle of `radius` pixels; without `label` only its color is drawn."""
        self.line(center, np.asarray(center) + 1e-3, 2 * radius, color, label, depth)

    def shade(self, points: np.ndarray, strength: float) -> None:
        """Darkens a soft-edged polygon on what is drawn already: a contact shadow."""
        low, high = np.floor(points.min(0)).astype(int) - 6, np.ceil(points.max(0)).astype(int) + 6
        low, high = np.maximum(low, 0), np.minimum(high, (self.width, self.height))
        if (high <= low).any():
            return
        mask = np.zeros((high - low)[::-1], np.uint8)
        cv2.fillPoly(mask, [np.round(points - low).astype(np.int32)], 255)
        mask = cv2.GaussianBlur(mask, (0, 0), 2.5).astype(np.float32)[..., None] / 255
        part = self.image[low[1] : high[1], low[0] : high[0]]
        part[:] = part * (1 - strength * mask)

    def sprite(
        self, levels, left: float, top: float, size: tuple[float, float], label: int, depth: float
    ) -> None:
        """Pastes an (h, w, 4) sprite, its alpha blended, into the box of `size` (width, height) pixels.

        `levels` are the sprite and its halved copies; the smallest that is not too coarse is read.
        """
        width, height = (max(1, round(side)) for side in size)
        x, y = round(left), round(top)
        x0, x1, y0, y1 = max(x, 0), min(x + width, self.width), max(y, 0), min(y + height, self.height)
        if x0 >= x1 or y0 >= y1:
            return
        sprite = next((level for level in reversed(levels) if level.shape[1] > 0.8 * width), levels[0])
        across, down = sprite.shape[1] / width, sprite.shape[0] / height
        matrix = np.array([(across, 0, (x0 - x) * across), (0, down, (y0 - y) * down)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        scaled = cv2.warpAffine(
            sprite, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        alpha = scaled[..., 3:].astype(np.float32) / 255
        part = self.image[y0:y1, x0:x1]
        part[:] = part + (scaled[..., :3] - part.astype(np.float32)) * alpha
        solid = scaled[..., 3] > 127
        self.labels[y0:y1, x0:x1][solid] = label
        self.depth[y0:y1, x0:x1][solid] = depth

    def facade(
        self, texture: np.ndarray, source: np.ndarray, corners: np.ndarray, depths, label: int
    ) -> None:
        """Warps the quadrilateral `source` of a texture to the screen's `corners`, both (4, 2), near pair first.

        `depths` are the distances of the near and far vertical edge; between them the inverse is linear on screen.
        """
        low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(0)).astype(int) + 1, (self.width, self.height))
        if (high - low < 1).any():
            return
        width, height = (high - low).tolist()
        matrix = cv2.getPerspectiveTransform(source.astype(np.float32), (corners - low).astype(np.float32))
        warped = cv2.warpPerspective(texture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        mask = np.zeros((height, width), np.uint8)
        inside = np.clip((corners - low) * (1 << _SHIFT), -1e6, 1e6).astype(np.int32)
        cv2.fillConvexPoly(mask, inside, 255, cv2.LINE_8, _SHIFT)
        box = slice(low[1], high[1]), slice(low[0], high[0])
        cv2.copyTo(warped, mask, self.image[box])
        self.labels[box][mask > 0] = label
        near, far = corners[0, 0], corners[3, 0]
        share = np.clip(
            (np.arange(low[0], high[0]) - near) / (far - near if abs(far - near) > 1 else 1.0), 0, 1
        )
        columns = 1 / ((1 - share) / depths[0] + share / depths[1])
        cv2.copyTo(np.repeat(columns[None].astype(np.float32), height, 0), mask, self.depth[box])

    def finish(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image (H, W, 3) float32, labels (H, W) uint8 and depth (H, W) at the finished size."""
        size = self.width // OVERSAMPLING, self.height // OVERSAMPLING
        image = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        step = slice(OVERSAMPLING // 2, None, OVERSAMPLING)
        return image, self.labels[step, step].copy(), self.depth[step, step]


def _plain(color) -> tuple[float, float, float]:
    return tuple(float(min(max(value, 0), 255)) for value in color)
