"""PyTorch: a rule becomes an `autograd.Function`, or plain code where that is not to be had.

Under torch.compile that is in transforms: compile(func.grad(f)) drops the backward of any Function without a word
(pytorch#193279).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from array_api_compat import torch as xp
from torch.autograd import forward_ad

from .._core.labels import Complaint
from .._core.precision import working_dtype
from .._core.rule import Rule
from . import torch_host
from .generic import Backend, Traced
from .numpy import BACKEND as NUMPY
from .switch import rules_enabled

_transforming: Callable[[], bool] = getattr(torch._C, "_are_functorch_transforms_active", lambda: True)
_levels: Callable[[], Any] = getattr(torch._C._functorch, "get_interpreter_stack", list)


_plain: Callable[[], bool] = torch.compiler.is_compiling


def watched() -> bool:
    """Whether a transform or forward mode differentiates or maps what runs now."""
    return _transforming() or forward_ad._current_level >= 0


# torch.compile calls it while it traces, under the very transforms that it traces
watched._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _lost() -> bool:
    """Under transforms that a Function does not get through: in forward mode over forward mode torch takes the
    derivative of `jvp` for 0 (pytorch#197867), and functionalize refuses them."""
    levels = [level.key().name for level in _levels() or ()] if _transforming() else []
    return levels.count("Jvp") > 1 or "Functionalize" in levels


class Torch(Backend):
    @property
    def differentiates(self) -> bool:  # type: ignore[override]
        return _plain() or not rules_enabled()

    def run(self, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if _plain():
            from .torch_compiled import run

            return run(function, arrays, options)
        views = self.views(arrays)
        return function(self, *arrays, **options) if views is None else self.run_on(views, function, arrays, options)

    def views(self, arrays: tuple[Any, ...]) -> Any:
        return None if _plain() or not rules_enabled() else torch_host.views(arrays)

    run_on = torch_host.run

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        if any(type(x) is Traced for x in inputs):  # in a backward pass that is to be differentiated
            return self._record(rule, inputs)
        if _plain():
            return rule(self if self.differentiating(inputs) else _values(), *inputs)
        if rule.plain or not rules_enabled() or not self.differentiating(inputs) or _lost():
            return rule(self, *inputs)
        out = RuleFunction.apply(rule, *inputs)
        return out if isinstance(out, tuple) else (out,)

    def differentiating(self, inputs: tuple[Any, ...]) -> bool:
        if watched():
            return True
        return torch.is_grad_enabled() and any(isinstance(x, torch.Tensor) and x.requires_grad for x in inputs)

    def peek(self, x: Any) -> Any:
        x = super().peek(x)
        if _plain() and isinstance(x, torch.Tensor) and not x.requires_grad:
            return x  # torch.export fails on a constant that is detached for nothing
        return self.constant(x)

    def constant(self, x: Any) -> Any:
        return x.detach() if isinstance(x, torch.Tensor) else x

    def quiet(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def visible(self, x: Any) -> bool:
        if _plain() or _transforming() or torch_host.tracing() is not None:
            return False
        return type(x) in (torch.Tensor, torch.nn.Parameter) and x.device.type == "cpu"

    def count(self, n: int, like: Any) -> Any:
        # float() would fix a dynamic shape in torch.export; and under torch.func.jvp a 0-d tensor over a Python
        # number has a tangent in float64, whatever its own dtype
        if not (_plain() or _transforming()):
            return float(n)
        return torch.full((), n, dtype=working_dtype(self, like), device=like.device)

    def clip(self, x: Any, low: Any, high: Any) -> Any:
        return torch.clamp(x, low, high)  # that of array-api-compat takes a symbol for an array

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        return torch.gather(x, axis, index)  # take_along_dim is compiled anew for every size

    def move(self, x: Any, source: int, destination: int) -> Any:
        return torch.movedim(x, source, destination)  # torch.moveaxis does not run under vmap

    def in_range(self, labels: Any, classes: int) -> bool:
        return NUMPY.in_range(labels.numpy(), classes)

    def between(self, x: Any, low: float, high: float) -> bool:
        # torch has no minimum of uint64, and NumPy no bfloat16
        x = x.detach()
        return NUMPY.between((x.float() if x.dtype is torch.bfloat16 else x).numpy(), low, high)

    def places(self, x: Any, index: Any, axis: int) -> Any:
        # twice as many of these are compared at once
        return self.positions(x, axis).to(torch.int32) == index.to(torch.int32)

    def put(self, x: Any, index: Any, value: Any, axis: int) -> Any:
        if _plain():  # a scatter is not fused
            return super().put(x, index, value, axis)
        return torch.scatter(x, axis, index, value)

    def deposit(self, x: Any, index: Any, amount: Any, axis: int) -> Any:
        return torch.scatter_add(x, axis, index, amount)

    def total(self, x: Any, axis: int) -> Any:
        return torch.sum(x, dim=axis, keepdim=True)  # torch sums in blocks itself

    def raise_at_run_time(self, bad: Any, labels: Any, complaint: Complaint) -> Any:
        if _plain() or _transforming() or type(bad) is not torch.Tensor:
            from .torch_check import check_labels

            words, classes = (b, None) if isinstance(b := complaint.bounds, str) else ("", b)
            return check_labels(bad, labels, complaint.name, words, classes)
        return super().raise_at_run_time(bad, labels, complaint)

    def value_and_grad(self, f: Callable[..., Any], arguments: list[Any]) -> tuple[Any, list[Any]]:
        inside = torch.is_inference_mode_enabled()  # nothing is recorded there, nor of what was made there
        if _plain() or _transforming() or inside or any(x.requires_grad or x.is_inference() for x in arguments):
            return self._functional(f, arguments)
        leaves = [x.detach().requires_grad_() for x in arguments]
        with torch.enable_grad():
            out = f(*leaves)
            value = out[0] if isinstance(out, tuple) else out
            gradients = (
                torch.autograd.grad(value.sum(), leaves, materialize_grads=True)
                if value.requires_grad
                else [torch.zeros_like(x) for x in leaves]
            )
        bare = tuple(y.detach() for y in out) if isinstance(out, tuple) else out.detach()
        return bare, list(gradients)

    def _functional(self, f: Callable[..., Any], arguments: list[Any]) -> tuple[Any, list[Any]]:
        def scalar(*xs: Any) -> tuple[Any, Any]:
            out = f(*xs)
            return (out[0] if isinstance(out, tuple) else out).sum(), out

        gradients, out = torch.func.grad(scalar, tuple(range(len(arguments))), has_aux=True)(*arguments)
        return out, list(gradients)


class RuleFunction(torch.autograd.Function):
    """Any rule. What is saved are its inputs: its derivatives are formulas of those, differentiable again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(rule: Rule, *inputs: Any) -> Any:
        return rule(_values() if _plain() else BACKEND, *inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        rule, *arrays = inputs
        ctx.rule = rule
        ctx.set_materialize_grads(False)
        tensors = [x for x in arrays if isinstance(x, torch.Tensor)]
        ctx.others = [None if isinstance(x, torch.Tensor) else (x,) for x in arrays]
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        arrays = _restore(ctx)
        if all(ct is None for ct in cotangents):
            return (None,) * (1 + len(arrays))
        bare = _plain() and not torch.is_grad_enabled()  # with a graph it is differentiated again
        v = _values() if bare else BACKEND
        return (None, *ctx.rule.vjp(v, arrays, ctx.needs_input_grad[1:], cotangents))

    @staticmethod
    def jvp(ctx: Any, _: Any, *tangents: Any) -> tuple[Any, ...]:
        return tuple(ctx.rule.jvp(BACKEND, _restore(ctx), tangents))


def _values() -> Any:
    """The verbs of what nobody differentiates, in a graph."""
    from .torch_values import VALUES

    return VALUES


def _restore(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    return [next(tensors) if other is None else other[0] for other in ctx.others]


BACKEND = Torch("torch", xp)
