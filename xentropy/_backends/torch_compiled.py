"""What torch.compile traces of a call: one operator, made of others.

Not of one that is exported, differentiated by a transform, or given a subclass of tensors: there it is the formula.
Dynamo does not trace a Function with `jvp`. It leaves an operator as it is, and AOTAutograd, which comes next, traces
what it is made of, both passes. To the caches of compiled code the operator is as good as one of torch's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch

from .._core.rule import Rule
from .switch import rules_enabled
from .torch import BACKEND, RuleFunction, Torch, watched
from .torch_operators import operator
from .torch_values import PLAIN, SOLE

LARGEST = 1 << 63  # of the integers that an operator takes


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
    operands = [_spelled(x, tensors, numbers) for x in arrays]
    settings = {name: _spelled(x, tensors, numbers) for name, x in options.items()}
    words = _joined(function.__module__, function.__name__, operands, settings)
    return tuple(_operator(words, tensors, numbers))


class InGraph(Torch):
    """The verbs of such an operator."""

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        if not self.differentiating(inputs):
            return rule(SOLE, *inputs)
        if rule.plain:
            return rule(self, *inputs)
        out = RuleFunction.apply(rule, *inputs)
        # a view that a Function has made cannot be changed in place
        return tuple(x.clone() for x in (out if isinstance(out, tuple) else (out,)))


IN_GRAPH = InGraph("torch", BACKEND.xp)


def _formula(words: str, tensors: list[Any], numbers: list[Any]) -> list[Any]:
    module, name, operands, settings = json.loads(words)
    function, given = getattr(import_module(module), name), {"tensor": iter(tensors), "number": iter(numbers)}
    arrays = tuple(_read(x, given) for x in operands)
    options = {key: _read(x, given) for key, x in settings.items()}
    if torch.compiler.is_compiling():
        return list(function(IN_GRAPH, *arrays, **options))
    return list(BACKEND.run(function, arrays, options))  # of a graph that is run as it is, by backend="eager"


_operator = operator(
    "formula", "(str words, Tensor[] tensors, Scalar[] numbers) -> Tensor[]", {"CompositeImplicitAutograd": _formula}
)


def _spelled(x: Any, tensors: list[Any], numbers: list[Any]) -> list[Any]:
    """An argument in words, but for tensors, and for numbers, which may be symbols: they go to the lists."""
    if isinstance(x, torch.Tensor):
        tensors.append(x)
        return ["tensor"]
    if isinstance(x, float) or (isinstance(x, int) and not isinstance(x, bool) and -LARGEST <= x < LARGEST):
        numbers.append(x)
        return ["number"]
    if isinstance(x, Rule):
        options = [_spelled(getattr(x, name), tensors, numbers) for name in x.options]
        return ["rule", type(x).__module__, type(x).__name__, options]
    return ["constant", x]


def _read(spelled: list[Any], given: dict[str, Iterator[Any]]) -> Any:
    kind, *parts = spelled
    if kind == "rule":
        module, name, options = parts
        return getattr(import_module(module), name)(*[_read(x, given) for x in options])
    return next(given[kind]) if kind in given else parts[0]


def _joined(*words: Any) -> str:
    return json.dumps(words)


# torch.compile calls it while it traces
_joined._dynamo_marked_constant = True  # type: ignore[attr-defined]
