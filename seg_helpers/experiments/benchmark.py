"""How fast the networks of a profile are here, in float32 and in what this machine computes fastest in."""

import pandas as pd
import torch

from seg_helpers.config import Profile
from seg_helpers.evaluation.speed import measure_latency
from seg_helpers.experiments.preparation import prepare_data
from seg_helpers.experiments.runner import build_network
from seg_helpers.progress import track
from seg_helpers.training.devices import build_accelerator, detect_precision


def time_networks(profile: Profile, names: list[str]) -> pd.DataFrame:
    """Times one image through each network, twice in one run, so that the ratio does not depend on the machine's mood.

    Returns:
        A row a run: height, width, fp32 and best (milliseconds), precision (of best), speedup (fp32 over best).
    """
    device = build_accelerator().device
    precision = detect_precision(device)
    rows = {}
    for name in track(names, "timing networks"):
        data = prepare_data(profile.experiment(name).data)
        network = build_network(profile, name, data.classes.num_classes)
        network = network.to(device, memory_format=torch.channels_last)
        times = [measure_latency(network, data.cache.size, kind).milliseconds for kind in ("fp32", precision)]
        rows[name] = [*data.cache.size, *times, precision, times[0] / times[1]]
    columns = ["height", "width", "fp32", "best", "precision", "speedup"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
