"""Surfaces of the scenes: noise, skies, house fronts, roofs, trees. All are plain arrays made from a generator."""

import cv2
import numpy as np

from seg_helpers.scenes.canvas import plain
from seg_helpers.scenes.style import Weather

FACADE_SCALE = 24  # pixels a meter of a house front's texture
TREE_SIDE = 240  # pixels of a tree's picture; a bush has half

PAINTS = ((168, 30, 34), (28, 52, 112), (190, 194, 198), (226, 226, 224), (34, 36, 40), (92, 96, 102), (22, 82, 66),
          (120, 22, 40), (64, 110, 160), (196, 170, 60), (128, 120, 108), (210, 90, 30))  # fmt: skip
WALLS = ((158, 92, 74), (142, 78, 62), (196, 172, 128), (178, 152, 112), (168, 162, 154), (214, 208, 196),
         (202, 186, 168), (186, 192, 196), (206, 176, 160), (150, 148, 146), (176, 190, 176), (126, 96, 82))  # fmt: skip
ROOFS = ((112, 64, 52), (86, 84, 88), (98, 72, 62), (72, 74, 80))
SHOPS = ((150, 40, 40), (30, 70, 110), (36, 88, 62), (190, 140, 50), (60, 60, 66), (120, 60, 110))
LEAVES = ((74, 104, 46), (62, 96, 54), (92, 116, 52), (54, 84, 44), (108, 118, 50))


def pick(rng: np.random.Generator, colors, darkest: float = 0.85, lightest: float = 1.12) -> np.ndarray:
    """One of the colors, a little lighter or darker."""
    return np.array(colors[rng.integers(len(colors))], np.float32) * rng.uniform(darkest, lightest)


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise of (H, W), about -1..1; `cell` is the size in pixels of its largest features."""
    total, weight = np.zeros(shape, np.float32), 1.0
    for _ in range(octaves):
        grid = rng.standard_normal([max(2, int(np.ceil(side / cell)) + 1) for side in shape])
        total += weight * cv2.resize(grid.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        cell, weight = max(cell / 2, 1.0), weight / 2
    return total / 1.5


def grain(rng: np.random.Generator, shape: tuple[int, int], strength: float) -> np.ndarray:
    """Independent noise of (H, W, 1), centered on 0."""
    return (rng.standard_normal(shape) * strength).astype(np.float32)[..., None]


def halvings(texture: np.ndarray) -> list[np.ndarray]:
    """A texture and its copies at a half, a fourth and an eighth of its size, for things seen from further away."""
    levels = [texture]
    for _ in range(3):
        levels.append(cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return levels


def to_uint8(image: np.ndarray) -> np.ndarray:
    """An image's values cut to 0..255."""
    return np.clip(image, 0, 255).astype(np.uint8)


def fill(image: np.ndarray, x0: float, y0: float, x1: float, y1: float, color) -> None:
    """Fills a rectangle, both corners included."""
    cv2.rectangle(image, (int(x0), int(y0)), (int(x1), int(y1)), plain(color), -1)


def sky(rng: np.random.Generator, shape: tuple[int, int], weather: Weather) -> np.ndarray:
    """A sky of (H, W, 3) uint8 whose lower edge is the horizon, with clouds that flatten towards it."""
    height, width = shape
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    image = np.array(weather.top) * (1 - down**1.3) + np.array(weather.horizon) * down**1.3
    image = np.repeat(image, width, axis=1).astype(np.float32)
    flat = noise(rng, shape, 150, 5)
    # Rows near the horizon look further away: the cloud field is squeezed there.
    rows = (height * (1 - 0.75 * (1 - np.linspace(0, 1, height)) ** 1.6)).astype(np.float32)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), rows)
    flat = cv2.remap(flat, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.clip((flat + 1.6 * weather.clouds - 0.75) / 0.9, 0, 1)[..., None]
    cover *= 0.45 + 0.4 * weather.clouds
    lit = np.clip(0.97 + 0.06 * noise(rng, shape, 60), 0.8, 1.05)[..., None]
    cloud = (0.6 * np.array(weather.horizon) + 0.4 * np.array((250, 250, 252))) * lit
    image = image * (1 - cover) + cloud * cover
    if weather.sun:
        y, x = np.mgrid[:height, :width]
        sun = np.exp(-(((x - width * rng.uniform(0.3, 0.7)) / 260) ** 2 + ((y - height * 0.55) / 160) ** 2))
        image += sun[..., None] * np.array((46, 40, 26)) * (0.4 + weather.sun)
    return to_uint8(image)


def facade(rng: np.random.Generator, length: float, floors: int, story: float) -> np.ndarray:
    """A house front of (floors * story, length) meters: wall, windows in rows, doors or a shop on the ground floor."""
    scale = FACADE_SCALE
    width, height = round(length * scale), round(floors * story * scale)
    wall = pick(rng, WALLS, 0.88, 1.08)
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
        door = rng.integers(bays) if floor == 0 else None
        top = base - (story * 0.32 + pane_height) * scale
        for bay in range(bays):
            center = (bay + 0.5) * width / bays
            if bay == door:
                _draw_door(rng, image, center, base)
            else:
                _draw_window(rng, image, center, top, pane_width * scale, pane_height * scale, trim, dark)
        if floor and rng.random() < 0.5:
            fill(image, 0, int(base) - 4, width, base, trim)
    fill(image, 0, 0, width, 0.3 * scale, trim)
    cv2.line(image, (0, int(0.34 * scale)), (width, int(0.34 * scale)), plain(wall * 0.5), 3)
    pipe = int(rng.uniform(0.02, 0.98) * width)
    cv2.line(image, (pipe, int(0.3 * scale)), (pipe, height), plain(wall * 0.55), 2)
    image[-int(0.4 * scale) :] *= 0.78  # a darker plinth, dirty from the street
    return to_uint8(image * np.linspace(1.04, 0.92, height, dtype=np.float32)[:, None, None])


def _lay_bricks(rng, image) -> None:
    """Courses of bricks, drawn coarser than real ones so that they survive the resolution."""
    course, brick = 5, 12
    height, width = image.shape[:2]
    tone = 1 + 0.055 * rng.standard_normal((height // course + 1, width // brick + 1)).astype(np.float32)
    image *= np.repeat(np.repeat(tone, course, 0), brick, 1)[:height, :width, None]
    image[::course] *= 0.93


def _draw_window(rng, image, center, top, width, height, trim, dark) -> None:
    x0, y0, x1, y1 = (round(v) for v in (center - width / 2, top, center + width / 2, top + height))
    if y0 < 3 or x0 < 2 or x1 > image.shape[1] - 2:
        return
    fill(image, x0 - 2, y0 - 2, x1 + 2, y1 + 3, trim)
    down = np.linspace(0, 1, y1 - y0, dtype=np.float32)[:, None, None]
    glass = np.array((92, 108, 128)) * (1 - down) + np.array((44, 52, 62)) * down
    glass = np.repeat(glass * dark * rng.uniform(0.75, 1.2), x1 - x0, axis=1)
    if rng.random() < 0.35:  # curtains
        widest = max(3, (x1 - x0) // 3 + 1)
        glass[:, : rng.integers(2, widest)] = (188, 182, 170)
        glass[:, -rng.integers(2, widest) :] = (184, 178, 166)
    if rng.random() < 0.06:  # a lamp is lit
        glass = glass * 0.4 + np.array((235, 205, 130)) * 0.6
    image[y0:y1, x0:x1] = glass
    bar, x, y = np.clip(trim * 1.05, 0, 250), (x0 + x1) // 2, (y0 + y1) // 2
    fill(image, x, y0, x, y1, bar)
    fill(image, x0, y, x1, y, bar)
    fill(image, x0 - 3, y1 + 3, x1 + 3, y1 + 3, trim * 0.6)


def _draw_door(rng, image, center, base) -> None:
    color = np.array(SHOPS[rng.integers(len(SHOPS))]) * 0.8
    x0, x1 = round(center - 0.55 * FACADE_SCALE), round(center + 0.55 * FACADE_SCALE)
    y0, y1 = round(base - 2.2 * FACADE_SCALE), round(base)
    fill(image, x0 - 3, y0 - 3, x1 + 3, y1, (210, 206, 198))
    fill(image, x0, y0, x1, y1, color)
    fill(image, x0 + 4, y0 + 4, x1 - 4, y0 + 14, (70, 80, 92))


def _draw_shop(rng, image, base, story) -> None:
    width = image.shape[1]
    top, base = round(base - (story - 0.15) * FACADE_SCALE), round(base)
    color = np.array(SHOPS[rng.integers(len(SHOPS))], np.float32)
    image[top:base] = color * 0.75
    down = np.linspace(1.25, 0.8, base - top - 30, dtype=np.float32)[:, None, None]
    x, pane = 8, int(rng.uniform(1.6, 2.6) * FACADE_SCALE)
    while x + 20 < width:
        x1 = min(x + pane, width - 8)
        image[top + 20 : base - 10, x:x1] = np.array((78, 86, 96)) * rng.uniform(0.7, 1.25) * down
        for _ in range(3):  # goods in the window
            left, high = rng.integers(x, max(x + 1, x1 - 8)), rng.integers(top + 30, base - 18)
            fill(image, left, high, left + 8, base - 12, rng.uniform(50, 190, 3))
        x = x1 + 6
    fill(image, 0, top, width, top + 15, color)
    for x in range(int(width * 0.25), int(width * 0.75), 9):  # letters
        fill(image, x, top + 4, x + rng.integers(3, 7), top + 10, np.clip(color + 110, 0, 245))


def plain_wall(rng: np.random.Generator, color: np.ndarray) -> np.ndarray:
    """A windowless wall of 8 by 12 meters at a fourth of a front's scale, stained."""
    shape = (72, 48)
    color = np.asarray(color, np.float32)
    return to_uint8(color * (1 + 0.06 * noise(rng, shape, 24)[..., None]) + grain(rng, shape, 5))


def tiles(color: np.ndarray) -> np.ndarray:
    """A roof of (32, 64, 3) in rows of tiles, darker towards the ridge."""
    image = np.repeat(color * np.linspace(0.86, 1.06, 32)[:, None, None], 64, axis=1).astype(np.float32)
    image[::4] *= 0.86
    return to_uint8(image)


def tree(rng: np.random.Generator) -> np.ndarray:
    """A broad-leaved tree, (H, W, 4) uint8 with alpha: trunk, branches, and a crown lit from above."""
    side = TREE_SIDE
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    crown, relief = np.full((side, side), -1.0, np.float32), np.zeros((side, side), np.float32)
    for _ in range(14):  # a crown is a cluster of rounded masses, each with its own light and dark side
        angle, reach, radius = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.26), rng.uniform(0.1, 0.19)
        left, up = 0.5 + reach * np.cos(angle) - x, 0.36 + 0.8 * reach * np.sin(angle) - y
        mass = 1 - (left**2 + up**2) / radius**2
        relief = np.where(mass > crown, 0.55 * up / radius + 0.25 * left / radius, relief)
        crown = np.maximum(crown, mass)
    leaf = noise(rng, (side, side), 14)
    crown = np.where(crown > -0.4, crown + 0.55 * leaf, -1.0)  # no leaves that hang in the air
    light = 0.86 + 0.3 * relief + 0.13 * noise(rng, (side, side), 7, 2) + 0.25 * (0.4 - y)
    leaves = np.clip(pick(rng, LEAVES, 0.85, 1.15) * np.clip(light, 0.35, 1.45)[..., None], 0, 255)
    image = _draw_trunk(rng, np.array((84, 70, 56)) * rng.uniform(0.75, 1.1))
    solid = np.clip(crown * 6 + 0.8, 0, 1)[..., None]
    image[..., :3] = image[..., :3] * (1 - solid) + leaves * solid
    image[..., 3:] = np.maximum(image[..., 3:], 255 * solid)
    return to_uint8(image)


def _draw_trunk(rng, bark) -> np.ndarray:
    side = TREE_SIDE
    image = np.zeros((side, side, 4), np.float32)
    foot, middle = 0.5 * side, 0.5 * side + rng.uniform(-6, 6)
    half = rng.uniform(0.016, 0.026) * side
    for low, high, light in ((1.5, 0.8, 1.0), (-0.4, -0.2, 1.3)):  # all of it, then its lit side
        left = [(foot - half * 1.5, side), (middle - half * 0.8, 0.5 * side)]
        right = [(middle + half * high, 0.5 * side), (foot + half * low, side)]
        cv2.fillPoly(image, [np.array(left + right).astype(np.int32)], (*plain(bark * light), 255))
    for _ in range(5):
        end = (int(middle + rng.uniform(-0.24, 0.24) * side), int(rng.uniform(0.2, 0.42) * side))
        start, color = (int(middle), int(0.56 * side)), (*plain(bark * 0.85), 255)
        cv2.line(image, start, end, color, int(half * 0.7) + 1)
    return image


def bush(rng: np.random.Generator) -> np.ndarray:
    """A bush or a piece of hedge, (H, W, 4) uint8 with alpha, twice as wide as high."""
    height, width = shape = TREE_SIDE // 4, TREE_SIDE // 2
    y, x = np.mgrid[:height, :width].astype(np.float32)
    edge = np.minimum(np.minimum(x, width - x) / 12, y / 9)
    solid = np.clip((edge - 0.9 + 0.6 * noise(rng, shape, 12)) * 3, 0, 1)
    light = 1.15 - 0.5 * y / height + 0.2 * noise(rng, shape, 8)
    return to_uint8(np.dstack([pick(rng, LEAVES, 0.8, 1.05) * light[..., None], 255 * solid]))


def skyline(rng: np.random.Generator, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """What closes the view at the horizon: roofs and tree tops, (height, width, 3), and a mask: 1 roofs, 2 trees."""
    image, mask = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.uint8)
    x = 0
    while x < width:
        end, top = x + int(rng.integers(14, 46)), height - int(height * rng.uniform(0.3, 0.85))
        color = pick(rng, WALLS, 0.6, 0.85)
        fill(image, x, top, end, height, color)
        fill(mask, x, top, end, height, 1)
        for row in range(top + 3, height, 6):
            fill(image, x + 2, row, end - 2, row, color * 0.7)
        x = end
    top = height * (0.62 - 0.2 * noise(rng, (1, width), 90, 4) - 0.16 * noise(rng, (1, width), 18))
    woods = (np.arange(height)[:, None] > top) & (noise(rng, (1, width), 200, 2) > -0.15)
    tone = 0.85 + 0.2 * noise(rng, (height, width), 8)[..., None]
    image[woods] = (np.array((66, 88, 52)) * tone)[woods]
    mask[woods] = 2
    return to_uint8(image), mask
