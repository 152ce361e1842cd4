"""Arrays whose numbers the host cannot see: none is waited for, and none is carried there or back.

CuPy's backend runs here on arrays of the strict library, which say so when they are asked for a number, and JAX's as
on a device, with JAX's own guard against transfers. For torch see test_unseen_torch.py.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from typing import Any

import matrix_recorded
import numpy as np
import pytest
from backends import Backend
from matrix_cases import FUNCTIONS, Case, cases

import xentropy
from xentropy import _backends

ASKED = "__bool__ __int__ __float__ __complex__ __index__ __array__ __buffer__ __dlpack__ to_device".split()
CASES = [case for function in FUNCTIONS for case in cases(function, "float64")]


@pytest.fixture
def abroad(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The strict library's arrays by the backend of CuPy, with nothing to be seen of them."""
    xp = backend.xp

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a number is asked for")

    def made(x: Any, **options: Any) -> Any:
        assert isinstance(x, xp._array_object.Array), f"a number is carried there: {x!r}"
        return asarray(x, **options)

    asarray = xp.asarray
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", xp)
    monkeypatch.delitem(sys.modules, "xentropy._backends.cupy", raising=False)
    cupy = import_module("xentropy._backends.cupy")
    monkeypatch.delitem(sys.modules, "xentropy._backends.cupy")
    monkeypatch.delattr(_backends, "cupy")
    monkeypatch.setitem(_backends._by_namespace, xp, cupy.CuPy("cupy", xp))
    for name in ASKED:
        monkeypatch.setattr(xp._array_object.Array, name, refused, raising=False)
    monkeypatch.setattr(xp, "asarray", made)
    return replace(backend, asarray=lambda a: asarray(np.asarray(a).copy()), to_numpy=lambda x: x._array)


@pytest.mark.backends("array_api_strict")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_cupy_meets_nothing_of_the_host(abroad: Backend, case: Case) -> None:
    matrix_recorded.value_and_grad(abroad, case)


@pytest.mark.backends("array_api_strict")
def test_what_cupy_meets_is_seen(abroad: Backend) -> None:
    x = abroad.asarray(np.ones(3))
    for meeting in (bool, float, np.asarray):
        with pytest.raises(AssertionError):
            meeting(abroad.xp.sum(x))
    with pytest.raises(AssertionError):
        abroad.xp.asarray(1.0)
    with pytest.raises(AssertionError):
        xentropy.cross_entropy(x, abroad.asarray(np.asarray(0)), check_labels="raise")


@pytest.mark.backends("jax")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_jax_meets_nothing_of_the_host(backend: Backend, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    import jax

    monkeypatch.setattr("xentropy._backends.jax.Jax.visible", lambda self, x: False)
    args, named, options = matrix_recorded.on(backend, case)
    f = xentropy.value_and_grad(getattr(xentropy, case.function), case.places(), tuple(named))
    with jax.transfer_guard("disallow"):
        f(*args, **named, **options)


@pytest.mark.backends("jax")
def test_what_jax_meets_is_seen(backend: Backend) -> None:
    import jax

    x = backend.asarray(np.ones((1, 3)))
    for meeting in (lambda: x + 1.0, lambda: jax.grad(lambda x: x.sum())(x)):
        with jax.transfer_guard("disallow"), pytest.raises(jax.errors.JaxRuntimeError):
            meeting()


@pytest.mark.backends("cupy")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_graph_of_the_current_stream(backend: Backend, case: Case) -> None:
    """What waits, or leaves the stream that is current, cannot be captured. For a GPU alone."""
    import cupy

    args, named, options = matrix_recorded.on(backend, case)
    f = xentropy.value_and_grad(getattr(xentropy, case.function), case.places(), tuple(named))
    with cupy.cuda.Stream(non_blocking=True) as stream:
        for _ in range(2):  # kernels are compiled, and memory is there
            expected, _ = f(*args, **named, **options)
        stream.begin_capture()
        found, _ = f(*args, **named, **options)
        graph = stream.end_capture()
        graph.launch(stream)
        stream.synchronize()
    np.testing.assert_array_equal(found.get(), expected.get())
