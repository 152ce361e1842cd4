"""Mutants: right in the mathematics, wrong in the arithmetic. Each is written out for the calls without options."""

from __future__ import annotations

from typing import Any

import numpy as np
from mutants import mutant
from mutants_of_options import BCE, SIGMOID_FOCAL
from right import Answer, solve
from xentropy_conformance.vectors import Case

Array = np.ndarray[Any, Any]


def plain(case: Case) -> bool:
    """Nothing but the positional arguments, along the last axis, in a dtype of NumPy."""
    arrays = len(case.inputs) == len(case.args) and all(x.dtype != "bfloat16" for x in case.args)
    usual = (
        case.options.keys() <= {"axis", "reduction", "check_labels", "gamma"} and case.options.get("axis", -1) == -1
    )
    return arrays and usual and case.options.get("reduction", "none") == "none" and "check_labels" not in case.options


def rows_of(case: Case) -> tuple[Array, Array] | None:
    """Logits of two axes and one-hot rows or distributions for them."""
    if not plain(case) or case.args[0].values.ndim != 2 or not case.args[0].values.size:
        return None
    x, labels = (array.values for array in case.args)
    return x, labels if labels.ndim == 2 else (np.arange(x.shape[-1]) == labels[:, None]).astype(x.dtype)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


# softmax and its kin


@mutant("14", "softmax")
def _(case: Case) -> Answer | None:
    """softmax without its maximum taken out"""
    if not plain(case):
        return None
    e = np.exp(case.args[0].values)
    return solve(case) | {"value": e / e.sum(axis=-1, keepdims=True)}


@mutant("accuracy", "log_softmax")
def _(case: Case) -> Answer | None:
    """log_softmax as the log of softmax"""
    return solve(case) | {"value": np.log(softmax(case.args[0].values))} if plain(case) else None


@mutant("accuracy", "log_softmax")
def _(case: Case) -> Answer | None:
    """log_softmax as x minus lse"""
    if not plain(case):
        return None
    x = case.args[0].values
    top = x.max(axis=-1, keepdims=True)
    return solve(case) | {"value": x - top - np.log(np.exp(x - top).sum(axis=-1, keepdims=True))}


@mutant("accuracy", "logsumexp")
def _(case: Case) -> Answer | None:
    """logsumexp as the log of a sum that holds its maximum"""
    if not plain(case) or case.options.get("keepdims") or not case.args[0].values.size:
        return None
    x = case.args[0].values
    top = x.max(axis=-1, keepdims=True)
    return solve(case) | {"value": (top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))[..., 0]}


@mutant("accuracy", "logsumexp")
def _(case: Case) -> Answer | None:
    """logsumexp leaves out every maximum where there are ties"""
    if not plain(case) or case.options.get("keepdims") or not case.args[0].values.size:
        return None
    x = case.args[0].values
    top = x.max(axis=-1, keepdims=True)
    rest = np.where(x == top, 0, np.exp(x - top)).sum(axis=-1)
    return solve(case) | {"value": top[..., 0] + np.log1p(rest)}


@mutant("accuracy", "logsumexp", "softmax")
def _(case: Case) -> Answer | None:
    """the derivative of a maximum is shared between ties"""
    x = case.args[0].values
    if not plain(case) or x.ndim != 2 or not x.size:
        return None
    answer = solve(case)
    ties = x == x.max(axis=-1, keepdims=True)
    share = ties / ties.sum(axis=-1, keepdims=True) - np.eye(x.shape[-1])[x.argmax(axis=-1)]
    return answer | {"x": answer["x"] + share}


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


@mutant("accuracy", "cross_entropy")
def _(case: Case) -> Answer | None:
    """cross-entropy as the log of a clipped softmax"""
    given = rows_of(case)
    if given is None:
        return None
    x, t = given
    return solve(case) | {"value": -(t * np.log(np.maximum(softmax(x), 1e-7))).sum(-1)}


@mutant("accuracy", "cross_entropy")
def _(case: Case) -> Answer | None:
    """the gradient p - y"""
    given = rows_of(case)
    if given is None or not np.isfinite(given[0]).all():
        return None
    x, t = given
    return solve(case) | {"logits": t.sum(-1, keepdims=True) * softmax(x) - t}


@mutant("13", "cross_entropy")
def _(case: Case) -> Answer | None:
    """the log stands outside of the sum over classes"""
    given = rows_of(case)
    return None if given is None else solve(case) | {"value": -np.log((given[1] * softmax(given[0])).sum(-1))}


@mutant("accuracy", "cross_entropy")
def _(case: Case) -> Answer | None:
    """tail gradients below eps are filtered away"""
    given = rows_of(case)
    answer = solve(case)
    if given is None:
        return None
    eps = np.finfo(given[0].dtype).eps
    return answer | {"logits": np.where(abs(answer["logits"]) < eps / 32, 0, answer["logits"])}


@mutant("accuracy 13", "cross_entropy", "focal_loss", "nll_loss", "entropy")
def _(case: Case) -> Answer | None:
    """a loss of 16-bit floats is rounded to 16 bits"""
    if not case.dtype.endswith("16"):
        return None
    answer = solve(case)
    return answer | {"value": answer["value"].astype(case.args[0].values.dtype).astype(np.float32)}


@mutant("accuracy", "cross_entropy")
def _(case: Case) -> Answer | None:
    """the exponentials of float16 logits are added up in float16"""
    given = rows_of(case)
    if given is None or case.dtype != "float16" or case.inputs["labels"].floating:
        return None
    x = given[0]
    d = x - x.max(axis=-1, keepdims=True)
    whole = np.add.accumulate(np.exp(d), axis=-1, dtype=np.float16)[:, -1]
    own = np.where(given[1] == 1, d, 0).sum(axis=-1)
    return solve(case) | {"value": (np.log(whole) - own).astype(np.float32)}


@mutant("accuracy", "cross_entropy")
def _(case: Case) -> Answer | None:
    """float16 losses are added up in float16"""
    if case.dtype != "float16" or len(case.inputs) != 2 or case.options["reduction"] == "none":
        return None
    losses = solve(case, reduction="none")["value"].astype(np.float16)
    whole = np.add.accumulate(losses, dtype=np.float16)[-1] if losses.size else np.float16(0)
    count = 1 if case.options["reduction"] == "sum" else max(losses.size, 1)
    return solve(case) | {"value": np.asarray(whole / np.float16(count), np.float32)}


@mutant("accuracy", "cross_entropy", "entropy", "softmax", "js_divergence", BCE, SIGMOID_FOCAL)
def _(case: Case) -> Answer | None:
    """float64 is computed in float32"""
    if case.dtype != "float64":
        return None
    return {name: x.astype(np.float32).astype(np.float64) for name, x in solve(case).items()}


@mutant("accuracy", "entropy")
def _(case: Case) -> Answer | None:
    """entropy as -sum p log p, NaN at p = 0"""
    if not plain(case):
        return None
    p = softmax(case.args[0].values)
    return solve(case) | {"value": -(p * np.log(p)).sum(-1)}


@mutant("2", "kl_divergence")
def _(case: Case) -> Answer | None:
    """p log p is NaN at p = 0"""
    if not plain(case) or case.options.get("log_target"):
        return None
    log_q, p = (x.values for x in case.args)
    return solve(case) | {"value": (p * (np.log(p) - log_q)).sum(-1)}


@mutant("accuracy", "kl_divergence", "js_divergence")
def _(case: Case) -> Answer | None:
    """an epsilon in every log"""
    if not plain(case) or case.options.get("log_target"):
        return None
    a, b = (x.values.astype(np.float64) for x in case.args)
    if case.function == "kl_divergence":
        return solve(case) | {"value": (b * (np.log(b + 1e-7) - a)).sum(-1)}
    p, q = np.exp(a), np.exp(b)
    log_m = np.log((p + q) / 2 + 1e-7)
    return solve(case) | {"value": (p * (np.log(p + 1e-7) - log_m) + q * (np.log(q + 1e-7) - log_m)).sum(-1) / 2}
