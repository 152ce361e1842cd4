"""Sums on JAX by windows of many classes and by columns of few: the label in any of them, at any place of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from backends import Backend

import xentropy

pytestmark = [pytest.mark.backends("jax"), pytest.mark.compiler]

SIZES = (2, 16, 17, 128, 129, 191, 192, 200, 4095, 4096, 4097, 4351, 4352)


def places(classes: int) -> list[int]:
    """The ends of the row, and of its windows."""
    from xentropy._backends.jax_rows import window

    size = window(classes)
    last = classes // size * size
    near = {0, 1, classes - 1, classes - 2}
    near |= {size - 1, size, last - 1, last, classes - size - 1, classes - size, classes - size + 1}
    return sorted(k for k in near if 0 <= k < classes)


def textbook(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loss and gradient in extended precision, without the label's own term where it would round the rest away."""
    x, rows = x.astype(np.longdouble), np.arange(len(y))
    gap = np.exp(x - x[rows, y][:, None])
    gap[rows, y] = 0
    rest = gap.sum(axis=-1)
    slope = gap / (1 + rest[:, None])
    slope[rows, y] = -rest / (1 + rest)
    return np.log1p(rest), slope


@pytest.fixture(params=["by the maximum", "by the label"])
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What exponentials are taken relative to: the label in many logits alone, if it is not for this."""
    from xentropy._backends import jax, jax_values
    from xentropy._core import ways

    jax._compiled.cache_clear()
    monkeypatch.setattr(jax_values, "LARGE", 0 if request.param == "by the label" else 1 << 62)
    monkeypatch.setattr(jax_values, "SMALL", 0 if request.param == "by the label" else 1 << 62)
    asked = []
    by_label = ways.by_label
    monkeypatch.setattr(ways, "by_label", lambda *arguments: asked.append(1) or by_label(*arguments))
    yield
    jax._compiled.cache_clear()
    assert bool(asked) == (request.param == "by the label")


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("classes", SIZES)
def test_windows(backend: Backend, classes: int) -> None:
    import jax

    leads = np.asarray([0.0, 25.0, -25.0, -90.0], np.float32)
    y = np.repeat(places(classes), len(leads))
    x = np.random.default_rng(classes).normal(size=(len(y), classes)).astype(np.float32)
    x[np.arange(len(y)), y] += np.resize(leads, len(y))
    loss, slope = textbook(x, y)
    arrays = backend.asarray(x), backend.asarray(y)

    def f(x: Any, y: Any) -> Any:
        return xentropy.cross_entropy(x, y, reduction="none")

    close = np.resize(np.flatnonzero(loss < 60), len(y))  # of which none is mended
    np.testing.assert_allclose(
        np.asarray(f(*(a[close] for a in arrays)), float), loss[close].astype(float), rtol=4e-6
    )
    for value in (f(*arrays), jax.jit(jax.vmap(f))(*(a[None] for a in arrays))[0]):
        np.testing.assert_allclose(np.asarray(value, float), loss.astype(float), rtol=4e-6)
    gradient = jax.grad(lambda x, y: f(x, y).sum())(*arrays)
    np.testing.assert_allclose(np.asarray(gradient, float), slope.astype(float), rtol=2e-5, atol=1e-37)


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("classes", [3, 200, 4097])
def test_special_values_stay_in_their_row(backend: Backend, classes: int) -> None:
    y = np.asarray(places(classes))
    x = np.random.default_rng(0).normal(size=(len(y), classes)).astype(np.float32)
    want = np.asarray(xentropy.cross_entropy(backend.asarray(x), backend.asarray(y), reduction="none"))
    for value in (np.nan, np.inf, -np.inf):
        for row in range(len(y)):
            for place in {int(y[row]), 0, classes - 1, classes // 2}:
                spoilt = x.copy()
                spoilt[row, place] = value
                got = xentropy.cross_entropy(backend.asarray(spoilt), backend.asarray(y), reduction="none")
                got = np.asarray(got)
                if value == -np.inf:
                    assert np.isposinf(got[row]) == (place == y[row])
                else:
                    assert np.isnan(got[row])
                np.testing.assert_array_equal(np.delete(got, row), np.delete(want, row))


@pytest.mark.parametrize("classes", [30, 201, 4100])  # of which no other test compiles a call
def test_without_windows(backend: Backend, classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the default device is not a CPU."""
    monkeypatch.setattr("jax.default_backend", lambda: "cuda")
    monkeypatch.setattr("xentropy._backends.jax.ROWS", None)
    test_windows(backend, classes)
    test_special_values_stay_in_their_row(backend, classes)


@pytest.mark.parametrize("classes", [10, 200])
def test_a_size_that_is_not_known(backend: Backend, classes: int) -> None:
    """As jax.export has it."""
    import jax
    from jax import export

    (count,) = export.symbolic_shape("count")
    f = jax.value_and_grad(xentropy.cross_entropy)
    shapes = jax.ShapeDtypeStruct((count, classes), "float32"), jax.ShapeDtypeStruct((count,), "int32")
    exported = export.export(jax.jit(f))(*shapes)
    for rows in (3, 70):
        rng = np.random.default_rng(rows)
        x, y = rng.normal(size=(rows, classes)).astype("float32"), rng.integers(0, classes, rows).astype("int32")
        value, gradient = exported.call(x, y)
        loss, slope = textbook(x, y)
        np.testing.assert_allclose(float(value), float(loss.mean()), rtol=4e-6)
        np.testing.assert_allclose(np.asarray(gradient, float), (slope / rows).astype(float), rtol=2e-5)
