"""What stands around a call in JAX: maps, compilation, checkpoints, loops, and shapes without numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import matrix_check as check
import numpy as np
from backends import Backend
from matrix_cases import Case
from matrix_jax_call import (
    every,
    function_of,
    halved,
    quick,
    stacked,
    summed,
    with_value,
)
from matrix_recorded import hold

from xentropy._backends.switch import without_rules

# ---------------------------------------------------------------------------------------------
# maps and loops


def vmap(backend: Backend, case: Case) -> None:
    f, _ = function_of(backend, case)
    values = quick(jax.vmap(f))(*stacked(backend, case, halved(case)))
    for one, value in zip((case, halved(case)), values, strict=True):
        check.check_value(one, value)


def vmap_grad(backend: Backend, case: Case) -> None:
    f, leaves = function_of(backend, case)
    gradients, values = quick(jax.vmap(with_value(f, leaves)))(*stacked(backend, case, halved(case)))
    each(backend, case, values, gradients)


def each(backend: Backend, case: Case, values: Any, gradients: Any) -> None:
    """The two calls of a batch, each with its own truth."""
    for k, one in enumerate((case, halved(case))):
        hold(backend, one, values[k], [g[k] for g in gradients])


def scan(backend: Backend, case: Case) -> None:
    """The loss in the body of a loop, and the gradient of what the loop adds up."""
    f, leaves = function_of(backend, case)

    def total(*batch: Any) -> Any:
        def body(carry: Any, xs: Any) -> Any:
            value = f(*xs)
            return carry + value.sum(), value

        return jax.lax.scan(body, np.zeros((), case.dtype), batch)

    batch = stacked(backend, case, halved(case))
    gradients, values = quick(jax.grad(total, every(leaves), has_aux=True))(*batch)
    each(backend, case, values, gradients)


# ---------------------------------------------------------------------------------------------
# compilation

_compilations: list[str] = []


def count(event: str, *_: Any, **__: Any) -> None:
    if event.endswith("backend_compile_duration"):
        _compilations.append(event)


jax.monitoring.register_event_duration_secs_listener(count)


def without_compiling(f: Callable[..., Any], *args: Any) -> Any:
    before = len(_compilations)
    out = f(*args)
    assert len(_compilations) == before, "compiled for other values of the same arrays"
    return out


def jit(backend: Backend, case: Case) -> None:
    """Options as arrays, whose values the compiler does not know, and as Python floats; under a jit and without
    one. Other values of the same arrays, and other floats where there is no jit, compile nothing."""
    f, leaves = function_of(backend, case)
    g, arrays = function_of(backend, fixed(case))
    traces = []

    @quick
    def both(xs: Any, ys: Any) -> Any:
        traces.append(1)
        return f(*xs), g(*ys)

    def eager(one: Case) -> Any:
        h, xs = function_of(backend, one)
        return h(*xs)

    check_values(both(leaves, arrays), case, fixed(case))
    check_values((eager(case), eager(fixed(case))), case, fixed(case))
    others = halved(case), halved(fixed(case)), fixed(halved(case))
    batches = [function_of(backend, one)[1] for one in others]
    check_values(without_compiling(both, *batches[:2]), *others[:2])
    check_values([without_compiling(eager, one) for one in others], *others)
    assert len(traces) == 1


def check_values(found: Any, *cases: Case) -> None:
    for value, case in zip(found, cases, strict=True):
        check.check_value(case, value)


def fixed(case: Case) -> Case:
    """0-d options as Python floats, which no derivative is taken of."""
    numbers = {n: float(x) for n, x in case.named.items() if x.ndim == 0}
    named = {n: x for n, x in case.named.items() if x.ndim > 0}
    return replace(case, name=f"{case} with floats", named=named, options={**case.options, **numbers})


def jit_grad(backend: Backend, case: Case) -> None:
    """With the rule, which JAX has kept, as users compile it; and with JAX's own derivative of the formula."""
    one_jit_grad(backend, case, jax.jit, plain=False)
    with without_rules():
        one_jit_grad(backend, case, quick, plain=True)


def one_jit_grad(backend: Backend, case: Case, compiler: Callable[..., Any], *, plain: bool) -> None:
    f, leaves = function_of(backend, case)
    assert ("custom_jvp_call" in str(jax.make_jaxpr(f)(*leaves))) is not plain
    gradients, value = compiler(with_value(f, leaves))(*leaves)
    hold(backend, case, value, gradients, plain=plain)


def checkpoint(backend: Backend, case: Case) -> None:
    """The forward pass is run a second time in the backward pass."""
    f, leaves = function_of(backend, case)
    gradients, value = quick(with_value(jax.checkpoint(f), leaves))(*leaves)
    hold(backend, case, value, gradients)


def eval_shape(backend: Backend, case: Case) -> None:
    """Shapes and dtypes of value and gradients, of arrays that are not there."""
    f, leaves = function_of(backend, case)
    absent = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in leaves]
    value = jax.eval_shape(f, *absent)
    gradients = jax.eval_shape(jax.grad(summed(f), every(leaves)), *absent)
    truth = [check.value(case), *check.gradients(case).values()]
    for found, true in zip((value, *gradients), truth, strict=True):
        assert found.shape == true.value.shape
        assert found.dtype.name == case.dtype
