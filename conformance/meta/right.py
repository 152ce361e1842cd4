"""A right implementation to break: the library itself on NumPy, with its answers in the shape of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from judging import error
from xentropy_conformance.vectors import Case, Numbers

import xentropy

Answer = dict[str, Any]  # "value", "second", and one gradient for each floating input by its name
STEP = 2.0**-12  # of differences in float64


def solve(
    case: Case, inputs: Mapping[str, Any] | None = None, options: Mapping[str, Any] | None = None, **changed: Any
) -> Answer:
    """The answer to a case, or to a case with other inputs or options.

    `changed` are single options. Gradients are taken with respect to the floating inputs of the case itself.
    """
    arrays = {name: x.values for name, x in case.inputs.items()} if inputs is None else dict(inputs)
    settings = {**(case.options if options is None else options), **changed}
    first = [name for name in arrays if name in positional(case)]
    named = {name: x for name, x in arrays.items() if name not in first}
    wanted = [name for name, x in case.inputs.items() if x.floating and name in arrays]
    places = tuple(first.index(name) for name in wanted if name in first)
    names = tuple(name for name in wanted if name in named)
    f = xentropy.value_and_grad(getattr(xentropy, case.function), places or None, names or None)
    with np.errstate(all="ignore"):
        value, gradient = f(*(arrays[name] for name in first), **named, **settings)
    by_place, by_name = gradient if places and names else (gradient, {}) if places else ((), gradient)
    answer: Answer = dict(zip((first[i] for i in places), by_place, strict=True)) | by_name
    return answer | ({"value": value[0], "second": value[1]} if isinstance(value, tuple) else {"value": value})


def positional(case: Case) -> tuple[str, ...]:
    return tuple(case.inputs)[: len(case.args)]


def inputs_of(case: Case, **changed: Any) -> dict[str, Any]:
    """The arrays of a case, some of them others; None leaves one out."""
    arrays = {name: x.values for name, x in case.inputs.items()} | changed
    return {name: x for name, x in arrays.items() if x is not None}


# ---------------------------------------------------------------------------------------------
# judging


def wanted(case: Case) -> dict[str, Numbers]:
    second = case.expected.second
    return {"value": case.expected.value, **case.expected.gradients, **({} if second is None else {"second": second})}


def errors(case: Case, answer: Answer) -> dict[str, float]:
    """The error of each part in bars, of which 1 agrees. What an answer leaves out is infinitely wrong."""
    return {name: error(x, answer[name]) if name in answer else np.inf for name, x in wanted(case).items()}


def agrees(case: Case, answer: Answer) -> bool:
    return max(errors(case, answer).values()) <= 1


# ---------------------------------------------------------------------------------------------
# second order, by differences of the gradients in float64: enough for the bars of float32


def products(case: Case, along: Mapping[str, Any]) -> dict[str, Any]:
    def gradients(step: float) -> Answer:
        moved = {
            name: x.values.astype(np.float64) + step * np.asarray(along.get(name, 0.0), np.float64)
            if x.floating
            else x.values
            for name, x in case.inputs.items()
        }
        return solve(case, moved)

    near, far = (gradients(STEP), gradients(-STEP)), (gradients(2 * STEP), gradients(-2 * STEP))
    hvp = case.expected.hvp
    assert hvp is not None
    return {
        name: (8 * (near[0][name] - near[1][name]) - (far[0][name] - far[1][name])) / (12 * STEP)
        for name in hvp.products
    }


def product_error(case: Case, found: Mapping[str, Any]) -> float:
    assert case.expected.hvp is not None
    return max(error(x, np.asarray(found[name]).astype(x.dtype)) for name, x in case.expected.hvp.products.items())
