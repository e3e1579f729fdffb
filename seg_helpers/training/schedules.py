"""Learning-rate schedules as pure functions of the step, so that a resumed run needs no scheduler state."""

import math

from seg_helpers.config import ScheduleConfig

START_DIVISOR = 25.0  # one-cycle: the peak over the first learning rate, as in torch's OneCycleLR
END_DIVISOR = 1e4  # one-cycle: the first learning rate over the last


def learning_rate_factor(schedule: ScheduleConfig, step: int, steps: int) -> float:
    """What the optimizer's learning rate is multiplied by at a step.

    poly: (1 - t)^power (Chen et al., DeepLab, arXiv 1606.00915, section 4.1). one_cycle: cosine up, cosine down
    (Smith and Topin, arXiv 1708.07120; torch's OneCycleLR without momentum cycling). `step` goes from 0 to `steps` - 1.
    """
    last = max(steps - 1, 1)
    match schedule.name:
        case "poly":
            return (1 - step / steps) ** schedule.power
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * step / last))
        case "one_cycle":
            return _one_cycle(step, schedule.pct_start * steps - 1, last)
        case "none":
            return 1.0


def _one_cycle(step: int, peak: float, last: int) -> float:
    first = 1 / START_DIVISOR
    if step <= peak:
        start, end, position = first, 1.0, step / max(peak, 1e-9)
    else:
        start, end, position = 1.0, first / END_DIVISOR, (step - peak) / max(last - peak, 1e-9)
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(position, 1.0)))
