"""PyTorch: reverse and forward mode, second order, vmap, torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..vectors import Array
from .base import Answer, Job, Library, Mode, answer, first, written_array


def array(x: Array, device: str = "cpu") -> Any:
    import torch

    if x.dtype == "bfloat16":  # unknown to torch.from_numpy; exact by way of float32
        return torch.from_numpy(x.values.astype(np.float32)).to(device, torch.bfloat16)
    return torch.from_numpy(x.values.copy()).to(device)


def numbers(x: Any) -> np.ndarray:
    import torch

    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{type(x).__name__} instead of a tensor")
    x = x.detach().cpu()
    if x.dtype == torch.bfloat16:
        import ml_dtypes

        return np.asarray(x.view(torch.int16).numpy().view(ml_dtypes.bfloat16))
    return np.asarray(x.numpy())


def code(x: Array) -> str:
    return written_array(x, "torch.tensor", "torch.zeros", f"torch.{x.dtype}")


def leaves(job: Job, example: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    chosen = [example[i].detach().clone().requires_grad_() for i in job.wrt]
    return job.with_chosen(example, chosen), chosen


def backward(job: Job, f: Callable[..., Any]) -> list[Answer]:
    import torch

    out = []
    for example in job.examples:
        xs, chosen = leaves(job, example)
        result = f(*xs)
        value = first(result)
        gradients = (
            torch.autograd.grad(value.sum(), chosen, materialize_grads=True)
            if chosen and value.requires_grad
            else [torch.zeros_like(x) for x in chosen]
        )
        out.append(answer(result, job.named(gradients)))
    return out


def eager(job: Job) -> list[Answer]:
    return backward(job, job.function)


def compiled(job: Job) -> list[Answer]:
    return backward(job, compile_(job.function))


def compile_(f: Callable[..., Any]) -> Any:
    import torch

    torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 10**6
    return torch.compile(f, backend="aot_eager", fullgraph=True, dynamic=False)


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    def with_sum(*xs: Any) -> tuple[Any, Any]:
        out = f(*xs)
        return first(out).sum(), out

    return with_sum


def compiled_gradient(job: Job) -> list[Answer]:
    import torch

    f = compile_(torch.func.grad(total(job.function), job.wrt, has_aux=True))
    return [answer(out, job.named(gradients)) for gradients, out in (f(*xs) for xs in job.examples)]


def mapped(job: Job) -> list[Answer]:
    """All examples at once, stacked along a new axis; one alone is stacked with itself."""
    import torch

    many = job.examples if len(job.examples) > 1 else job.examples * 2
    stacked = [torch.stack(column) for column in zip(*many, strict=True)]
    gradients, out = torch.func.vmap(torch.func.grad(total(job.function), job.wrt, has_aux=True))(*stacked)
    parts = [out] if not isinstance(out, tuple) else list(out)
    rows = [tuple(part[i] for part in parts) for i in range(len(job.examples))]
    return [answer(row, job.named([g[i] for g in gradients])) for i, row in enumerate(rows)]


def forward(job: Job) -> list[Answer]:
    """One input after the other: the tangent of 0 of another one would meet its infinite derivatives."""
    import torch

    def along(example: tuple[Any, ...], place: int) -> Any:
        def f(x: Any) -> tuple[Any, Any]:
            out = job.function(*example[:place], x, *example[place + 1 :])
            return first(out), out

        return torch.func.jacfwd(f, has_aux=True)(example[place])

    found = []
    for example in job.examples:
        pairs = [along(example, place) for place in job.wrt]
        out = pairs[0][1] if pairs else job.function(*example)
        found.append(answer(out, jacobians=job.named([jacobian for jacobian, _ in pairs])))
    return found


def second_order(job: Job) -> list[Answer]:
    import torch

    out = []
    for example, direction in zip(job.examples, job.directions, strict=True):
        xs, chosen = leaves(job, example)
        value = first(job.function(*xs))
        gradients = torch.autograd.grad(value.sum(), chosen, create_graph=True, materialize_grads=True)
        moving = [(g * d).sum() for g, d in zip(gradients, direction, strict=True) if g.requires_grad]
        products = (
            torch.autograd.grad(sum(moving), chosen, materialize_grads=True)
            if moving
            else [torch.zeros_like(x) for x in chosen]
        )
        out.append({"products": job.named(products)})
    return out


BACKWARD = "{leaves}\nvalue = {f}({args})\ngradients = torch.autograd.grad(value.sum(), [{wrt}])"
MODES = {
    "eager": Mode(eager, BACKWARD.replace("{f}", "f")),
    "compile": Mode(
        compiled,
        BACKWARD.replace("{f}", 'torch.compile(f, backend="aot_eager", fullgraph=True)'),
        signatures=160,
        loose=True,
    ),
    "compile of grad": Mode(
        compiled_gradient,
        "gradient = torch.func.grad(lambda *xs: f(*xs).sum(), {places})\n"
        'gradients = torch.compile(gradient, backend="aot_eager", fullgraph=True)({args})',
        signatures=160,
        loose=True,
    ),
    "vmap": Mode(
        mapped,
        "stacked = [torch.stack([x, x]) for x in ({args},)]\nvalue = torch.func.vmap(f)(*stacked)\n"
        "gradients = torch.func.vmap(torch.func.grad(lambda *xs: f(*xs).sum(), {places}))(*stacked)",
    ),
    "forward mode": Mode(
        forward, "jacobians = [torch.func.jacfwd(f, place)({args}) for place in {places}]", elements=400
    ),
    "second order": Mode(
        second_order,
        "{leaves}\nvalue = f({args})\ngradients = torch.autograd.grad(value.sum(), [{wrt}], create_graph=True)\n"
        "moved = sum((g * d).sum() for g, d in zip(gradients, direction))\n"
        "products = torch.autograd.grad(moved, [{wrt}], materialize_grads=True)",
        order=2,
    ),
}


def no_cuda() -> str | None:
    import torch

    return None if torch.cuda.is_available() else "no CUDA device"


def threads() -> Any:
    import contextlib

    import torch

    torch.set_num_threads(1)
    return contextlib.nullcontext()


LIBRARY = Library("torch", "torch", ("import torch",), array, numbers, code, MODES, context=threads)
CUDA = Library(
    "torch cuda", "torch", ("import torch",), lambda x: array(x, "cuda"), numbers, code, MODES,
    missing=no_cuda, device="cuda",
)  # fmt: skip
