"""JAX: eager calls, jit, vmap, forward mode and second order, with 64-bit numbers and without."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import numpy as np

from ..vectors import Array
from .base import ALL, Answer, Job, Library, Mode, answer, first, fitting, written_array


def array(x: Array) -> Any:
    import jax.numpy as jnp

    return jnp.array(x.values)


def narrow(x: Array) -> Any:
    """Without 64-bit numbers: labels in JAX's own default integer, where they fit."""
    import jax.numpy as jnp

    if x.dtype in ("int64", "uint64", "uint32"):
        return jnp.array(fitting(x.values))
    return jnp.array(x.values)


def numbers(x: Any) -> np.ndarray:
    import jax

    if not isinstance(x, jax.Array):
        raise TypeError(f"{type(x).__name__} instead of a JAX array")
    return np.asarray(x)


def code(x: Array) -> str:
    return written_array(x, "jnp.asarray", "jnp.zeros", "bool" if x.dtype == "bool" else f"jnp.{x.dtype}")


def narrow_code(x: Array) -> str:
    return code(Array("int32", x.values) if x.dtype in ("int64", "uint64", "uint32") else x)


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    def with_sum(*xs: Any) -> tuple[Any, Any]:
        out = f(*xs)
        return first(out).sum(), out

    return with_sum


def gradient(job: Job) -> Callable[..., Any]:
    """(gradients, output) of a call."""
    import jax

    if not job.wrt:
        return lambda *xs: ((), job.function(*xs))
    slope: Callable[..., Any] = jax.grad(total(job.function), job.wrt, has_aux=True)
    return slope


def each(job: Job, f: Callable[..., Any]) -> list[Answer]:
    return [answer(out, job.named(gradients)) for gradients, out in (f(*xs) for xs in job.examples)]


def eager(job: Job) -> list[Answer]:
    return each(job, gradient(job))


def jitted(job: Job) -> list[Answer]:
    import jax

    return each(job, jax.jit(gradient(job)))


def mapped(job: Job) -> list[Answer]:
    """All examples at once, stacked along a new axis; one alone is stacked with itself."""
    import jax
    import jax.numpy as jnp

    many = job.examples if len(job.examples) > 1 else job.examples * 2
    stacked = [jnp.stack(column) for column in zip(*many, strict=True)]
    gradients, out = jax.jit(jax.vmap(gradient(job)))(*stacked)
    parts = [out] if not isinstance(out, tuple) else list(out)
    rows = [tuple(part[i] for part in parts) for i in range(len(job.examples))]
    return [answer(row, job.named([g[i] for g in gradients])) for i, row in enumerate(rows)]


def forward(job: Job) -> list[Answer]:
    """One input after the other: the tangent of 0 of another one would meet its infinite derivatives."""
    import jax

    def f(*xs: Any) -> tuple[Any, Any]:
        out = job.function(*xs)
        return first(out), out

    def every(*xs: Any) -> Any:
        pairs = [jax.jacfwd(f, place, has_aux=True)(*xs) for place in job.wrt]
        return [jacobian for jacobian, _ in pairs], pairs[0][1] if pairs else job.function(*xs)

    compiled = jax.jit(every)
    return [answer(out, jacobians=job.named(j)) for j, out in (compiled(*xs) for xs in job.examples)]


def second_order(job: Job) -> list[Answer]:
    import jax

    def product(xs: tuple[Any, ...], direction: tuple[Any, ...]) -> Any:
        def slope(*chosen: Any) -> Any:
            return gradient(job)(*job.with_chosen(xs, chosen))[0]

        return jax.jvp(slope, tuple(xs[i] for i in job.wrt), direction)[1]

    compiled, pairs = jax.jit(product), zip(job.examples, job.directions, strict=True)
    return [{"products": job.named(compiled(xs, direction))} for xs, direction in pairs]


GRADIENT = "jax.grad(lambda *xs: f(*xs).sum(), {places})"
MODES = {
    "eager": Mode(eager, f"value = f({{args}})\ngradients = {GRADIENT}({{args}})", signatures=160),
    "jit": Mode(jitted, f"value = jax.jit(f)({{args}})\ngradients = jax.jit({GRADIENT})({{args}})", signatures=250),
    "vmap": Mode(
        mapped,
        "stacked = [jnp.stack([x, x]) for x in ({args},)]\nvalue = jax.vmap(f)(*stacked)\n"
        f"gradients = jax.vmap({GRADIENT})(*stacked)",
        signatures=150,
    ),
    "forward mode": Mode(
        forward,
        "jacobians = [jax.jit(jax.jacfwd(f, place))({args}) for place in {places}]",
        signatures=150,
        elements=400,
    ),
    "second order": Mode(
        second_order,
        "def slope({wrt}):\n    return jax.grad(lambda *xs: f(*xs).sum(), {places})({args})\n\n"
        "products = jax.jvp(slope, ({wrt},), direction)[1]",
        order=2,
        signatures=150,
    ),
}


def bits_64() -> AbstractContextManager[Any]:
    return wide(True)


def bits_32() -> AbstractContextManager[Any]:
    return wide(False)


def wide(on: bool) -> AbstractContextManager[Any]:
    import jax

    home = jax if hasattr(jax, "enable_x64") else __import__("jax.experimental", fromlist=["enable_x64"])
    context: AbstractContextManager[Any] = home.enable_x64(on)
    return context


IMPORTS = ("import jax", "import jax.numpy as jnp")
X64 = (*IMPORTS, 'jax.config.update("jax_enable_x64", True)')
NARROW = tuple(name for name in ALL if name != "float64")
LIBRARY = Library("jax", "jax", X64, array, numbers, code, MODES, context=bits_64)
FEW = {"eager": replace(MODES["eager"], signatures=100)}
NO_X64 = Library("jax no x64", "jax", IMPORTS, narrow, numbers, narrow_code, FEW, NARROW, context=bits_32)


def on_gpu(x: Array) -> Any:
    import jax

    return jax.device_put(array(x), jax.devices("cuda")[0])


def no_cuda() -> str | None:
    import jax

    try:
        jax.devices("cuda")
    except RuntimeError:
        return "no CUDA device"
    return None


CUDA = replace(
    LIBRARY, name="jax cuda", array=on_gpu, missing=no_cuda, device="cuda",
    environment={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},  # other processes want memory of it too
)  # fmt: skip
