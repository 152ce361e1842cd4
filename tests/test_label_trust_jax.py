"""Trusted labels cost JAX nothing; and where the default of the policy comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from backends import Backend
from label_ways_jax import GOOD, MODES, bad_values, compiled, complaint, logits, loss, raises, width

import xentropy

pytestmark = pytest.mark.backends("jax")

# ---------------------------------------------------------------------------------------------
# trust

# what brings a label to the place where it is read or compared with the positions of the classes
MOVES = {
    "broadcast_in_dim",
    "concatenate",
    "convert_element_type",
    "reshape",
    "squeeze",
    "stop_gradient",
    "transpose",
}
WHOLES = {"jit", "custom_jvp_call"}  # programs, whose parts are looked at


def equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        yield equation
        for part in equation.params.values():
            if hasattr(part, "jaxpr"):
                yield from equations(part.jaxpr)


def done_with_labels(f: Callable[..., Any], x: Any, y: Any, *more: Any) -> set[str]:
    """Whatever takes whole numbers, by its name and, of a read or a write, what it does out of bounds."""
    import jax

    out = set()
    for equation in equations(jax.make_jaxpr(f)(x, y, *more).jaxpr):
        kinds = {v.aval.dtype.kind for v in equation.invars}
        if kinds & set("iu") and equation.primitive.name not in WHOLES | MOVES:
            mode = equation.params.get("mode")
            out.add(f"{equation.primitive.name} {mode.name}" if mode is not None else equation.primitive.name)
    return out


READ, WRITE = "gather PROMISE_IN_BOUNDS", "scatter-add PROMISE_IN_BOUNDS"
TRUSTED = {"label_smoothing": np.asarray(0.25), "class_weight": np.asarray([0.5, 1.0, 2.0])}
SPARSE = np.asarray([[2, 0], [1, 2], [0, 1], [2, 2]], "int8")


@pytest.mark.parametrize("name", ["cross_entropy", "focal_loss", "nll_loss"])
@pytest.mark.parametrize("option", [None, "label_smoothing", "class_weight"])
def test_trust_costs_nothing(backend: Backend, name: str, option: str | None) -> None:
    """Labels are widened, and read or written at: not compared with a bound, wrapped, clamped or replaced. The
    gradient compares them with the positions of the classes, which is where it goes."""
    import jax

    from xentropy._backends.switch import without_rules

    options = {} if option is None else {option: backend.asarray(TRUSTED[option])}
    x, y = backend.asarray(logits(4).astype("float64")), backend.asarray(np.asarray([2, 0, 1, 1], "int8"))
    sparse, shares = backend.asarray(SPARSE), backend.asarray(np.ones((4, 2)))

    def f(x: Any, y: Any, shares: Any = None, policy: str = "trust") -> Any:
        return getattr(xentropy, name)(x, y, label_probs=shares, check_labels=policy, **options)

    assert done_with_labels(f, x, y) <= {READ, "eq"}
    assert done_with_labels(jax.grad(f), x, y) <= {READ, WRITE, "eq"}
    assert done_with_labels(jax.grad(f), x, sparse, shares) <= {READ, WRITE, "eq"}
    with without_rules():
        assert done_with_labels(jax.grad(f), x, y) <= {READ, WRITE, "eq"}
    checked = done_with_labels(lambda x, y: f(x, y, policy="nan"), x, y)
    assert {"max", "min", "ne"} <= checked


@pytest.mark.parametrize(("dtype", "x64"), MODES)
def test_trusted_labels_read_nothing_else(backend: Backend, dtype: str, x64: bool) -> None:
    """What a bad label gives is not said. XLA clamps the place of the logit, and no class is left out of the sum."""
    bad = bad_values(dtype)
    labels = np.asarray([*GOOD, *bad], dtype)
    with width(x64):
        x = backend.asarray(np.tile(logits(1), (len(labels), 1)))
        value, gradient = compiled(check_labels="trust")(x, backend.asarray(labels))
    d = (row := logits(1)[0].astype(float)) - row.max()
    made_of_the_row = np.log(np.exp(d).sum() + np.exp(d)) - d
    apart = np.abs(np.asarray(value)[len(GOOD) :, None] - made_of_the_row).min(axis=1)
    assert (apart < 1e-6 * (1 + made_of_the_row.max())).all()
    assert np.isfinite(gradient).all()


# ---------------------------------------------------------------------------------------------
# where the default comes from


def test_the_default_of_a_block(backend: Backend) -> None:
    """It is that of the tracing: a compiled function keeps it, inside of other blocks and outside of all."""
    import jax

    x, bad = backend.asarray(logits(3)), backend.asarray(np.asarray([0, 7, 1]))
    text = complaint(7, "[1]")
    outside, inside = jax.jit(lambda x, y: loss(x, y)), jax.jit(lambda x, y: loss(x, y))
    assert np.isnan(outside(x, bad)).tolist() == [False, True, False]
    with xentropy.label_policy("raise"):
        raises(text, inside, x, bad)
        assert np.isnan(outside(x, bad)).tolist() == [False, True, False]
        assert np.isnan(jax.jit(lambda x, y: loss(x, y, check_labels="nan"))(x, bad)).any()
        with xentropy.label_policy("nan"):
            assert np.isnan(loss(x, bad)).tolist() == [False, True, False]
        with pytest.raises(ValueError, match=text):
            loss(x, bad)
    raises(text, inside, x, bad)
    with xentropy.label_policy("trust"):
        assert np.isfinite(jax.jit(lambda x, y: loss(x, y))(x, bad)).all()


def test_the_default_of_the_environment(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the call's own word and that of a block."""
    import jax

    x, bad = backend.asarray(logits(3)), backend.asarray(np.asarray([0, 7, 1]))
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "raise")
    raises(complaint(7, "[1]"), jax.jit(lambda x, y: loss(x, y)), x, bad)
    with xentropy.label_policy("nan"):
        assert np.isnan(jax.jit(lambda x, y: loss(x, y))(x, bad)).any()
    assert np.isnan(jax.jit(lambda x, y: loss(x, y, check_labels="nan"))(x, bad)).any()
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "trust")
    assert np.isfinite(jax.jit(lambda x, y: loss(x, y))(x, bad)).all()
    assert np.isfinite(loss(x, bad)).all()
    monkeypatch.setattr("xentropy._policy.ENVIRONMENT", "perhaps")
    with pytest.raises(ValueError, match="'perhaps'"):
        jax.jit(lambda x, y: loss(x, y))(x, bad)
