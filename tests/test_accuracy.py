"""Every function against the 60-digit reference, on the hard cases, in value and gradient.

The bar is 4 eps of the absolute terms of the formula, element by element; integer and one-hot labels keep at
least 5 right digits in float32 and 13 in float64, however small the number. The rules of the library and the
plain automatic differentiation of torch and JAX are both held to it.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache, partial
from typing import Any

import ml_dtypes
import numpy as np
import oracle
import pytest
from backends import Backend, numpy_dtype
from hard_cases import CASES, INF, MANY, NORMALIZERS, Case, round_to
from hard_truth import Truth, truth

import xentropy
from xentropy._backends.switch import without_rules

RIGHT = {"float32": 5, "float64": 13}
EPS = {name: float(np.finfo(name).eps) for name in RIGHT}
ENTRIES = [(case, axis) for case in CASES.values() for axis in case.axes]
NAMES = [f"{case}{'' if axis else ':first'}" for case, axis in ENTRIES]
each_case = pytest.mark.parametrize(("case", "axis"), ENTRIES, ids=NAMES)
ELEMENTWISE = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "sigmoid_focal_loss"}
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


@pytest.mark.compiler
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
    by_element = case.function in ELEMENTWISE
    for name, gradient in gradients.items():
        slope = slopes[name]
        largest = slope.scale
        if name in case.digits:
            sure = np.full(gradient.shape, True) if by_element else confident(case, dtype)
            assert slope.of_rows(sure).digits(gradient[sure]) >= RIGHT[dtype], name
            slope, gradient = slope.of_rows(~sure), gradient[~sure]
            largest = abs(slope.high)
        if gradient.ndim and not (by_element and name == case.wrt[0]):
            largest = largest.max(axis=-1, keepdims=True, initial=0.0)
        off = slope.distance(gradient)
        assert (off <= 16 * EPS[dtype] * largest + float(np.finfo(dtype).tiny)).all(), name


@pytest.mark.backends(autodiff=True)
@each_dtype
@each_case
def test_without_rules(backend: Backend, case: Case, axis: int, dtype: str) -> None:
    with without_rules():
        check_plain(case, dtype, *solve(case, backend, dtype, axis))


@pytest.mark.backends("torch")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # of the compiler's own imports
@pytest.mark.parametrize("name", ["margins", "rest", "masked", "smoothing", "focal 2"])
def test_compiled(backend: Backend, name: str) -> None:
    """Forward and backward in one graph; the compiler differentiates the plain formula."""
    import torch

    case = CASES[name]
    torch.compiler.reset()  # a function is compiled a few times only
    (logits, labels), options = placed(case, backend, "float32")
    call = torch.compile(partial(getattr(xentropy, case.function), **options), fullgraph=True)
    check_plain(case, "float32", backend.to_numpy(call(logits, labels)), {})  # nothing to differentiate
    value = call(logits.requires_grad_(), labels)
    value.sum().backward()
    gradient = backend.to_numpy(logits.grad)
    check_plain(case, "float32", backend.to_numpy(value), {"logits": gradient})


# ---------------------------------------------------------------------------------------------
# normalizers and elementwise functions, under random cotangents


def cotangents(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(8).normal(0, 1, shape)


@cache
def normalizer_truth(name: str, dtype: str) -> tuple[Truth, dict[str, Truth], np.ndarray]:
    function, x, options, wrt = NORMALIZERS[name]
    x, options = round_to(x, dtype), {k: round_to(v, dtype) for k, v in options.items()}
    value = oracle.FUNCTIONS[function][0](x, **options)
    value = value[0] if options.get("return_sign") else value
    g = round_to(cotangents(value.value.shape), dtype)
    slopes = oracle.gradient(function, wrt, x, cotangent=g, **options)
    return Truth(value), {k: Truth(v) for k, v in slopes.items()}, g


@pytest.mark.compiler
@each_dtype
@pytest.mark.parametrize("name", list(NORMALIZERS))
def test_normalizers(backend: Backend, name: str, dtype: str) -> None:
    """nll_loss of it is linear in it, and serves as the cotangent on every library."""
    function, x, options, wrt = NORMALIZERS[name]
    true, slopes, g = normalizer_truth(name, dtype)
    f, minus_g = getattr(xentropy, function), backend.asarray(-g)

    def call(x: Any, **options: Any) -> Any:
        out = f(x, **options)
        return out[0] if isinstance(out, tuple) else out

    def weighted(x: Any, **options: Any) -> Any:
        return xentropy.nll_loss(call(x, **options), minus_g, reduction="sum")

    arrays = {k: backend.asarray(round_to(v, dtype)) if hasattr(v, "dtype") else v for k, v in options.items()}
    x = backend.asarray(round_to(x, dtype))
    _, (by_x, others) = xentropy.value_and_grad(weighted, 0, wrt[1:])(x, **arrays)
    assert true.error(backend.to_numpy(call(x, **arrays)), EPS[dtype]) <= 4
    for k, gradient in {"x": by_x, **others}.items():
        assert slopes[k].error(backend.to_numpy(gradient), EPS[dtype]) <= 4, k


@pytest.mark.compiler
@pytest.mark.backends(autodiff=True)
@pytest.mark.parametrize("plain", [False, True], ids=["rules", "plain"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax, 1e4", "logsumexp, tails", "sigmoid", "softplus"])
def test_library_cotangents(backend: Backend, name: str, plain: bool) -> None:
    """The same by the libraries' own products."""
    function, x, options, _ = NORMALIZERS[name]
    _, slopes, g = normalizer_truth(name, "float64")
    options = {k: backend.asarray(v) if hasattr(v, "dtype") else v for k, v in options.items()}
    x, g, f = backend.asarray(x), backend.asarray(g), partial(getattr(xentropy, function), **options)
    with without_rules() if plain else nullcontext():
        if backend.option == "jax":
            import jax

            (gradient,) = jax.vjp(f, x)[1](g)
        else:
            f(x.requires_grad_()).backward(g)
            gradient = x.grad
    gradient = backend.to_numpy(gradient)
    largest = slopes["x"].scale.max(axis=-1, keepdims=True)
    assert (slopes["x"].distance(gradient) <= (16 if plain else 4) * EPS["float64"] * largest).all()


# ---------------------------------------------------------------------------------------------
# 16-bit floats


@pytest.mark.compiler
@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_many_classes_in_16_bits(backend: Backend, dtype: str, axis: int) -> None:
    """The loss has the accuracy of float32, its gradient that of one rounding to 16 bits."""
    if dtype not in backend.dtypes:
        pytest.skip(f"no {dtype}")
    case = CASES[f"C={MANY}"]
    true, slopes = truth(case.name, dtype)
    value, gradients = solve(case, backend, dtype, axis)
    check_value(case, value, true, "float32")
    gradient, slope, info = gradients["logits"], slopes["logits"], ml_dtypes.finfo(numpy_dtype(dtype))
    assert gradient.dtype == numpy_dtype(dtype)
    rounding = float(info.eps) / 2 * abs(slope.high) + float(info.smallest_subnormal) / 2
    assert (slope.distance(gradient) <= rounding + 4 * EPS["float32"] * slope.scale).all()


@pytest.mark.compiler
@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_uniform_row_of_many_classes(backend: Backend, dtype: str, axis: int) -> None:
    """Of 2^17 equal logits the loss is 17 log 2, and the gradient a power of 2, less 1 at the label."""
    if dtype not in backend.dtypes:
        pytest.skip(f"no {dtype}")
    x = backend.asarray(np.zeros((1, MANY) if axis else (MANY, 1), numpy_dtype(dtype)))
    f = xentropy.value_and_grad(xentropy.cross_entropy)
    value, gradient = (backend.to_numpy(a) for a in f(x, backend.asarray(np.asarray([MANY - 1])), axis=axis))
    eps = EPS["float64" if dtype == "float64" else "float32"]
    assert abs(float(value) - 17 * np.log(2.0)) <= 4 * eps * 17 * np.log(2.0)
    *others, own = gradient.astype(float).ravel()
    assert np.abs(np.asarray(others) * MANY - 1).max() <= 4 * eps
    assert abs(own - (1.0 / MANY - 1.0)) <= max(4 * eps, float(ml_dtypes.finfo(numpy_dtype(dtype)).eps) / 2)


@pytest.mark.compiler
def test_mean_of_many_16_bit_rows(backend: Backend) -> None:
    """70000 rows whose losses add up to more than float16 holds: 7 different rows, 10000 of each."""
    if "float16" not in backend.dtypes:
        pytest.skip("no float16")
    rows = np.arange(28.0).reshape(7, 4) % 11
    labels = np.asarray([0, 1, 2, 3, 0, 0, 1])
    logits = np.tile(rows, (10000, 1)).astype(np.float16)
    f = xentropy.value_and_grad(xentropy.cross_entropy)
    value, gradient = f(backend.asarray(logits), backend.asarray(np.tile(labels, 10000)))
    assert Truth(oracle.cross_entropy(rows, labels)).error(backend.to_numpy(value), EPS["float32"]) <= 4
    slope = oracle.gradient("cross_entropy", "logits", rows, labels)["logits"].value.astype(float) / 10000
    off = abs(backend.to_numpy(gradient).astype(float) - np.tile(slope, (10000, 1)))
    assert off.max() <= 2.0**-24  # one step of float16 there
