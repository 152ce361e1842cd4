"""Every function against the 60-digit reference, on the hard cases, in value and gradient.

The bar is 4 eps of the absolute terms of the formula, element by element; integer and one-hot labels keep at
least 5 right digits in float32 and 13 in float64, however small the number. The rules of the library and the
plain automatic differentiation of torch and JAX are both held to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from backends import Backend, numpy_dtype
from hard_cases import CASES, INF, MANY, Case, Truth, truth

import xentropy
from xentropy._backends.switch import without_rules

RIGHT = {"float32": 5, "float64": 13}
EPS = {name: float(np.finfo(name).eps) for name in RIGHT}
ENTRIES = [(case, axis) for case in CASES.values() for axis in case.axes]
NAMES = [f"{case}{'' if axis else ':first'}" for case, axis in ENTRIES]
each_case = pytest.mark.parametrize(("case", "axis"), ENTRIES, ids=NAMES)
each_dtype = pytest.mark.parametrize("dtype", list(RIGHT))


def moved(value: Any, like: tuple[int, ...], axis: int) -> Any:
    """An array of the logits' shape with its classes along `axis`."""
    turn = axis != -1 and isinstance(value, np.ndarray) and value.shape == like
    return np.moveaxis(value, -1, axis).copy() if turn else value


def placed(case: Case, backend: Backend, dtype: str, axis: int = -1) -> tuple[list[Any], dict[str, Any]]:
    """The arguments and options of a case on a backend."""
    args, options = case.rounded(dtype)
    shape = args[0].shape
    arrays = [backend.asarray(moved(a, shape, axis)) for a in args]
    for name, value in options.items():
        options[name] = backend.asarray(moved(value, shape, axis)) if isinstance(value, np.ndarray) else value
    return arrays, options if axis == -1 else options | {"axis": axis}


def solve(case: Case, backend: Backend, dtype: str, axis: int = -1) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Value and gradients on a backend, classes last again."""
    args, options = placed(case, backend, dtype, axis)
    names = oracle.FUNCTIONS[case.function][1]
    places = tuple(names.index(name) for name in case.wrt if name in names)
    others = tuple(name for name in case.wrt if name not in names)
    f = xentropy.value_and_grad(getattr(xentropy, case.function), places, others)
    value, (by_place, by_name) = f(*args, **options)
    found = dict(zip([names[place] for place in places], by_place, strict=True)) | by_name
    whole = tuple(args[0].shape)
    return backend.to_numpy(value), {
        name: np.moveaxis(g, axis, -1) if g.shape == whole else g
        for name, g in ((name, backend.to_numpy(found[name])) for name in case.wrt)
    }


def check_value(case: Case, value: np.ndarray, true: Truth, dtype: str) -> None:
    assert value.dtype == np.dtype(dtype)
    assert true.error(value, EPS[dtype]) <= 4
    if case.digits:
        assert true.digits(value) >= RIGHT[dtype]


@each_dtype
@each_case
def test_cases(backend: Backend, case: Case, axis: int, dtype: str) -> None:
    true, slopes = truth(case.name, dtype)
    value, gradients = solve(case, backend, dtype, axis)
    check_value(case, value, true, dtype)
    for name, gradient in gradients.items():
        assert gradient.dtype == np.dtype(dtype)
        assert slopes[name].error(gradient, EPS[dtype]) <= 4, name
        if name in case.digits:
            assert slopes[name].digits(gradient) >= RIGHT[dtype], name


# ---------------------------------------------------------------------------------------------
# without the rules


def confident(case: Case, dtype: str) -> np.ndarray:
    """The rows with r < 1, by the maximum's probability."""
    args, options = case.rounded(dtype)
    kept = {k: v for k, v in options.items() if k in ("where", "temperature", "softcap")}
    x = args[0].astype(float)
    if "softcap" in kept:
        x = kept["softcap"] * np.tanh(x / kept["softcap"])
    x = np.where(kept.get("where", True), x, -INF) / np.asarray(kept.get("temperature", 1.0))[..., None]
    return np.exp(x - x.max(axis=-1, keepdims=True)).sum(axis=-1) < 2


def check_plain(case: Case, dtype: str, value: np.ndarray, gradients: dict[str, np.ndarray]) -> None:
    """What automatic differentiation of the formula must give: a confident row's tail keeps its digits."""
    true, slopes = truth(case.name, dtype)
    check_value(case, value, true, dtype)
    for name, gradient in gradients.items():
        slope = slopes[name]
        largest = slope.scale
        if name in case.digits:
            sure = confident(case, dtype) if case.function == "cross_entropy" else np.full(gradient.shape, True)
            assert slope.of_rows(sure).digits(gradient[sure]) >= RIGHT[dtype], name
            slope, gradient = slope.of_rows(~sure), gradient[~sure]
            largest = abs(slope.high)
        if case.function in WHOLE_ROWS and gradient.ndim > 1:
            largest = largest.max(axis=-1, keepdims=True, initial=0.0)
        off = slope.distance(gradient)
        assert (off <= 16 * EPS[dtype] * largest + float(np.finfo(dtype).tiny)).all(), name


WHOLE_ROWS = {"cross_entropy", "focal_loss", "entropy", "kl_divergence", "js_divergence", "nll_loss"}


@pytest.mark.backends(autodiff=True)
@each_dtype
@each_case
def test_without_rules(backend: Backend, case: Case, axis: int, dtype: str) -> None:
    with without_rules():
        check_plain(case, dtype, *solve(case, backend, dtype, axis))
