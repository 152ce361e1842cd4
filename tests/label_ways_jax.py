"""How JAX hides the values of labels, the labels that are hidden, and what comes of bad ones.

JAX itself is imported late: the tests are collected where it is not installed.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import xentropy

CLASSES = 3
GOOD = [2, 0, 1]
INTEGERS = ("int8", "int16", "int32", "int64", "uint8")
# without 64-bit types there is no int64
MODES = [
    pytest.param(n, wide, id=f"{n}-x64={wide}") for n in INTEGERS for wide in (True, False) if wide or n != "int64"
]
# the short way through the formulas and the long one
SMOOTHING = (0.0, 0.25)


def bad_values(dtype: str) -> list[int]:
    """What is no class and fits the dtype, its smallest and its largest number among them."""
    low, high = (int(x) for x in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    return sorted({x for x in (-1, CLASSES, CLASSES + 1, -100, low, high) if low <= x <= high} - set(range(CLASSES)))


def logits(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).normal(size=(rows, CLASSES)).astype("float32")


def loss(x: Any, y: Any, **options: Any) -> Any:
    return xentropy.cross_entropy(x, y, **{"reduction": "none", **options})


def total(x: Any, y: Any, **options: Any) -> Any:
    return loss(x, y, **options).sum()


# ---------------------------------------------------------------------------------------------
# how a loss is run: each gives the losses of all rows and the gradient


def plainly(f: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    import jax

    return f(x, y), jax.grad(lambda x: f(x, y).sum())(x)


def by_our_own(f: Callable[..., Any], x: Any, y: Any) -> Any:
    return xentropy.value_and_grad(f)(x, y)


def forward(f: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    import jax

    return f(x, y), jax.numpy.einsum("iij->ij", jax.jacfwd(lambda x: f(x, y))(x))


def mapped(f: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    import jax

    return jax.vmap(f)(x, y), jax.vmap(jax.grad(f))(x, y)


def looped(f: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    import jax

    def run(x: Any) -> tuple[Any, Any]:
        losses = jax.lax.scan(lambda carry, row: (carry, f(*row)), None, (x, y))[1]
        return losses.sum(), losses

    gradient, losses = jax.grad(run, has_aux=True)(x)
    return losses, gradient


def again(f: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    import jax

    return plainly(jax.checkpoint(f), x, y)


WAYS = {
    "jit": plainly,
    "value_and_grad": by_our_own,
    "jacfwd": forward,
    "vmap": mapped,
    "scan": looped,
    "checkpoint": again,
}


def all_ways(**options: Any) -> Callable[..., Any]:
    """One program for everything, by name and smoothing."""
    from matrix_jax_call import quick

    def run(x: Any, y: Any) -> dict[str, Any]:
        out = {}
        for smoothing in SMOOTHING:
            f = partial(loss, label_smoothing=smoothing, **options)
            out |= {f"{name} {smoothing}": way(f, x, y) for name, way in WAYS.items()}
        return out

    return quick(run)


def compiled(**options: Any) -> Callable[..., Any]:
    from matrix_jax_call import quick

    return quick(lambda x, y: plainly(partial(loss, **options), x, y))


def width(x64: bool) -> contextlib.AbstractContextManager[Any]:
    """With 64-bit types or without."""
    import jax

    return jax.enable_x64(x64)


def raises(text: str, f: Callable[..., Any], *args: Any) -> None:
    import jax

    def run() -> None:
        jax.block_until_ready(f(*args))
        jax.effects_barrier()

    with pytest.raises(jax.errors.JaxRuntimeError, match=text):
        run()


def complaint(value: int, place: str) -> str:
    return re.escape(f"labels{place} is {value}, outside [0, {CLASSES})")
