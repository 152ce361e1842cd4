"""The verbs of what nobody differentiates, as torch.compile traces it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

from .._core import ways
from .torch import BACKEND, Torch

FEW = 16  # classes that are summed one by one, for all rows at once
SHORT = 64  # classes up to which one sum of what the label selects costs less than two of all
LARGE = 1 << 18  # logits above which a pass over them takes longer than a test of the losses
PLAIN = (torch.Tensor, torch.nn.Parameter)


class Values(Torch):
    """The verbs of what nobody differentiates."""

    differentiates = False

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        return self.all_but(terms, x, base, index, axis)[1]

    def total_but_one(self, terms: Callable[..., Any], x: Any, top: Any, index: Any, own: Any, axis: int) -> Any:
        if x.shape[axis] > SHORT:
            return ways.total_but_one_by_peak(self, terms, x, top, index, own, axis)
        return super().total_but_one(terms, x, top, index, own, axis)

    def all_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        if x.shape[axis] > SHORT:
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
        if x.shape[axis] > SHORT:
            return self.total_but_peak(terms(self, x, base), None, 0.0, axis)  # the label's own term is a 1
        return super().total_but(terms, x, base, index, axis)


class Columns(ByLabel):
    """Of few classes. A loop over rows is computed by vectors; a gather, or a sum that is short, is not."""

    def spot(self, x: Any, index: Any, axis: int) -> Any:
        return index.to(x.dtype)  # numbers of one width are compared fastest

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        return ways.sum_at(self, x.split(1, -1), index)

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        return ways.sum_but(self, [terms(self, column, base) for column in x.split(1, -1)], index)


class Sole(Values):
    """The verbs of one call without a derivative, in an operator."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.near: Any = None  # whether all losses are near, a 0-d tensor, if they are relative to the label

    def walk(self, rows: Callable[..., Any], steep: bool, x: Any, index: Any, live: Any, *others: Any) -> Any:
        # only where the sizes say so: to ask one that is dynamic would make one more graph
        if steep or x.device.type != "cpu" or not statically_known_true(x.numel() > LARGE):
            return rows(self, steep, -1, x, index, live, *others)
        few = isinstance(x.shape[-1], int) and x.shape[-1] <= FEW
        loss, self.near = ways.by_label(COLUMNS if few else BY_LABEL, rows, x, index, live)
        return loss, None


VALUES, BY_LABEL, COLUMNS = (kind("torch", BACKEND.xp) for kind in (Values, ByLabel, Columns))
