"""What torch.compile traces: plain formulas, and beside the value of a rule that has its gradient cheaply the rule's
own derivative.

A Function with `jvp` does not trace. So the value is traced as one that nobody differentiates, and `attach` hands it
on: an operator that copies a few numbers, and whose backward pass is traced as the gradient's formula.
"""

from __future__ import annotations

import json
from functools import cache
from hashlib import blake2s
from importlib import import_module, resources
from typing import Any

import torch

from .._core.precision import working_dtype
from .._core.rule import Rule
from .switch import rules_enabled
from .torch import BACKEND, Torch, watched

_PLAIN = (torch.Tensor, torch.nn.Parameter)


class Values(Torch):
    """The verbs of what nobody differentiates."""

    differentiates = False

    # a comparison of each class with the label takes as long as its exponential
    total_but = Torch.total_but_compared_with_peak

    def all_but(self, terms: Any, x: Any, top: Any, *others: Any) -> tuple[Any, Any]:
        return terms(self, x, top), self.total_but(terms, x, top, *others)

    def guard(self, x: Any, live: Any) -> Any:
        return x

    def minus_abs(self, x: Any) -> Any:
        return -torch.abs(x)


VALUES = Values("torch", BACKEND.xp)


def outputs(rule: Rule, inputs: tuple[Any, ...], differentiated: bool) -> tuple[Any, ...]:
    """Those of a rule, as torch.compile is to trace them."""
    if not differentiated:
        return rule(VALUES, *inputs)
    tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
    if (
        not (rule.records and rules_enabled()) or watched() or torch.compiler.is_exporting()
        or not all(type(x) in _PLAIN and x.device.type == "cpu" for x in tensors)
    ):  # fmt: skip
        return rule(BACKEND, *inputs)
    values = rule(VALUES, *[x.detach() if isinstance(x, torch.Tensor) else x for x in inputs])
    # numbers as tensors: a compiler may have made symbols of them
    dtype = working_dtype(BACKEND, inputs[0])
    given = [torch.full((), x, dtype=dtype) if isinstance(x, int | float) else x for x in inputs]
    there = [x is not None for x in given]
    return tuple(attach(list(values), [x for x in given if x is not None], _spelled([_parts(rule), there])))


@torch.library.custom_op("xentropy::attach", mutates_args=())
def attach(values: list[torch.Tensor], inputs: list[torch.Tensor], call: str) -> list[torch.Tensor]:
    return [x.clone() for x in values]


@attach.register_fake
def _(values: list[torch.Tensor], inputs: list[torch.Tensor], call: str) -> list[torch.Tensor]:
    return [torch.empty_like(x) for x in values]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    values, tensors, ctx.call = inputs
    ctx.nothing = [None] * len(values)
    ctx.needs = [x.requires_grad for x in tensors]
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, cotangents: list[Any]) -> tuple[list[Any], list[Any], None]:
    rule, there, _ = json.loads(ctx.call)
    tensors, needs = iter(ctx.saved_tensors), iter(ctx.needs)
    arrays = [next(tensors) if x else None for x in there]
    wanted = [x and next(needs) for x in there]
    v = VALUES if torch.compiler.is_compiling() else BACKEND  # else it may be differentiated again
    found = _rule(*rule).vjp(v, arrays, wanted, cotangents)
    return ctx.nothing, [g for g, x in zip(found, there, strict=True) if x], None


attach.register_autograd(_backward, setup_context=_setup)


def _parts(rule: Rule) -> list[Any]:
    """A rule as an operator can be given it: in words, by which torch also finds what it has compiled before."""
    values = [getattr(rule, name) for name in rule.options]
    return [type(rule).__module__, type(rule).__name__, [_parts(x) if isinstance(x, Rule) else x for x in values]]


def _rule(module: str, name: str, options: list[Any]) -> Rule:
    kind = getattr(import_module(module), name)
    rule: Rule = kind(*[_rule(*x) if isinstance(x, list) else x for x in options])
    return rule


def _spelled(call: list[Any]) -> str:
    return json.dumps([*call, _formulas()])


@cache
def _formulas() -> str:
    """What they are now. Torch keeps what it has compiled between processes, and looks at the names of operators, not
    at what their backward passes do."""
    folders = [resources.files("xentropy").joinpath(name) for name in ("_core", "_backends")]
    files = sorted((file for folder in folders for file in folder.iterdir()), key=lambda file: file.name)
    return blake2s(b"".join(f.read_bytes() for f in files if f.name.endswith(".py")), digest_size=8).hexdigest()


# torch.compile calls it while it traces
_spelled._dynamo_marked_constant = True  # type: ignore[attr-defined]
