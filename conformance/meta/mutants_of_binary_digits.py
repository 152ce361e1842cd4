"""Mutants: the arithmetic of the binary losses and of the elementwise functions gone wrong."""

from __future__ import annotations

import numpy as np
from mutants import mutant, value_of
from mutants_of_digits import plain, sigmoid
from mutants_of_options import BCE, BCE_OF_PROBS, SIGMOID_FOCAL
from right import Answer, solve
from xentropy_conformance.vectors import Case


@mutant("accuracy", BCE)
def _(case: Case) -> Answer | None:
    """the gradient sigmoid(x) - y"""
    if not plain(case):
        return None
    x, y = (array.values for array in case.args)
    return solve(case) | {"logits": sigmoid(x) - y}


@mutant("10", BCE)
def _(case: Case) -> Answer | None:
    """max(x, 0) - x y + log(1 + exp(-|x|)), NaN at infinities and without log1p"""
    if not plain(case):
        return None
    x, y = (array.values for array in case.args)
    return solve(case) | {"value": np.maximum(x, 0) - x * y + np.log(1 + np.exp(-abs(x)))}


@mutant("10", BCE)
def _(case: Case) -> Answer | None:
    """the derivative of max(x, 0) at 0 is 0"""
    if not plain(case):
        return None
    x, y = (array.values for array in case.args)
    answer = solve(case)
    return answer | {"logits": np.where(x == 0, -y, answer["logits"])}


@mutant("10", BCE_OF_PROBS)
def _(case: Case) -> Answer | None:
    """probabilities are clipped by an epsilon"""
    if not plain(case):
        return None
    p, y = (array.values.astype(np.float64) for array in case.args)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return solve(case) | {"value": -y * np.log(p) - (1 - y) * np.log(1 - p)}


@mutant("10", BCE_OF_PROBS)
def _(case: Case) -> Answer | None:
    """log(p + 1e-7)"""
    if not plain(case):
        return None
    p, y = (array.values.astype(np.float64) for array in case.args)
    return solve(case) | {"value": -y * np.log(p + 1e-7) - (1 - y) * np.log(1 - p + 1e-7)}


@mutant("10", BCE_OF_PROBS)
def _(case: Case) -> Answer | None:
    """the log is clamped at -100"""
    answer = solve(case)
    return answer | {"value": np.minimum(answer["value"], 100)} if plain(case) else None


@mutant("10", BCE_OF_PROBS)
def _(case: Case) -> Answer | None:
    """the gradient of a clipped probability is 0"""
    if not plain(case):
        return None
    p, answer = case.args[0].values, solve(case)
    return answer | {"probs": np.where((p < 1e-7) | (p > 1 - 1e-7), 0, answer["probs"])}


@mutant("10", SIGMOID_FOCAL)
def _(case: Case) -> Answer | None:
    """the factor (1 - p)^gamma is 0 where p rounds to 1"""
    if not plain(case):
        return None
    x, y = (array.values for array in case.args)
    gamma = float(np.asarray(value_of(case, "gamma")))
    p = sigmoid(x)
    cost = y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x)
    return solve(case) | {"value": (1 - (p * y + (1 - p) * (1 - y))) ** gamma * cost}


@mutant("10", SIGMOID_FOCAL)
def _(case: Case) -> Answer | None:
    """the gradient of the focal loss is NaN where its factor is 0"""
    if not plain(case):
        return None
    x, answer = case.args[0].values, solve(case)
    return answer | {"logits": np.where(abs(x) > 36, np.nan, answer["logits"])}


@mutant("accuracy", "softplus")
def _(case: Case) -> Answer | None:
    """softplus as log(1 + exp(x))"""
    return solve(case) | {"value": np.log(1 + np.exp(case.args[0].values))} if plain(case) else None


@mutant("accuracy", "log_sigmoid")
def _(case: Case) -> Answer | None:
    """log_sigmoid as the log of sigmoid"""
    return solve(case) | {"value": np.log(sigmoid(case.args[0].values))} if plain(case) else None


@mutant("accuracy", "sigmoid")
def _(case: Case) -> Answer | None:
    """the derivative of sigmoid as s (1 - s)"""
    s = sigmoid(case.args[0].values)
    return solve(case) | {"x": s * (1 - s)} if plain(case) else None


@mutant("2", "xlogy")
def _(case: Case) -> Answer | None:
    """0 log 0 is NaN"""
    x, y = (array.values for array in case.args)
    return solve(case) | {"value": x * np.log(y)} if plain(case) else None


@mutant("2", "xlogy")
def _(case: Case) -> Answer | None:
    """the derivative of 0 log y with respect to 0 is 0"""
    if not plain(case):
        return None
    x, answer = case.args[0].values, solve(case)
    return answer | {"x": np.where(x == 0, 0, answer["x"])}
