"""Learning-rate schedules as pure functions of the step, so that a resumed run needs no scheduler state."""

import math

from seg_helpers.config import ScheduleConfig

START_DIVISOR = 25.0  # one-cycle: the peak over the first learning rate, as in torch's OneCycleLR
END_DIVISOR = 1e4  # one-cycle: the first learning rate over the last
CYCLE_DIVISOR = 10.0  # cyclical: the top of the triangle over its bottom


def learning_rate_factor(schedule: ScheduleConfig, step: int, steps: int, steps_per_epoch: int) -> float:
    """What the optimizer's learning rate is multiplied by at a step.

    poly: (1 - t)^power (Chen et al., DeepLab, arXiv 1606.00915, section 4.1). one_cycle: cosine up, cosine down
    (Smith and Topin, arXiv 1708.07120; torch's OneCycleLR without momentum cycling). cyclical: triangles (Smith,
    arXiv 1506.01186). A warm-up rises linearly over its first epochs.

    Args:
        schedule: which curve.
        step: optimizer steps done, 0 to steps - 1.
        steps: steps in all.
        steps_per_epoch: steps an epoch.
    """
    last = max(steps - 1, 1)
    warmup = schedule.warmup_epochs * steps_per_epoch
    ramp = min(1.0, (step + 1) / warmup) if warmup else 1.0
    match schedule.name:
        case "poly":
            curve = (1 - step / steps) ** schedule.power
        case "cosine":
            curve = 0.5 * (1 + math.cos(math.pi * step / last))
        case "exponential":
            curve = schedule.gamma ** (step / steps_per_epoch)
        case "cyclical":
            position = step / (schedule.cycle_epochs * steps_per_epoch) % 1
            low = 1 / CYCLE_DIVISOR
            curve = low + (1 - low) * (1 - abs(2 * position - 1))
        case "one_cycle":
            curve = _one_cycle(step, schedule.rise * steps - 1, last)
        case "none":
            curve = 1.0
    return ramp * curve


def _one_cycle(step: int, peak: float, last: int) -> float:
    first = 1 / START_DIVISOR
    if step <= peak:
        return _cosine_between(first, 1.0, step / max(peak, 1e-9))
    return _cosine_between(1.0, first / END_DIVISOR, (step - peak) / max(last - peak, 1e-9))


def _cosine_between(start: float, end: float, position: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(position, 1.0)))
