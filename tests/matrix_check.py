"""The 60-digit truth of the calls of `matrix_cases`, and how a result is held against it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import oracle
from matrix_cases import Case
from mpmath import mpf
from oracle_numbers import exact, sixty_digits

DIGITS = {"float32": 5, "float64": 13}
STEP = mpf(10) ** -20  # of central differences at 60 digits: their error is near 1e-40

_known: dict[tuple[str, str, str], Any] = {}


def once(truth: Callable[[Case], Any]) -> Callable[[Case], Any]:
    """The truth of a call is computed once, whatever number of compositions asks for it."""

    @wraps(truth)
    def remember(case: Case) -> Any:
        key = (truth.__name__, case.name, case.dtype)
        if key not in _known:
            _known[key] = truth(case)
        return _known[key]

    return remember


def wrt(case: Case) -> list[str]:
    """What is differentiated: the floating arguments in order, then the named options."""
    positional = oracle.FUNCTIONS[case.function][1]
    return [*(positional[i] for i in case.places()), *case.named]


def eps(case: Case) -> float:
    return float(np.finfo(case.dtype).eps)


@once
def value(case: Case) -> Any:
    return oracle.FUNCTIONS[case.function][0](*case.args, **case.named, **case.options)


@once
def gradients(case: Case) -> dict[str, Any]:
    """Of the sum of the value."""
    return oracle.gradient(case.function, wrt(case), *case.args, **case.named, **case.options)


@once
def direction(case: Case) -> dict[str, np.ndarray]:
    """Where second derivatives are taken along: 0 at what cannot be moved (an infinity, a probability of 0 or 1)."""
    rng, out = np.random.default_rng(3), {}
    positional = oracle.FUNCTIONS[case.function][1]
    for name in wrt(case):
        x = case.args[positional.index(name)] if name in positional else case.named[name]
        stuck = ~np.isfinite(x)
        if name == "sample_weight":  # a removed row that holds NaN cannot come back
            stuck |= (x == 0) & np.isnan(case.args[0]).any(axis=-1 if x.ndim < case.args[0].ndim else ())
        if name in ("labels", "probs", "p", "x", "y"):
            stuck |= (x == 0) | (x == 1)
        step = np.round(rng.normal(size=x.shape), 2)
        out[name] = np.where(stuck, 0.0, step).astype(case.dtype)
    return out


@once
@sixty_digits
def curvature(case: Case) -> dict[str, np.ndarray]:
    """The derivative of every gradient along `direction`: a row of the Hessian's product with it."""
    positional, along = oracle.FUNCTIONS[case.function][1], direction(case)

    def moved(sign: int) -> dict[str, Any]:
        def to(name: str, x: np.ndarray) -> Any:
            return exact(x) + sign * STEP * exact(along[name]) if name in along else x

        args = [to(n, x) for n, x in zip(positional, case.args, strict=True)]
        named = {n: to(n, x) for n, x in case.named.items()}
        return oracle.gradient(case.function, wrt(case), *args, **named, **case.options)

    high, low = moved(1), moved(-1)
    return {n: np.asarray((high[n].value - low[n].value) / (2 * STEP), dtype=object).astype(np.float64) for n in high}


# ---------------------------------------------------------------------------------------------
# judging


def check_value(case: Case, found: Any) -> None:
    found = np.asarray(found)
    assert found.dtype.name == case.dtype
    assert oracle.error(found, value(case), eps(case)) <= 4, f"{case}: value {found}"


def bars(case: Case, true: oracle.Reference, *, plain: bool) -> np.ndarray:
    """What a gradient may be off by; without the rule, a few ulp of the largest of its row."""
    scale = np.asarray(true.scale, dtype=float)
    if not plain:
        return 4 * eps(case) * scale
    scale = np.maximum(scale, np.abs(np.asarray(true.value, dtype=float)))
    scale = np.where(np.isfinite(scale), scale, 0.0)
    if scale.ndim > 1:
        if case.function == "entropy":
            scale = np.where(crowded(case), 1.0, scale)
        scale = np.broadcast_to(scale.max(axis=-1, keepdims=True), scale.shape)
    return 16 * eps(case) * scale + float(np.finfo(case.dtype).tiny)


def crowded(case: Case) -> np.ndarray:
    """Rows where no class has half of the probability. Of the entropy's derivative in x_j, autodiff adds p_j
    from log1p(r) and takes it away again from sum p d: what little is left at a tie is below their ulp."""
    x = np.asarray(case.args[0], dtype=float)
    with np.errstate(invalid="ignore"):
        others = np.exp((x - x.max(axis=-1, keepdims=True)) / case.named["temperature"][:, None]).sum(
            -1, keepdims=True
        )
    return others >= 2.0


def check_gradients(case: Case, found: dict[str, np.ndarray], *, plain: bool = False) -> None:
    """Within the bar of the design; `plain` is what it asks of automatic differentiation without a rule."""
    truth = gradients(case)
    assert list(found) == list(truth), f"{case}: gradients of {list(found)}"
    for name, gradient in found.items():
        gradient, true = np.asarray(gradient), truth[name]
        assert gradient.dtype.name == case.dtype, f"{case}, {name}: {gradient.dtype}"
        if not plain:
            assert oracle.error(gradient, true, eps(case)) <= 4, f"{case}, {name}: {gradient}"
            continue
        expected = np.asarray(true.value, dtype=float)
        open_ = np.isinf(np.asarray(true.scale, dtype=float))
        same = (gradient == expected) | (np.isnan(gradient) & np.isnan(expected)) | open_
        with np.errstate(invalid="ignore"):
            close = np.abs(gradient - expected) <= bars(case, true, plain=True)
        assert (same | close).all(), f"{case}, {name}, without the rule: {gradient}, not {expected}"
        if case.tail and name == wrt(case)[0]:
            sure = slice(1, 2)  # the confident row
            one = oracle.Reference(true.value[sure], true.scale[sure])
            assert oracle.digits(gradient[sure], one) >= DIGITS[case.dtype], f"{case}, {name}: {gradient[sure]}"


def check_curvature(case: Case, found: dict[str, np.ndarray]) -> None:
    """Second derivatives along `direction`, to a few ulp of the largest of each argument."""
    for name, true in curvature(case).items():
        product = np.asarray(found[name], dtype=np.float64)
        bar = 256 * eps(case) * max(1.0, float(np.abs(true).max(initial=0.0)))
        assert product.shape == true.shape
        assert (np.abs(product - true) <= bar).all(), f"{case}, {name}: {product}, not {true}"
