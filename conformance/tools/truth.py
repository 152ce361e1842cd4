"""The expected numbers of a case, from the textbook formulas of the repository's tests at 60 digits."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
from book import BINARY, Spec, numpy_dtype
from mpmath import mp, mpf
from oracle_categorical import kept_table, number, row_table
from oracle_numbers import DIGITS, INF, Reference, exact, limits, to_reference
from oracle_reduce import spread
from oracle_rows import SoftmaxRow
from oracle_target import row_shape, targets
from text import array_block, number_block

MANY_DIGITS = 700
STEPS = mpf(10) ** -20, mpf(10) ** -21  # of central differences at 60 digits: their errors are near 1e-40
NOT_OF_THE_ORACLE = ("check_labels", "return_lse")  # bad labels are always NaN there
KEEPS_DTYPE = ("logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid", "softplus", "xlogy")
ROOM = 64  # of a second-order product, whose small numbers need no digits: see `product_block`
MORE = 2**-7  # a direction is made of multiples of this: exact in every dtype


def value_dtype(spec: Spec) -> str:
    """Losses of 16-bit floats are float32; what is no loss keeps its dtype."""
    return "float32" if spec.dtype.endswith("16") and spec.function not in KEEPS_DTYPE else spec.dtype


def split(spec: Spec) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Positional arguments and keywords for the oracle."""
    positional = oracle.FUNCTIONS[spec.function][1]
    args = [spec.inputs[name] for name in positional]
    named = {k: v for k, v in spec.inputs.items() if k not in positional}
    return args, named | {k: v for k, v in spec.options.items() if k not in NOT_OF_THE_ORACLE}


def values(spec: Spec) -> dict[str, Reference]:
    """The value, and the second output where a call has one."""
    args, options = split(spec)
    value = oracle.FUNCTIONS[spec.function][0](*args, **options)
    out = {"value": value[0], "sign": value[1]} if isinstance(value, tuple) else {"value": value}
    if spec.options.get("return_lse"):
        out["lse"] = lse(spec)
    return out


def lse(spec: Spec) -> Reference:
    """The log-sum-exp of the final logits of every row, whatever its label and weight are."""
    x, options = spec.inputs["logits"], spec.inputs | spec.options
    axis = options["axis"] % x.ndim
    shape = row_shape(x.shape, axis)
    numbers, _ = row_table(x, axis)
    keeps = kept_table(options.get("where"), x.shape, axis)
    temperatures, _ = spread(options.get("temperature", 1.0), shape)
    softcap = number(options.get("softcap"))
    rows = [SoftmaxRow(*row, softcap) for row in zip(numbers, keeps, temperatures, strict=True)]
    return to_reference([row.lse() for row in rows], shape)


def in_range(reference: Reference, dtype: str) -> Reference:
    """What overflows a dtype says nothing about an implementation: it is left open."""
    largest = limits(numpy_dtype(dtype))[1]
    open_ = np.asarray([mp.isfinite(x) and abs(x) > largest for x in reference.value.flat], dtype=bool)
    return opened(reference, open_.reshape(reference.scale.shape))


def left_open(spec: Spec, gradients: dict[str, Reference], value: Reference) -> dict[str, Reference]:
    """Gradients of which the rules say less than the reference does.

    Rule 9 makes the gradient of a bad row NaN. The reference says it of logits and soft labels alone: of the entries
    of a bad sparse row, and of a row with a bad p, nothing is asked here. Nor is it of the smoothing of an infinite
    loss, as in the categorical losses.
    """
    out = dict(gradients)
    if spec.function in BINARY and "label_smoothing" in gradients and any(mp.isinf(x) for x in value.value.flat):
        out["label_smoothing"] = opened(gradients["label_smoothing"], np.asarray(True))
    bad, names = bad_rows(spec)
    for name in names if bad.any() else ():
        out[name] = opened(gradients[name], bad)
    return out


def opened(reference: Reference, places: np.ndarray) -> Reference:
    scale = reference.scale.copy()
    scale[np.broadcast_to(places, scale.shape)] = INF
    return Reference(reference.value, scale)


def bad_rows(spec: Spec) -> tuple[np.ndarray, tuple[str, ...]]:
    """Where a row is bad, and of which arguments' gradients nothing is asked there."""
    if spec.function == "kl_divergence" and not spec.options.get("log_target"):
        bad = ~(spec.inputs["p"].astype(float) >= 0)
        return np.any(bad, axis=spec.options["axis"], keepdims=True), ("log_q", "p")
    if "label_probs" not in spec.inputs:
        return np.zeros(0, dtype=bool), ()
    first, labels = next(iter(spec.inputs.values())), spec.inputs["labels"]
    ignored = spec.options.get("ignore_index")
    rows = targets(labels, first.shape, spec.options["axis"], spec.inputs["label_probs"], ignored)
    return np.asarray([row.bad for row in rows], dtype=bool).reshape(*labels.shape[:-1], 1), ("label_probs",)


# ---------------------------------------------------------------------------------------------
# second order


def direction(spec: Spec, names: list[str]) -> dict[str, np.ndarray]:
    """Multiples of 1/128; 0 at what cannot be moved: an infinity, an end of a range, a removed row."""
    rng = np.random.default_rng(zlib.crc32(spec.id.partition("/")[0].encode() + spec.id[-4:].encode()))
    first = next(iter(spec.inputs.values())).astype(float)
    out = {}
    for name in names:
        x = spec.inputs[name].astype(float)
        stuck = ~np.isfinite(x)
        if name in ("label_smoothing", "alpha", "probs") or (name == "labels" and spec.function in BINARY):
            stuck |= (x == 0) | (x == 1)
        if name in ("p", "gamma", "x") and spec.function in (
            "kl_divergence",
            "focal_loss",
            "sigmoid_focal_loss",
            "xlogy",
        ):
            stuck |= x == 0
        if name in ("sample_weight", "label_probs", "class_weight"):
            stuck |= x == 0
        if name in ("labels", "p") and x.shape == first.shape:  # mass there would make the loss infinite
            stuck |= (x == 0) & ~np.isfinite(first)
        step = np.round(rng.normal(size=x.shape) / MORE / 8) * MORE * 8
        out[name] = np.where(stuck, 0.0, np.clip(step, -2, 2)).astype(spec.inputs[name].dtype)
    return out


def products(spec: Spec, along: dict[str, np.ndarray], step: mpf) -> dict[str, np.ndarray]:
    """The derivative of the gradients along a direction: a row of the Hessian's product with it."""

    def gradients(sign: int) -> dict[str, Reference]:
        moved = {
            name: exact(x) + sign * step * exact(along[name]) if name in along else x
            for name, x in spec.inputs.items()
        }
        args, options = split(replace(spec, inputs=moved))
        return oracle.gradient(spec.function, tuple(along), *args, **options)

    high, low = gradients(1), gradients(-1)
    return {name: np.asarray((high[name].value - low[name].value) / (2 * step), dtype=object) for name in along}


def alike(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether two steps give the same: they do not where a gradient jumps, as at weights that cancel."""
    pairs = [pair for name in one for pair in zip(one[name].flat, other[name].flat, strict=True)]
    largest = max((abs(a) for a, _ in pairs), default=mpf(0))
    return all(abs(a - b) <= max(largest, mpf(1)) * mpf(10) ** -25 for a, b in pairs)


def product_block(product: np.ndarray, dtype: str) -> dict[str, Any]:
    """The bar of every product is that of the largest in its array, or of 1, with some room."""
    largest = max((abs(x) for x in product.flat), default=mpf(0))
    scale = np.full(product.shape, ROOM * max(largest, mpf(1)), dtype=object)
    return number_block(product, scale, dtype)


def second_order(spec: Spec, gradients: dict[str, Reference]) -> dict[str, Any] | None:
    """In the wide dtypes, where every gradient is a number."""
    names = spec.differentiable() if spec.moved == "all" else spec.differentiable()[:1] if spec.moved else []
    sound = all(
        mp.isfinite(x) and mp.isfinite(s)
        for g in gradients.values()
        for x, s in zip(g.value.flat, g.scale.flat, strict=True)
    )
    if not names or not sound or spec.dtype.endswith("16") or not sum(spec.inputs[n].size for n in names):
        return None
    along = direction(spec, names)
    if not any(step.any() for step in along.values()):
        return None
    found, again = (products(spec, along, step) for step in STEPS)
    if not all(mp.isfinite(x) for product in found.values() for x in product.flat) or not alike(found, again):
        return None
    return {
        "direction": {name: array_block(step) for name, step in along.items()},
        "products": {name: product_block(found[name], spec.dtype) for name in names},
    }


def expected(spec: Spec) -> dict[str, Any]:
    # The slope of the entropy at ties is what two equal terms leave: it needs digits down to the smallest number.
    with mp.workdps(MANY_DIGITS if spec.function == "entropy" else DIGITS):
        return expected_now(spec)


def expected_now(spec: Spec) -> dict[str, Any]:
    args, options = split(spec)
    names = tuple(spec.differentiable())
    gradients = oracle.gradient(spec.function, names, *args, **options)
    out: dict[str, Any] = {}
    results = values(spec)
    for name, reference in results.items():
        out[name] = block(reference, value_dtype(spec))
    gradients = left_open(spec, gradients, results["value"])
    out["gradients"] = {name: block(gradient, spec.dtype) for name, gradient in gradients.items()}
    out["hvp"] = second_order(spec, gradients)
    return out


def block(reference: Reference, dtype: str) -> dict[str, Any]:
    reference = in_range(reference, dtype)
    return number_block(reference.value, reference.scale, dtype)


def case(spec: Spec) -> dict[str, Any]:
    return {
        "id": spec.id,
        "function": spec.function,
        "rule": spec.rule,
        "about": spec.about,
        "reports": list(spec.reports),
        "dtype": spec.dtype,
        "inputs": {name: array_block(x) for name, x in spec.inputs.items()},
        "options": spec.options,
        "expected": expected(spec),
    }
