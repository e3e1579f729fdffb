"""What makes one clip's street differ from another's: its light and air, its houses, how much there is of each."""

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Style:
    """What makes one clip's street differ from another's.

    Attributes:
        weather: light and air.
        half_width, pavement: of the cross-section, meters.
        floors: fewest and most of its houses.
        green: share of the length with gardens and parks instead of houses.
        trees, parked, people, cyclists: how much of each, 1 is usual.
        marking: lines in the middle: `dashed`, `hatched` (longer dashes) or `solid`.
        yellow: whether yellow lines run along the curbs.
    """

    weather: Weather
    half_width: float = 4.3
    pavement: float = 4.2
    floors: tuple[int, int] = (2, 4)
    green: float = 0.25
    trees: float = 0.7
    parked: float = 1.0
    people: float = 1.0
    cyclists: float = 1.0
    marking: str = "dashed"
    yellow: bool = False
