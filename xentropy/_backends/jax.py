"""JAX: every call compiled, every rule a `custom_jvp`, labels checked by a callback when asked.

A `custom_jvp` serves forward mode, reverse mode and any order of both; a `custom_vjp` has no forward mode.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from .._core.labels import Complaint
from .._core.precision import working_dtype
from .._core.rule import Rule
from . import jax_rows, jax_values
from .generic import Backend
from .jax_contract import contract
from .switch import rules_enabled


class Jax(Backend):
    headroom = 256.0  # XLA's code for CPUs has no subnormal numbers

    @property
    def differentiates(self) -> bool:  # type: ignore[override]
        return not rules_enabled()

    def run(self, function: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
        return _compiled(function, tuple(sorted(options.items())), rules_enabled())(*arrays)

    def apply(self, rule: Rule, *inputs: Any) -> tuple[Any, ...]:
        if rule.plain or not rules_enabled():
            return rule(self, *inputs)
        outputs: tuple[Any, ...] = _registered(rule)(*inputs)
        return outputs

    def peek(self, x: Any) -> Any:
        return self.constant(x)

    def constant(self, x: Any) -> Any:
        return jax.lax.stop_gradient(x) if hasattr(x, "dtype") else x

    def visible(self, x: Any) -> bool:
        return not isinstance(x, jax.core.Tracer) and all(d.platform == "cpu" for d in _devices(x))

    def place(self, x: Any) -> Any:
        if isinstance(x, jax.core.Tracer) or not getattr(x, "committed", False):
            return None
        return _devices(x)

    def device(self, x: Any) -> Any:
        return None  # a compiled function runs where its arguments are

    def count(self, n: Any, like: Any) -> Any:
        return float(n) if isinstance(n, int) else jnp.asarray(n, working_dtype(self, like))  # a symbol in jax.export

    def index_dtype(self) -> Any:
        return jnp.int64 if jax.config.jax_enable_x64 else jnp.int32

    def times(self, partial: Any, tangent: Any) -> Any:
        # + 0.0 is dropped by XLA; of 0 times a positive part less 0 times a negative one the signs cancel
        up = partial >= 0
        return jnp.where(up, partial, 0.0) * tangent - jnp.where(up, 0.0, -partial) * tangent

    def walk(self, rows: Callable[..., Any], steep: bool, x: Any, *others: Any) -> Any:
        if self.differentiates or x.size == 0 or jax.default_backend() != "cpu" or _placed(x):
            return super().walk(rows, steep, x, *others)
        flat = x.reshape(-1, x.shape[-1])
        others = tuple(y.reshape(-1) if hasattr(y, "ndim") and y.ndim else y for y in others)
        loss, slope = (_of_rows(rows) if steep else partial(walk_losses, rows))(flat, *others)
        return loss.reshape(*x.shape[:-1], 1), None if slope is None else slope.reshape(x.shape)

    def contract(self, slope: Any, tangent: Any, index: Any, axis: int) -> Any:
        return (
            super().contract(slope, tangent, index, axis)
            if self.differentiates or _placed(slope)
            else contract(slope, tangent, index)
        )

    # An index is in range, or is trusted, for which nothing may be spent. XLA itself stays in bounds: it clamps
    # the places of a gather and drops those of a scatter.

    def pick(self, x: Any, index: Any, axis: int) -> Any:
        if _placed(x):
            each = [self.places(x, place, axis) for place in jnp.split(index, index.shape[axis], axis)]
            return jnp.concatenate([_only(x, here, axis) for here in each], axis=axis)
        return jnp.take_along_axis(x, index, axis=axis, mode="promise_in_bounds")

    def deposit(self, x: Any, index: Any, amount: Any, axis: int) -> Any:
        if index.shape[axis] == 1 or _placed(x):
            return super().deposit(x, index, amount, axis)
        grid = [jnp.arange(n).reshape([-1 if i == j else 1 for j in range(x.ndim)]) for i, n in enumerate(x.shape)]
        grid[axis] = index
        return x.at[tuple(grid)].add(amount, mode="promise_in_bounds", wrap_negative_indices=False)

    def sum(self, x: Any) -> Any:
        return jnp.sum(x) if _placed(x) else super().sum(x)

    def total(self, x: Any, axis: int) -> Any:
        return jnp.sum(x, axis=axis, keepdims=True)  # XLA sums in blocks itself

    def raise_at_run_time(self, bad: Any, labels: Any, complaint: Complaint) -> Any:
        if not isinstance(bad, jax.core.Tracer):
            return super().raise_at_run_time(bad, labels, complaint)
        # debug.callback and not pure_callback, which is dropped under jit(grad)
        jax.debug.callback(_Raise(complaint), bad, labels)
        return bad

    def checkify(self, bad: Any, labels: Any, complaint: Complaint) -> Any:
        from jax.experimental import checkify

        flat = jnp.argmax(bad.reshape(-1))
        text = f"{complaint.name}: {{value}} at flat position {{place}} is outside {complaint.allowed}"
        value = jnp.broadcast_to(labels, bad.shape).reshape(-1)[flat]
        checkify.check(~jnp.any(bad), text, value=value, place=flat)
        return bad

    def value_and_grad(self, f: Callable[..., Any], arguments: list[Any]) -> tuple[Any, list[Any]]:
        def first(*xs: Any) -> tuple[Any, Any]:
            out = f(*xs)
            return out[0] if isinstance(out, tuple) else out, out

        value, pull, out = jax.vjp(first, *arguments, has_aux=True)
        return out, list(pull(_ones_like(value)))


_ones_like = jax.jit(jnp.ones_like)  # made where they are wanted: jax.grad carries its 1 there from the host


def _devices(x: Any) -> frozenset[Any]:
    """None for the NumPy arrays that JAX takes for its own."""
    return frozenset(x.devices()) if hasattr(x, "devices") else frozenset()


def _placed(x: Any) -> bool:
    """Whether its type says on which devices its parts are: a gather or a write in place would have to say so too."""
    return jax.sharding.AxisType.Explicit in jax.typeof(x).sharding.mesh.axis_types


def _only(x: Any, here: Any, axis: int) -> Any:
    """What there is at one place a row."""
    if x.dtype == bool:
        return jnp.any(x & here, axis=axis, keepdims=True)
    return jnp.sum(jnp.where(here, x, jnp.zeros((), x.dtype)), axis=axis, keepdims=True)


class _Raise:
    """The host's side of a check. A class, so that its equal instances share one compilation."""

    def __init__(self, complaint: Complaint) -> None:
        self.complaint = complaint

    def __call__(self, bad: Any, labels: Any) -> None:
        bad, labels = np.asarray(bad), np.asarray(labels)
        if bad.any():
            raise ValueError(self.complaint(np, labels, bad))


@cache
def _compiled(function: Callable[..., Any], options: tuple[tuple[str, Any], ...], rules: bool) -> Any:
    """One compiled function for each set of static options; arrays and numbers are traced."""

    def call(*arrays: Any) -> Any:
        return function(BACKEND, *arrays, **dict(options))

    call.__name__ = call.__qualname__ = getattr(function, "__name__", "xentropy")
    return call if any(value == "checkify" for _, value in options) else jax.jit(call)


@cache
def _of_rows(rows: Callable[..., Any]) -> Any:
    """Losses and slopes of rows. Removed ones are guarded where they are differentiated again, and nowhere else: XLA
    does not fuse the selection with the maximum that follows."""
    call = jax.custom_jvp(partial(rows, ROWS, True, -1))

    @call.defjvp
    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        return jax.jvp(partial(rows, GUARDED, True, -1), primals, tangents)

    return call


@cache
def _registered(rule: Rule) -> Any:
    @jax.custom_jvp
    def call(*inputs: Any) -> Any:
        return rule(BACKEND, *inputs)

    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        moves = [None if isinstance(t, SymbolicZero) else t for t in tangents]
        together = rule.ahead(BACKEND, primals, moves)
        if together is None:
            return call(*primals), rule.jvp(BACKEND, primals, moves)
        outputs, moved = together
        return _attached(rule)(tuple(map(jax.lax.stop_gradient, outputs)), *primals), tuple(moved)

    call.defjvp(jvp, symbolic_zeros=True)
    return call


@cache
def _attached(rule: Rule) -> Any:
    """Outputs that are there already, with the derivatives that the rule gives them."""

    @jax.custom_jvp
    def call(outputs: Any, *inputs: Any) -> Any:
        return outputs

    def jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        moves = [None if isinstance(t, SymbolicZero) else t for t in tangents[1:]]
        return call(*primals), tuple(rule.jvp(BACKEND, primals[1:], moves))

    call.defjvp(jvp, symbolic_zeros=True)
    return call


BACKEND = Jax("jax", jnp)
GUARDED, ROWS = jax_rows.verbs(Jax)
walk_losses = jax_values.walker(ROWS)
