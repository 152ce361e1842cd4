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


_batched: Callable[[torch.Tensor], bool] = torch._C._functorch.is_legacy_batchedtensor
_keep_graph: Callable[[], bool] = torch._C._autograd._get_current_graph_task_keep_graph


def shared(arrays: tuple[Any, ...]) -> bool:
    """Whether NumPy can take over: nothing but plain tensors in host memory, and nobody watching."""
    if _functorch() or torch.autograd.forward_ad._current_level >= 0 or _modes() or _functions():
        return False
    if tracing() is not None:  # torch.jit.trace would keep the result as a constant
        return False
    for x in arrays:
        if isinstance(x, torch.Tensor) and not _shared(x):
            return False
    return _saving_hooks(True) is None


def _shared(x: torch.Tensor) -> bool:
    return (
        type(x) in _PLAIN and x.dtype in _SHARED and x.is_cpu and x.layout is torch.strided
        and not (x.is_neg() or x._is_zerotensor() or _batched(x))
    )  # fmt: skip


def run(v: Backend, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The outputs of a formula, a tuple of tensors. `v` is torch's own way, for what follows a first derivative."""
    if torch.is_grad_enabled():
        for x in arrays:
            if isinstance(x, torch.Tensor) and x.requires_grad:
                return HostFunction.apply(v, function, options, *arrays)
    out = NUMPY.run(function, tuple(map(_view, arrays)), options)
    return tuple(map(_tensor, out))


def _view(x: Any) -> Any:
    if not isinstance(x, torch.Tensor):
        return x
    return x.detach().numpy() if x.requires_grad else x.numpy()


def _tensor(x: Any) -> torch.Tensor:
    """A tensor over the memory of an array, which nobody else may hold."""
    return torch.from_numpy(x if x.flags.writeable else x.copy())


class HostFunction(torch.autograd.Function):
    """A whole formula as one node. What it saves are its inputs, so that torch notices when they are changed."""

    @staticmethod
    def forward(ctx: Any, v: Backend, function: Any, options: Any, *arrays: Any) -> Any:
        needs = ctx.needs_input_grad[3:]
        views = [_view(x) for x in arrays]
        leaves = {i: Traced(NUMPY, x, None, 0) for i, x in enumerate(views) if needs[i]}
        out = NUMPY.run(function, tuple(leaves.get(i, x) for i, x in enumerate(views)), options)
        tensors = tuple(_tensor(np.asarray(NUMPY.peek(y))) for y in out)
        ctx.call = v, function, options
        ctx.tape, ctx.leaves = out, leaves
        ctx.others = [None if isinstance(x, torch.Tensor) else (x,) for x in arrays]
        ctx.set_materialize_grads(False)
        ctx.mark_non_differentiable(*(t for t, y in zip(tensors, out, strict=True) if not isinstance(y, Traced)))
        ctx.save_for_backward(*(x for x in arrays if isinstance(x, torch.Tensor)))
        return tensors

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> tuple[Any, ...]:
        saved = iter(ctx.saved_tensors)
        arrays = [next(saved) if other is None else other[0] for other in ctx.others]
        if torch.is_grad_enabled() or not all(ct is None or _shared(ct) for ct in cotangents):
            return (None, None, None, *_through_torch(ctx, arrays, cotangents))
        seeds = [(y, ct.detach().numpy()) for y, ct in zip(ctx.tape, cotangents, strict=True) if ct is not None]
        with NUMPY.quiet():
            found = [np.asarray(g) for g in NUMPY.backward(seeds, list(ctx.leaves.values()))]
        if _keep_graph():  # the recorded partials may be wanted again, and the gradient is the caller's own
            found = [g.copy() for g in found]
        else:
            ctx.tape = None
        gradients = dict(zip(ctx.leaves, map(_tensor, found), strict=True))
        return (None, None, None, *(gradients.get(i) for i in range(len(arrays))))


def _through_torch(ctx: Any, arrays: list[Any], cotangents: tuple[Any, ...]) -> list[Any]:
    """The same rules run backwards in torch's own arithmetic: for cotangents that a view cannot carry, as under
    a vmap of the backward pass, and to be differentiated again."""
    v, function, options = ctx.call
    leaves = {i: Traced(v, arrays[i], None, 0) for i in ctx.leaves}
    out = function(v, *(leaves.get(i, x) for i, x in enumerate(arrays)), **options)
    seeds = [(y, ct) for y, ct in zip(out, cotangents, strict=True) if ct is not None]
    found = dict(zip(leaves, v.backward(seeds, list(leaves.values())), strict=True))
    return [found.get(i) for i in range(len(arrays))]
