"""The verbs of what nobody differentiates, as torch.compile traces it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

from .._core import ways
from . import torch_host
from .numpy import BACKEND as NUMPY
from .torch import BACKEND, Torch
from .torch_operators import operator

FEW = 64  # classes up to which one sum of what the label selects costs less than two of all
LARGE = 1 << 18  # logits above which a pass over them takes longer than a test of the losses
PLAIN = (torch.Tensor, torch.nn.Parameter)


class Values(Torch):
    """The verbs of what nobody differentiates."""

    differentiates = False

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        return self.all_but(terms, x, base, index, axis)[1]

    def total_but_one(self, terms: Callable[..., Any], x: Any, top: Any, index: Any, own: Any, axis: int) -> Any:
        if x.shape[axis] > FEW:
            return ways.total_but_one_by_peak(self, terms, x, top, index, own, axis)
        return super().total_but_one(terms, x, top, index, own, axis)

    def all_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        if x.shape[axis] > FEW:
            return ways.all_but_by_peak(self, terms, x, base, index, axis)
        e = terms(self, x, base)
        return e, self.total(e * (self.positions(x, axis).to(x.dtype) != index.to(x.dtype)), axis)

    def guard(self, x: Any, live: Any) -> Any:
        return x

    def minus_abs(self, x: Any) -> Any:
        return -torch.abs(x)


class ByLabel(ways.ByLabel, Values):
    """The same of losses alone, of many logits."""

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        if x.shape[axis] > FEW:
            return self.total_but_peak(terms(self, x, base), None, 0.0, axis)  # the label's own term is a 1
        return super().total_but(terms, x, base, index, axis)

    def unless(self, near: Any, rows: Callable[..., Any], *arrays: Any) -> Any:
        return _unless(near, rows.__module__, rows.__name__, *arrays)


class Sole(Values):
    """The verbs of calls without a derivative, in an operator."""

    def walk(self, rows: Callable[..., Any], steep: bool, x: Any, *others: Any) -> Any:
        # only where the sizes say so: to ask one that is dynamic would make one more graph
        large = x.device.type == "cpu" and not steep and statically_known_true(x.numel() > LARGE)
        return ways.walk_by_label(BY_LABEL, rows, x, *others) if large else rows(self, steep, -1, x, *others)


def _mended(near: Any, module: str, name: str, loss: Any, x: Any, index: Any) -> Any:
    out = loss.clone()
    if near:
        return out
    rows, views = getattr(import_module(module), name), torch_host.views((x, index))
    if views is None:
        usual, _ = rows(VALUES, False, -1, x, index, None, None, None)
    else:
        with NUMPY.quiet():
            usual = torch.from_numpy(NUMPY.walk(rows, False, *views, None, None, None)[0])
    return out.copy_(ways.mended(VALUES, loss, usual))  # with the strides that the graph was promised


def _like(near: Any, module: str, name: str, loss: Any, x: Any, index: Any) -> Any:
    return torch.empty_like(loss)


# a branch of the graph itself, by torch.cond, would keep the graph off torch's caches on disk
_unless = operator(
    "unless",
    "(Tensor near, str module, str name, Tensor loss, Tensor x, Tensor index) -> Tensor",
    {"CPU": _mended, "Meta": _like},
)

VALUES, SOLE = Values("torch", BACKEND.xp), Sole("torch", BACKEND.xp)
BY_LABEL = ByLabel("torch", BACKEND.xp)
