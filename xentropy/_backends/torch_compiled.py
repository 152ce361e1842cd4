"""What torch.compile traces: a rule with the derivative that is written here, where no transform takes part.

Dynamo does not trace a Function with `jvp`. So it is told to leave the call of a rule as it is, and AOTAutograd,
which comes next, traces both passes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch.fx.experimental.symbolic_shapes import statically_known_true

from .._core import ways
from .._core.rule import Rule
from .switch import rules_enabled
from .torch import BACKEND, RuleFunction, Torch, watched

FEW = 64  # classes up to which one sum of what the label selects costs less than two of all
LARGE = 1 << 18  # logits above which a pass over them takes longer than a test of the losses
_PLAIN = (torch.Tensor, torch.nn.Parameter)


class Values(Torch):
    """The verbs of what nobody differentiates."""

    differentiates = False

    def walk(self, rows: Callable[..., Any], steep: bool, x: Any, *others: Any) -> Any:
        # not what AOTAutograd traces of a differentiated call: its tensors have a type of their own
        plain = type(x) in _PLAIN and x.device.type == "cpu" and not torch.compiler.is_exporting()
        # only where the sizes say so: to ask one that is dynamic would make one more graph
        large = plain and not steep and statically_known_true(x.numel() > LARGE)
        return rows(BY_LABEL if large else self, steep, -1, x, *others)

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


class ByLabel(Values):
    """The same of losses alone, of many logits."""

    based = ways.based_by_label

    def total_but(self, terms: Callable[..., Any], x: Any, base: Any, index: Any, axis: int) -> Any:
        if x.shape[axis] > FEW:
            return self.total_but_peak(terms(self, x, base), None, 0.0, axis)  # the label's own term is a 1
        return super().total_but(terms, x, base, index, axis)

    def unless(self, fine: Any, x: Any, mended: Callable[[], Any]) -> Any:
        return torch.cond(fine.all(), lambda: x.clone(), mended, ())


VALUES, BY_LABEL = Values("torch", BACKEND.xp), ByLabel("torch", BACKEND.xp)


def outputs(rule: Rule, inputs: tuple[Any, ...], differentiated: bool) -> tuple[Any, ...]:
    """Those of a rule, as torch.compile is to trace them."""
    if not differentiated:
        return rule(VALUES, *inputs)
    if (
        rule.plain or not rules_enabled() or watched() or torch.compiler.is_exporting()
        or any(isinstance(x, torch.Tensor) and type(x) not in _PLAIN for x in inputs)
    ):  # fmt: skip
        return rule(BACKEND, *inputs)
    out: tuple[Any, ...] = _differentiated(_spelled(_parts(rule)), *inputs)
    return out


@torch.compiler.allow_in_graph
def _differentiated(words: str, *inputs: Any) -> tuple[Any, ...]:
    out = RuleFunction.apply(_rule(*json.loads(words)), *inputs)
    # a view that a Function has made cannot be changed in place
    return tuple(x.clone() for x in (out if isinstance(out, tuple) else (out,)))


def _parts(rule: Rule) -> list[Any]:
    """A rule as a graph can hold it: in words."""
    values = [getattr(rule, name) for name in rule.options]
    return [type(rule).__module__, type(rule).__name__, [_parts(x) if isinstance(x, Rule) else x for x in values]]


def _rule(module: str, name: str, options: list[Any]) -> Rule:
    kind = getattr(import_module(module), name)
    rule: Rule = kind(*[_rule(*x) if isinstance(x, list) else x for x in options])
    return rule


def _spelled(parts: list[Any]) -> str:
    return json.dumps(parts)


# torch.compile calls it while it traces
_spelled._dynamo_marked_constant = True  # type: ignore[attr-defined]
