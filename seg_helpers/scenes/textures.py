"""Surfaces of the road scenes: noise, skies, house fronts, roofs, trees. All are plain arrays made from a generator."""

from dataclasses import dataclass

import cv2
import numpy as np

FACADE_SCALE = 24  # pixels a meter of a house front's texture


def pick(rng: np.random.Generator, colors) -> np.ndarray:
    """One of the colors, a little lighter or darker."""
    return np.array(colors[rng.integers(len(colors))], np.float32) * rng.uniform(0.85, 1.12)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise of (H, W), about -1..1; `cell` is the size in pixels of its largest features."""
    total, weight = np.zeros(shape, np.float32), 1.0
    for _ in range(octaves):
        grid = rng.standard_normal([max(2, int(np.ceil(side / cell)) + 1) for side in shape]).astype(
            np.float32
        )
        total += weight * cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
        cell, weight = max(cell / 2, 1.0), weight / 2
    return total / 1.5


def grain(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> np.ndarray:
    """Independent noise of (H, W, 1), centerd on 0."""
    return (rng.standard_normal(shape) * strength).astype(np.float32)[..., None]


def halvings(texture: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """A texture and its copies at a half, a fourth, … of its size, for things seen from further away."""
    levels = [texture]
    for _ in range(count):
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return tuple(levels)


@dataclass(frozen=True)
class Weather:
    """Light and air of a clip.

    Attributes:
        top, horizon: colors of the sky.
        light: multiplies all colors.
        haze: color that distance fades to.
        sight: distance in meters at which 63% has faded.
        clouds: 0 (none) to 1 (closed).
        sun: strength of the shadows, 0 for none.
        wet: strength of reflections on the road.
    """

    top: tuple[int, int, int]
    horizon: tuple[int, int, int]
    light: tuple[float, float, float]
    haze: tuple[int, int, int]
    sight: float
    clouds: float
    sun: float
    wet: float = 0.0


CLEAR = Weather((84, 136, 208), (192, 214, 234), (1.04, 1.02, 0.97), (188, 206, 226), 190, 0.35, 0.46)
OVERCAST = Weather((148, 156, 168), (208, 211, 214), (0.88, 0.90, 0.93), (196, 200, 205), 130, 1.0, 0.0)
EVENING = Weather((92, 118, 172), (250, 212, 160), (1.06, 0.92, 0.76), (236, 206, 172), 150, 0.45, 0.42)
BRIGHT = Weather((112, 150, 200), (214, 222, 228), (1.0, 0.99, 0.97), (206, 214, 222), 150, 0.7, 0.28)
CLOUDY = Weather((128, 150, 184), (206, 212, 220), (0.95, 0.95, 0.95), (200, 207, 215), 150, 0.85, 0.12)
RAIN = Weather((112, 120, 132), (176, 182, 188), (0.76, 0.79, 0.84), (168, 174, 181), 85, 1.0, 0.0, 0.35)


def sky(rng: np.random.Generator, shape: tuple[int, int], weather: Weather) -> np.ndarray:
    """A sky of (H, W, 3) uint8 whose lower edge is the horizon, with clouds that flatten towards it."""
    height, width = shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    image = np.array(weather.top) * (1 - down**1.3) + np.array(weather.horizon) * down**1.3
    image = np.repeat(image, width, axis=1).astype(np.float32)
    flat = noise(rng, (height, width), 150, 5)
    # Rows near the horizon look further away: the cloud field is squeezed there.
    rows = (height * (1 - 0.75 * (1 - np.linspace(0, 1, height)) ** 1.6)).astype(np.float32)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), rows)
    flat = cv2.remap(flat, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.clip((flat + 1.6 * weather.clouds - 0.75) / 0.9, 0, 1)[..., None] * (
        0.45 + 0.4 * weather.clouds
    )
    lit = np.clip(0.97 + 0.06 * noise(rng, (height, width), 60, 3), 0.8, 1.05)[..., None]
    cloud = (0.6 * np.array(weather.horizon) + 0.4 * np.array((250, 250, 252))) * lit
    image = image * (1 - cover) + cloud * cover
    if weather.sun:
        y, x = np.mgrid[:height, :width]
        sun = np.exp(-(((x - width * rng.uniform(0.3, 0.7)) / 260) ** 2 + ((y - height * 0.55) / 160) ** 2))
        image += sun[..., None] * np.array((46, 40, 26)) * (0.4 + weather.sun)
    return np.clip(image, 0, 255).astype(np.uint8)


PAINTS = ((168, 30, 34), (28, 52, 112), (190, 194, 198), (226, 226, 224), (34, 36, 40), (92, 96, 102), (22, 82, 66),
          (120, 22, 40), (64, 110, 160), (196, 170, 60), (128, 120, 108), (210, 90, 30))  # fmt: skip
WALLS = ((158, 92, 74), (142, 78, 62), (196, 172, 128), (178, 152, 112), (168, 162, 154), (214, 208, 196),
         (202, 186, 168), (186, 192, 196), (206, 176, 160), (150, 148, 146), (176, 190, 176), (126, 96, 82))  # fmt: skip
ROOFS = ((112, 64, 52), (86, 84, 88), (98, 72, 62), (72, 74, 80))
SHOPS = ((150, 40, 40), (30, 70, 110), (36, 88, 62), (190, 140, 50), (60, 60, 66), (120, 60, 110))


def facade(rng: np.random.Generator, length: float, floors: int, story: float = 3.0) -> np.ndarray:
    """A house front of (floors * story, length) meters: wall, windows in rows, doors or a shop on the ground floor."""
    scale = FACADE_SCALE
    width, height = round(length * scale), round(floors * story * scale)
    wall = np.array(WALLS[rng.integers(len(WALLS))], np.float32) * rng.uniform(0.88, 1.08)
    image = wall * (1 + 0.05 * noise(rng, (height, width), 60)[..., None])
    if rng.random() < 0.6:
        _lay_bricks(rng, image)
    trim = np.clip(wall * (1.3 if wall.mean() < 160 else 0.72), 0, 245)
    image += grain(rng, (height, width), 4)
    pane_width, pane_height = rng.uniform(0.9, 1.5), rng.uniform(1.3, 1.75)
    bays = max(1, int(length / (pane_width + rng.uniform(0.8, 1.5))))
    shop = rng.random() < 0.4
    dark = rng.uniform(0.75, 1.15)
    for floor in range(floors):
        base = height - floor * story * scale
        if floor == 0 and shop:
            _draw_shop(rng, image, base, story)
            continue
        doors = {int(rng.integers(bays))} if floor == 0 else set()
        for bay in range(bays):
            center = (bay + 0.5) * width / bays
            if bay in doors:
                _draw_door(rng, image, center, base)
            else:
                top = base - (story * 0.32 + pane_height) * scale
                _draw_window(rng, image, center, top, pane_width * scale, pane_height * scale, trim, dark)
        if floor and rng.random() < 0.5:
            cv2.rectangle(image, (0, int(base) - 4), (width, int(base)), trim.tolist(), -1)
    cv2.rectangle(image, (0, 0), (width, int(0.3 * scale)), trim.tolist(), -1)
    cv2.line(image, (0, int(0.34 * scale)), (width, int(0.34 * scale)), (wall * 0.5).tolist(), 3)
    pipe = int(rng.uniform(0.02, 0.98) * width)
    cv2.line(image, (pipe, int(0.3 * scale)), (pipe, height), (wall * 0.55).tolist(), 2)
    image[-int(0.4 * scale) :] *= 0.78  # a darker plinth, dirty from the street
    image *= np.linspace(1.04, 0.92, height, dtype=np.float32)[:, None, None]
    return np.clip(image, 0, 255).astype(np.uint8)


def _lay_bricks(rng, image) -> None:
    """Courses of bricks, drawn coarser than real ones so that they survive the resolution."""
    course, brick = 5, 12
    rows, columns = image.shape[0] // course + 1, image.shape[1] // brick + 1
    tone = 1 + 0.055 * rng.standard_normal((rows, columns)).astype(np.float32)
    tone = np.repeat(np.repeat(tone, course, 0), brick, 1)[: image.shape[0], : image.shape[1]]
    image *= tone[..., None]
    image[::course] *= 0.93


def _draw_window(rng, image, center, top, width, height, trim, dark) -> None:
    x0, y0, x1, y1 = (round(v) for v in (center - width / 2, top, center + width / 2, top + height))
    if y0 < 3 or x0 < 2 or x1 > image.shape[1] - 2:
        return
    cv2.rectangle(image, (x0 - 2, y0 - 2), (x1 + 2, y1 + 3), trim.tolist(), -1)
    down = np.linspace(0, 1, y1 - y0, dtype=np.float32)[:, None, None]
    glass = np.array((92, 108, 128)) * (1 - down) + np.array((44, 52, 62)) * down
    glass = np.repeat(glass * dark * rng.uniform(0.75, 1.2), x1 - x0, axis=1)
    if rng.random() < 0.35:  # curtains
        glass[:, : rng.integers(2, max(3, (x1 - x0) // 3 + 1))] = (188, 182, 170)
        glass[:, -rng.integers(2, max(3, (x1 - x0) // 3 + 1)) :] = (184, 178, 166)
    if rng.random() < 0.06:  # a lamp is lit
        glass = glass * 0.4 + np.array((235, 205, 130)) * 0.6
    image[y0:y1, x0:x1] = glass
    bar = tuple(np.clip(trim * 1.05, 0, 250).tolist())
    cv2.line(image, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), bar, 1)
    cv2.line(image, (x0, (y0 + y1) // 2), (x1, (y0 + y1) // 2), bar, 1)
    cv2.line(image, (x0 - 3, y1 + 3), (x1 + 3, y1 + 3), (trim * 0.6).tolist(), 1)


def _draw_door(rng, image, center, base) -> None:
    color = np.array(SHOPS[rng.integers(len(SHOPS))]) * 0.8
    x0, x1 = round(center - 0.55 * FACADE_SCALE), round(center + 0.55 * FACADE_SCALE)
    y0, y1 = round(base - 2.2 * FACADE_SCALE), round(base)
    cv2.rectangle(image, (x0 - 3, y0 - 3), (x1 + 3, y1), (210, 206, 198), -1)
    cv2.rectangle(image, (x0, y0), (x1, y1), color.tolist(), -1)
    cv2.rectangle(image, (x0 + 4, y0 + 4), (x1 - 4, y0 + 14), (70, 80, 92), -1)


def _draw_shop(rng, image, base, story) -> None:
    scale, width = FACADE_SCALE, image.shape[1]
    top, base = round(base - (story - 0.15) * scale), round(base)
    color = np.array(SHOPS[rng.integers(len(SHOPS))], np.float32)
    image[top:base] = color * 0.75
    x, pane = 8, int(rng.uniform(1.6, 2.6) * scale)
    while x + 20 < width:
        x1 = min(x + pane, width - 8)
        tone = rng.uniform(0.7, 1.25)
        down = np.linspace(1.25, 0.8, base - top - 30, dtype=np.float32)[:, None, None]
        image[top + 20 : base - 10, x:x1] = np.array((78, 86, 96)) * tone * down
        for _ in range(3):  # goods in the window
            gx, gy = rng.integers(x, max(x + 1, x1 - 8)), rng.integers(top + 30, base - 18)
            cv2.rectangle(
                image, (int(gx), int(gy)), (int(gx) + 8, base - 12), rng.uniform(50, 190, 3).tolist(), -1
            )
        x = x1 + 6
    cv2.rectangle(image, (0, top), (width, top + 15), color.tolist(), -1)
    letters = np.clip(color + 110, 0, 245).tolist()
    for x in range(int(width * 0.25), int(width * 0.75), 9):
        cv2.rectangle(image, (x, top + 4), (x + int(rng.integers(3, 7)), top + 10), letters, -1)


def plain_wall(rng: np.random.Generator, color: np.ndarray) -> np.ndarray:
    """A windowless wall of 8 by 12 meters at a fourth of a front's scale, stained."""
    shape = (72, 48)
    image = np.asarray(color, np.float32) * (1 + 0.06 * noise(rng, shape, 24)[..., None]) + grain(
        rng, shape, 5
    )
    return np.clip(image, 0, 255).astype(np.uint8)


LEAVES = ((74, 104, 46), (62, 96, 54), (92, 116, 52), (54, 84, 44), (108, 118, 50))


def tree(rng: np.random.Generator, side: int = 240) -> np.ndarray:
    """A broad-leaved tree, (side, side, 4) uint8 with alpha: trunk, branches, and a crown lit from above."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    crown = np.full((side, side), -1.0, np.float32)
    relief = np.zeros((side, side), np.float32)
    for _ in range(14):  # a crown is a cluster of rounded masses, each with its own light and dark side
        angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.26)
        cx, cy, radius = (
            0.5 + reach * np.cos(angle),
            0.36 + 0.8 * reach * np.sin(angle),
            rng.uniform(0.1, 0.19),
        )
        mass = 1 - ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
        relief = np.where(mass > crown, 0.55 * (cy - y) / radius + 0.25 * (cx - x) / radius, relief)
        crown = np.maximum(crown, mass)
    leaf = noise(rng, (side, side), 14, 3)
    crown = np.where(crown > -0.4, crown + 0.55 * leaf, -1.0)  # no leaves that hang in the air
    light = 0.86 + 0.3 * relief + 0.13 * noise(rng, (side, side), 7, 2) + 0.25 * (0.4 - y)
    base = np.array(LEAVES[rng.integers(len(LEAVES))], np.float32) * rng.uniform(0.85, 1.15)
    image = np.zeros((side, side, 4), np.float32)
    bark = np.array((84, 70, 56)) * rng.uniform(0.75, 1.1)
    _draw_trunk(rng, image, side, bark)
    leaves = np.clip(base * np.clip(light, 0.35, 1.45)[..., None], 0, 255)
    solid = np.clip(crown * 6 + 0.8, 0, 1)
    image[..., :3] = image[..., :3] * (1 - solid[..., None]) + leaves * solid[..., None]
    image[..., 3] = np.maximum(image[..., 3], 255 * solid)
    return image.clip(0, 255).astype(np.uint8)


def _draw_trunk(rng, image, side, bark) -> None:
    foot, middle = 0.5 * side, 0.5 * side + rng.uniform(-6, 6)
    half = rng.uniform(0.016, 0.026) * side
    trunk = np.array([(foot - half * 1.5, side), (middle - half * 0.8, 0.5 * side), (middle + half * 0.8, 0.5 * side),
                      (foot + half * 1.5, side)])  # fmt: skip
    cv2.fillPoly(image, [trunk.astype(np.int32)], (*bark.tolist(), 255))
    lit = np.array([(foot - half * 1.5, side), (middle - half * 0.8, 0.5 * side), (middle - half * 0.2, 0.5 * side),
                    (foot - half * 0.4, side)])  # fmt: skip
    cv2.fillPoly(image, [lit.astype(np.int32)], (*(bark * 1.3).tolist(), 255))
    for _ in range(5):
        end = (int(middle + rng.uniform(-0.24, 0.24) * side), int(rng.uniform(0.2, 0.42) * side))
        cv2.line(
            image, (int(middle), int(0.56 * side)), end, (*(bark * 0.85).tolist(), 255), int(half * 0.7) + 1
        )


def bush(rng: np.random.Generator, side: int = 120) -> np.ndarray:
    """A bush or a piece of hedge, (side / 2, side, 4) uint8 with alpha."""
    shape = (side // 2, side)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    edge = np.minimum(np.minimum(x, side - x) / 12, y / 9)
    solid = np.clip((edge - 0.9 + 0.6 * noise(rng, shape, 12, 3)) * 3, 0, 1)
    light = 1.15 - 0.5 * y / shape[0] + 0.2 * noise(rng, shape, 8, 3)
    base = np.array(LEAVES[rng.integers(len(LEAVES))], np.float32) * rng.uniform(0.8, 1.05)
    image = np.dstack([base * light[..., None], 255 * solid])
    return image.clip(0, 255).astype(np.uint8)


def skyline(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """What closes the view at the horizon: roofs and tree tops, (height, width, 3), and a mask: 1 roofs, 2 trees."""
    image, mask = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.uint8)
    x = 0
    while x < width:
        step, top = int(rng.integers(14, 46)), int(height * rng.uniform(0.3, 0.85))
        color = np.array(WALLS[rng.integers(len(WALLS))]) * rng.uniform(0.6, 0.85)
        cv2.rectangle(image, (x, height - top), (x + step, height), color.tolist(), -1)
        cv2.rectangle(mask, (x, height - top), (x + step, height), 1, -1)
        for row in range(height - top + 3, height, 6):
            cv2.line(image, (x + 2, row), (x + step - 2, row), (color * 0.7).tolist(), 1, cv2.LINE_4)
        x += step
    y = np.arange(height)[:, None]
    top = height * (0.62 - 0.2 * noise(rng, (1, width), 90, 4) - 0.16 * noise(rng, (1, width), 18, 3))
    woods = (y > top) & (noise(rng, (1, width), 200, 2) > -0.15)
    tone = 0.85 + 0.2 * noise(rng, (height, width), 8, 3)[..., None]
    image[woods] = (np.array((66, 88, 52)) * tone)[woods]
    mask[woods] = 2
    return np.clip(image, 0, 255).astype(np.uint8), mask
