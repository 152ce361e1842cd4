"""What torch.compile traces of a call: one operator, made of others.

Not of one that is exported, differentiated by a transform, or given a subclass of tensors: there it is the formula.
Dynamo does not trace a Function with `jvp`. It leaves an operator as it is, and AOTAutograd, which comes next, traces
what it is made of, both passes. To the caches of compiled code the operator is as good as one of torch's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .._core import ways
from .._core.rule import Rule
from . import torch_host
from .switch import rules_enabled
from .torch import BACKEND, RuleFunction, Torch, watched
from .torch_operators import operator
from .torch_values import PLAIN, VALUES, Sole
from .torch_words import joined, read, spelled


def run(function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, ...]:
    """The outputs of a formula."""
    if (
        watched() or not rules_enabled() or torch.compiler.is_exporting()
        or any(isinstance(x, torch.Tensor) and type(x) not in PLAIN for x in arrays)
    ):  # fmt: skip
        out: tuple[Any, ...] = function(BACKEND, *arrays, **options)
        return out
    tensors: list[Any] = []
    numbers: list[Any] = []
    operands = [spelled(x, tensors, numbers) for x in arrays]
    settings = {name: spelled(x, tensors, numbers) for name, x in options.items()}
    return tuple(_operator(joined(function.__module__, function.__name__, operands, settings), tensors, numbers))


class InGraph(Torch):
    """The verbs of one such operator: `sole.near` says what its result rests on."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.sole = Sole(*values)

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        if not self.differentiating(inputs):
            return rule(self.sole, *inputs)
        if rule.plain:
            return rule(self, *inputs)
        out = RuleFunction.apply(rule, *inputs)
        # a view that a Function has made cannot be changed in place
        return tuple(x.clone() for x in (out if isinstance(out, tuple) else (out,)))


def _formula(words: str, tensors: list[Any], numbers: list[Any]) -> list[Any]:
    function, arrays, options = read(words, tensors, numbers)
    if not torch.compiler.is_compiling():  # backend="eager" runs the graph itself
        return list(BACKEND.run(function, arrays, options))
    v = InGraph("torch", BACKEND.xp)
    out = list(function(v, *arrays, **options))
    if v.sole.near is None:
        return out
    [loss] = out
    return [_mended(v.sole.near, loss, words, tensors, numbers)]


def _mend(near: Any, loss: Any, words: str, tensors: list[Any], numbers: list[Any]) -> Any:
    """The loss if all are near, or else that of the eager formula where it is not near itself."""
    out = loss.clone()
    if not near:
        function, arrays, options = read(words, tensors, numbers)
        views = torch_host.views(arrays)
        # not by way of `BACKEND.run`: another thread may be compiling, and torch cannot tell whose question it is
        [usual] = (
            function(VALUES, *arrays, **options)
            if views is None
            else torch_host.run(VALUES, views, function, arrays, options)
        )
        out.copy_(ways.mended(VALUES, loss, usual))
    return out


def _like(near: Any, loss: Any, *others: Any) -> Any:
    return torch.empty_like(loss)


_operator = operator(
    "formula", "(str words, Tensor[] tensors, Scalar[] numbers) -> Tensor[]", {"CompositeImplicitAutograd": _formula}
)
# a branch of the graph itself, by torch.cond, would keep the graph off torch's caches on disk
_mended = operator(
    "mended",
    "(Tensor near, Tensor loss, str words, Tensor[] tensors, Scalar[] numbers) -> Tensor",
    {"CPU": _mend, "Meta": _like},
)
