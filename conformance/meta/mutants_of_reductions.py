"""Mutants: mistakes about weights, reductions and axes."""

from __future__ import annotations

import numpy as np
from mutants import CATEGORICAL, classes, divided, mutant, rows
from right import Answer, inputs_of, solve
from xentropy_conformance.vectors import Case


@mutant("7", *CATEGORICAL, "binary_cross_entropy", "binary_cross_entropy_with_logits", "sigmoid_focal_loss")
def _(case: Case) -> Answer | None:
    """a sum instead of a mean"""
    if case.options["reduction"] != "mean" or "normalizer" in {**case.inputs, **case.options}:
        return None
    return solve(case, reduction="sum")


@mutant("7", *CATEGORICAL)
def _(case: Case) -> Answer | None:
    """ignored rows count in the mean"""
    if case.options["reduction"] != "mean" or "ignore_index" not in case.options or len(case.inputs) > 2:
        return None
    return solve(case, normalizer=float(rows(case)))


@mutant("7", *CATEGORICAL)
def _(case: Case) -> Answer | None:
    """class weights are missing in the denominator"""
    if case.options["reduction"] != "mean" or list(case.inputs)[2:] != ["class_weight"]:
        return None
    return solve(case, normalizer=float(rows(case)))


@mutant("7", *CATEGORICAL, "entropy", "kl_divergence", "js_divergence")
def _(case: Case) -> Answer | None:
    """the mean of weighted losses is over the number of rows"""
    if case.options["reduction"] != "mean" or list(case.inputs)[len(case.args) :] != ["sample_weight"]:
        return None
    return solve(case, normalizer=float(rows(case)))


@mutant("7", *CATEGORICAL, "entropy")
def _(case: Case) -> Answer | None:
    """a mean over nothing is NaN"""
    answer = solve(case)
    weight = case.inputs.get("sample_weight")
    nothing = rows(case) == 0 or (weight is not None and not weight.values.any())
    return answer | {"value": np.float32(np.nan)} if nothing and case.options["reduction"] == "mean" else None


@mutant("7", "kl_divergence", "js_divergence")
def _(case: Case) -> Answer | None:
    """the mean is over elements, not over rows"""
    return divided(case, float(classes(case))) if case.options["reduction"] == "mean" and rows(case) else None


@mutant("7", *CATEGORICAL)
def _(case: Case) -> Answer | None:
    """the gradient of a mean is that of the sum"""
    if case.options["reduction"] != "mean":
        return None
    name = next(iter(case.inputs))
    return solve(case) | {
        name: solve(case, inputs_of(case, normalizer=None), {**case.options, "reduction": "sum"})[name]
    }


@mutant("13", *CATEGORICAL, "entropy", "kl_divergence", "js_divergence", "logsumexp")
def _(case: Case) -> Answer | None:
    """the gradient has the other sign"""
    name, answer = next(iter(case.inputs)), solve(case)
    return answer | {name: -answer[name]}


@mutant("7", "logsumexp", "cross_entropy", "softmax")
def _(case: Case) -> Answer | None:
    """the class axis is always the last one"""
    return solve(case, axis=-1) if case.options["axis"] != -1 else None
