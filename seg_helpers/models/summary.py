"""What a network is made of: its parts, their cost, and the graph behind its diagram.

A copy runs once on the meta device, where tensors have shapes and no values, so a summary at 1024x2048 costs no more
than one at 64x64. The graph is read off the data's way: every tensor remembers which parts it came through.
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakTensorKeyDictionary

from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.models.registry import count_parameters

COLUMNS = ["name", "type", "output", "stride", "channels", "parameters", "multiply_adds"]


@dataclass(frozen=True)
class ModelSummary:
    """Table and graph of a network for one image of `size` (height, width), a multiple of the network's stride.

    Attributes:
        parts: `COLUMNS`, a row for each of the diagram's nodes in the order of execution; of several outputs, stride
            and channels are the finest's. The last row, "logits", is what comes after the parts: sums and upsampling.
        edges: pairs of part names along which features flow, from "input" (no row of `parts`) to "logits".
        parameters: of the whole network, frozen ones and auxiliary heads included.
        multiply_adds: MACs for one image, of convolutions and matrix products.
    """

    size: tuple[int, int]
    parts: pd.DataFrame
    edges: list[tuple[str, str]]
    parameters: int
    multiply_adds: int


def summarize_model(model: SegmentationNetwork, size: tuple[int, int] = (360, 480)) -> ModelSummary:
    """Summarizes a network as it predicts (auxiliary heads silent), `size` (height, width) rounded up to its stride."""
    height, width = model.padded_size(size)
    model = copy.deepcopy(model).to("meta").eval()
    parts = {name: part for name, part in model.parts().items() if count_parameters(part)}
    owner = {module: name for name, part in parts.items() for module in part.modules()}
    trace = Trace()
    images = torch.empty(1, 3, height, width, device="meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter, trace:
        trace.sources[images] = {"input"}
        for module, part in owner.items():
            trace.watch(module, part)
        logits = model(images)
    flops = {name.partition(".")[2]: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    costs = dict.fromkeys(parts, 0)
    for name, module in model.named_modules():
        if module in owner and not any(module.children()):
            costs[owner[module]] += flops.get(name, 0) // 2
    rows = [
        [name, describe_type(parts[name]), *describe(outputs, height), count_parameters(parts[name]), costs[name]]
        for name, outputs in trace.outputs.items()
    ]
    rows.append(["logits", "output", *describe([logits], height), 0, 0])
    edges = [*trace.edges, *((source, "logits") for source in sorted(trace.sources[logits]))]
    return ModelSummary(
        size=(height, width),
        parts=pd.DataFrame(rows, columns=COLUMNS),
        edges=list(dict.fromkeys(edges)),
        parameters=count_parameters(model),
        multiply_adds=counter.get_total_flops() // 2,  # a MAC is two flops
    )


class Trace(TorchDispatchMode):
    """Remembers for every tensor which parts of the network it came through."""

    def __init__(self):
        super().__init__()
        self.sources = WeakTensorKeyDictionary()
        self.outputs: dict[str, list[Tensor]] = {}
        self.edges: list[tuple[str, str]] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        sources = self.merge((args, kwargs))
        for output in tensors(result):
            self.sources[output] = sources
        return result

    def merge(self, tree: object) -> set[str]:
        return set().union(*(self.sources.get(entry, set()) for entry in tensors(tree)))

    def watch(self, module: nn.Module, part: str) -> None:
        """Records what enters and leaves a module of a part; what leaves it comes from that part alone."""

        def enter(module, args, kwargs):
            self.edges += [(source, part) for source in sorted(self.merge((args, kwargs)) - {part})]

        def leave(module, args, kwargs, result):
            self.outputs[part] = list(tensors(result))
            for output in self.outputs[part]:
                self.sources[output] = {part}

        module.register_forward_pre_hook(enter, with_kwargs=True)
        module.register_forward_hook(leave, with_kwargs=True)


def tensors(tree: object) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def describe(outputs: list[Tensor], height: int) -> tuple[str, int, int]:
    """Shapes as "CxHxW, …", then stride and channels of the finest output."""
    finest = max(outputs, key=lambda output: output.shape[-1])
    shapes = ", ".join("x".join(map(str, output.shape[1:])) for output in outputs)
    stride = 2 ** round(math.log2(height / finest.shape[-2]))  # sizes are rounded, strides are powers of two
    return shapes, stride, finest.shape[1]


def describe_type(part: nn.Module) -> str:
    """Class of a part; for a plain container, the classes of what it holds."""
    if not isinstance(part, (nn.Sequential, nn.ModuleList)):
        return type(part).__name__
    kinds = [type(child).__name__ for child in part]
    return ", ".join(f"{kinds.count(kind)} {kind}" if kinds.count(kind) > 1 else kind for kind in dict.fromkeys(kinds))
