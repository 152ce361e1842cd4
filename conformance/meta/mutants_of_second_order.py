"""Mutants of second-order products: a term less, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from right import products
from xentropy_conformance.vectors import Case

Products = dict[str, Any]


def along(case: Case) -> dict[str, Any]:
    assert case.expected.hvp is not None
    return {name: x.values for name, x in case.expected.hvp.direction.items()}


def nothing(case: Case) -> Products:
    """the second order is 0"""
    return {name: np.zeros_like(x, dtype=np.float64) for name, x in along(case).items()}


def no_mixed_terms(case: Case) -> Products | None:
    """the derivatives with respect to two arguments are missing"""
    whole = along(case)
    if len(whole) < 2:
        return None
    return {name: products(case, {name: x})[name] for name, x in whole.items()}


def detached_labels(case: Case) -> Products | None:
    """a label of 0 does not move"""
    whole, found = along(case), products(case, along(case))
    if "labels" not in whole:
        return None
    return found | {"labels": np.where(case.inputs["labels"].values == 0, 0, found["labels"])}


def first_term_only(case: Case) -> Products | None:
    """the softmax inside of the gradient is held constant in its denominator"""
    if case.function != "cross_entropy" or list(along(case)) != ["logits"] or len(case.inputs) > 2:
        return None
    if (
        case.options.keys() - {"axis", "reduction"}
        or case.options["axis"] != -1
        or case.options["reduction"] != "none"
    ):
        return None
    x, v = case.inputs["logits"].values.astype(np.float64), along(case)["logits"]
    labels = case.inputs["labels"].values
    if not np.isfinite(x).all() or not x.size:
        return None
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    mass = labels.sum(axis=-1, keepdims=True) if case.inputs["labels"].floating else 1
    return {"logits": mass * e / e.sum(axis=-1, keepdims=True) * v}


def other_sign(case: Case) -> Products:
    """the sign is wrong"""
    return {name: -x for name, x in products(case, along(case)).items()}


SECOND_ORDER: tuple[Callable[[Case], Products | None], ...] = (
    nothing,
    no_mixed_terms,
    detached_labels,
    first_term_only,
    other_sign,
)
