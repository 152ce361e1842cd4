"""Eager tensors in host memory: NumPy computes on the very same memory, one autograd node a call.

Calls of torch cost a microsecond or more each, and its temporaries leave the cache; so a call whose tensors are
all plain ones on the CPU runs on views of them, and its backward pass is the recorded rules run in reverse. What
a view cannot carry (other dtypes, transforms, forward mode, compilers, subclasses, hooks on what is saved)
takes the way through torch itself, and so does a second derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from .generic import Backend, Traced
from .numpy import BACKEND as NUMPY

_PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
_SHARED = frozenset(
    {torch.float32, torch.float64, torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}
)
_functorch: Callable[[], bool] = torch._C._are_functorch_transforms_active
_saving_hooks: Callable[[bool], Any] = torch._C._autograd._top_saved_tensors_default_hooks
_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack
tracing: Callable[[], Any] = torch._C._get_tracing_state
_functions: Callable[[], int] = torch._C._len_torch_function_stack


_keep_graph: Callable[[], bool] = torch._C._autograd._get_current_graph_task_keep_graph


def views(arrays: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The arrays as NumPy's if NumPy can take over: nothing but plain tensors in host memory, and nobody watching."""
    if (
        _functorch() or forward_ad._current_level >= 0 or _modes() or _functions()
        or tracing() is not None  # torch.jit.trace would keep the result as a constant
        or _saving_hooks(True) is not None
    ):  # fmt: skip
        return None
    return _views(arrays)


def _views(arrays: tuple[Any, ...]) -> tuple[Any, ...] | None:
    found = []
    try:
        for x in arrays:
            if type(x) in _PLAIN:
                if x.dtype not in _SHARED:
                    return None
                x = x.detach().numpy() if x.requires_grad else x.numpy()
            elif isinstance(x, torch.Tensor | Traced):
                return None
            found.append(x)
    except (TypeError, RuntimeError):  # another device or layout, negated and not resolved, ...
        return None
    return tuple(found)


def run(
    v: Backend, views: tuple[Any, ...], function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """The outputs of a formula, a tuple of tensors. `v` is torch's own way, for what follows a first derivative."""
    if torch.is_grad_enabled():
        for x in arrays:
            if isinstance(x, torch.Tensor) and x.requires_grad:
                return HostFunction.apply(v, views, function, options, *arrays)
    return tuple(map(_tensor, NUMPY.run(function, views, options)))


def _tensor(x: Any) -> torch.Tensor:
    """A tensor over the memory of an array, which nobody else may hold."""
    x = np.asarray(x)  # of numbers too
    return torch.from_numpy(x if x.flags.writeable else x.copy())


class HostFunction(torch.autograd.Function):
    """A whole formula as one node. What it saves are its inputs, so that torch notices when they are changed."""

    @staticmethod
    def forward(ctx: Any, v: Backend, views: Any, function: Any, options: Any, *arrays: Any) -> Any:
        needs = ctx.needs_input_grad[4:]
        traced = [Traced(NUMPY, x, None, 0) if need else x for x, need in zip(views, needs, strict=True)]
        tape = NUMPY.run(function, tuple(traced), options)
        tensors = [_tensor(y.value if type(y) is Traced else y) for y in tape]
        constants = [t for t, y in zip(tensors, tape, strict=True) if type(y) is not Traced]
        if constants:
            ctx.mark_non_differentiable(*constants)
        ctx.call = v, function, options
        ctx.tape, ctx.traced = tape, traced
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*[x for x in arrays if isinstance(x, torch.Tensor)])
        return tuple(tensors)

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        saved = ctx.saved_tensors  # torch looks whether they are what they were
        views = None if torch.is_grad_enabled() else _views(cotangents)
        if views is None:
            return (None, None, None, None, *_through_torch(ctx, saved, cotangents))
        seeds = [(y, ct) for y, ct in zip(ctx.tape, views, strict=True) if ct is not None]
        with NUMPY.quiet():
            found = NUMPY.backward(seeds, [x for x in ctx.traced if type(x) is Traced])
        if _keep_graph():  # the recorded partials may be wanted again, and the gradient is the caller's own
            found = [g.copy() for g in found]
        else:
            ctx.tape = None
        gradients = map(_tensor, found)
        return (None, None, None, None, *[next(gradients) if type(x) is Traced else None for x in ctx.traced])


def _through_torch(ctx: Any, saved: Any, cotangents: tuple[Any, ...]) -> list[Any]:
    """The same rules run backwards in torch's own arithmetic: for cotangents that a view cannot carry, as under
    a vmap of the backward pass, and to be differentiated again."""
    v, function, options = ctx.call
    tensors = iter(saved)
    # what has a view is saved; a number or nothing is its own
    inputs = [next(tensors) if isinstance(x, Traced | np.ndarray) else x for x in ctx.traced]
    inputs = [Traced(v, x, None, 0) if type(y) is Traced else x for x, y in zip(inputs, ctx.traced, strict=True)]
    out = function(v, *inputs, **options)
    seeds = [(y, ct) for y, ct in zip(out, cotangents, strict=True) if ct is not None]
    found = iter(v.backward(seeds, [x for x in inputs if type(x) is Traced]))
    return [next(found) if type(x) is Traced else None for x in inputs]
