"""Mutants: mistakes about smoothing, softcap, temperature, z-loss, and the options of single losses."""

from __future__ import annotations

import numpy as np
from mutants import CATEGORICAL, classes, divided, mutant, value_of, with_option
from right import Answer, inputs_of, solve
from xentropy_conformance.vectors import Case

BCE, BCE_OF_PROBS, SIGMOID_FOCAL = "binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid_focal_loss"


@mutant("8", "cross_entropy", "nll_loss", "focal_loss")
def _(case: Case) -> Answer | None:
    """smoothing gives mass to masked classes"""
    eps, labels = value_of(case, "label_smoothing"), case.inputs["labels"]
    if not eps or not labels.floating or case.options["axis"] != -1:
        return None
    t = labels.values.astype(np.float64)
    t = (1 - float(eps)) * t + float(eps) * t.sum(axis=-1, keepdims=True) / t.shape[-1]
    arrays = inputs_of(case, labels=t.astype(labels.values.dtype), label_smoothing=None)
    answer = solve(case, arrays, {k: x for k, x in case.options.items() if k != "label_smoothing"})
    return solve(case) | {name: answer[name] for name in ("value", next(iter(case.inputs)))}


@mutant("8", "cross_entropy", "nll_loss", "focal_loss")
def _(case: Case) -> Answer | None:
    """smoothing takes eps / (K - 1) for the other classes"""
    eps, n = value_of(case, "label_smoothing"), classes(case)
    if not eps or n < 2 or float(eps) * n / (n - 1) > 1:
        return None
    return with_option(case, label_smoothing=float(eps) * n / (n - 1))


@mutant("8", BCE, BCE_OF_PROBS)
def _(case: Case) -> Answer | None:
    """binary smoothing is y (1 - eps) + eps"""
    eps, labels = value_of(case, "label_smoothing"), case.inputs["labels"]
    if not eps or not labels.floating:
        return None
    y = np.minimum(labels.values.astype(np.float64) + float(eps) / 2, 1)
    return solve(case, inputs_of(case, labels=y.astype(labels.values.dtype)))


@mutant("11", "cross_entropy", "focal_loss", "entropy", "softmax", "log_softmax")
def _(case: Case) -> Answer | None:
    """the temperature is applied twice"""
    t = value_of(case, "temperature")
    return None if t is None else with_option(case, temperature=np.asarray(t, np.float64) ** 2)


@mutant("11", "cross_entropy", "entropy")
def _(case: Case) -> Answer | None:
    """the temperature comes before the softcap"""
    t, c = value_of(case, "temperature"), value_of(case, "softcap")
    if t is None or c is None or np.ndim(t):
        return None
    moved = with_option(case, softcap=float(c) * float(t))  # c tanh(x / (T c)) is (T c) tanh(x / (T c)) / T
    return solve(case) | {name: moved[name] for name in ("value", "logits")}


@mutant("11", "cross_entropy", "focal_loss", "entropy")
def _(case: Case) -> Answer | None:
    """the softcap brings masked classes back"""
    x = case.args[0].values
    if value_of(case, "softcap") is None or not np.isneginf(x).any():
        return None
    return solve(case, inputs_of(case, logits=np.where(np.isneginf(x), np.asarray(-3e4, x.dtype), x)))


@mutant("11", "cross_entropy", "entropy")
def _(case: Case) -> Answer | None:
    """the derivative of the softcap is missing"""
    c, x = value_of(case, "softcap"), case.args[0].values.astype(np.float64)
    if c is None:
        return None
    answer = solve(case)
    with np.errstate(all="ignore"):
        return answer | {"logits": answer["logits"] * np.where(np.isfinite(x), np.cosh(x / float(c)) ** 2, 1)}


@mutant("12", "cross_entropy", "focal_loss")
def _(case: Case) -> Answer | None:
    """the z-loss counts twice"""
    z = value_of(case, "z_loss")
    return with_option(case, z_loss=2 * float(z)) if z else None


@mutant("12", "cross_entropy", "focal_loss")
def _(case: Case) -> Answer | None:
    """the z-loss has no gradient"""
    z = value_of(case, "z_loss")
    return solve(case) | {"logits": with_option(case, z_loss=0.0)["logits"]} if z else None


@mutant("12", "cross_entropy", "focal_loss")
def _(case: Case) -> Answer | None:
    """lse is that of the raw logits"""
    if not case.options.get("return_lse"):
        return None
    arrays = inputs_of(case, temperature=None, softcap=None, where=None)
    plain = solve(case, arrays, temperature=1.0, softcap=None)
    return solve(case) | {"second": plain["second"]}


@mutant("12", "cross_entropy")
def _(case: Case) -> Answer | None:
    """lse of an ignored row is 0"""
    labels = case.inputs["labels"].values
    if not case.options.get("return_lse") or labels.ndim != case.args[0].values.ndim - 1:
        return None
    answer = solve(case)
    return answer | {"second": np.where(labels == case.options.get("ignore_index"), 0, answer["second"])}


@mutant("13", "focal_loss")
def _(case: Case) -> Answer | None:
    """the gradient of the focal loss treats its factor as a constant"""
    if np.ndim(case.args[0].values) != 2 or len(case.inputs) > 3 or case.options["reduction"] != "none":
        return None
    gamma, labels = float(np.asarray(value_of(case, "gamma"))), case.inputs["labels"].values
    x = case.args[0].values.astype(np.float64)
    if labels.ndim != 1 or case.options.keys() - {"axis", "reduction", "gamma"} or not np.isfinite(x).all():
        return None
    p = np.exp(x - x.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    own = np.take_along_axis(p, labels[:, None], -1)
    gradient = (1 - own) ** gamma * (p - (np.arange(x.shape[-1]) == labels[:, None]))
    return solve(case) | {"logits": gradient}


@mutant("13", "focal_loss", SIGMOID_FOCAL)
def _(case: Case) -> Answer | None:
    """gamma is forgotten"""
    return with_option(case, gamma=0.0)


@mutant("13", SIGMOID_FOCAL)
def _(case: Case) -> Answer | None:
    """alpha weighs the negatives"""
    alpha = value_of(case, "alpha")
    return None if alpha is None else with_option(case, alpha=1 - float(alpha))


@mutant("7", BCE)
def _(case: Case) -> Answer | None:
    """pos_weight is in the denominator"""
    w, y = value_of(case, "pos_weight"), case.inputs["labels"].values.astype(np.float64)
    if w is None or case.options["reduction"] != "mean" or "normalizer" in case.inputs:
        return None
    count = float((np.broadcast_to(w, y.shape).astype(np.float64) * y + 1 - y).sum())
    return divided(case, count / y.size)


@mutant("7", BCE)
def _(case: Case) -> Answer | None:
    """pos_weight weighs both labels"""
    w, x = value_of(case, "pos_weight"), case.args[0].values
    if w is None or case.options["reduction"] != "none" or "sample_weight" in case.inputs:
        return None
    weight = np.broadcast_to(w, x.shape).astype(x.dtype)
    answer = solve(case, inputs_of(case, pos_weight=None, sample_weight=weight))
    return solve(case) | {name: answer[name] for name in ("value", "logits")}


@mutant("13", "logsumexp")
def _(case: Case) -> Answer | None:
    """the sign of a weight is lost"""
    b = case.inputs.get("b")
    return None if b is None else solve(case, inputs_of(case, b=abs(b.values)))


@mutant("2", "logsumexp")
def _(case: Case) -> Answer | None:
    """the derivative at a weight of 0 is 0"""
    b = case.inputs.get("b")
    if b is None:
        return None
    answer = solve(case)
    return answer | {"b": np.where(b.values == 0, 0, answer["b"])}


@mutant("13", "kl_divergence")
def _(case: Case) -> Answer | None:
    """the two distributions are swapped"""
    log_q, p = (x.values.astype(np.float64) for x in case.args)
    if case.options.get("log_target"):
        return solve(case, inputs_of(case, log_q=case.args[1].values, p=case.args[0].values))
    if not (p > 0).all():
        return None
    dtype = case.args[0].values.dtype
    return solve(case, inputs_of(case, log_q=np.log(p).astype(dtype), p=np.exp(log_q).astype(dtype)))


@mutant("13", "js_divergence")
def _(case: Case) -> Answer | None:
    """the half is missing"""
    return divided(case, 0.5)


@mutant("7", *CATEGORICAL)
def _(case: Case) -> Answer | None:
    """sparse entries of one class do not add up: the last one stands"""
    if "label_probs" not in case.inputs:
        return None
    labels, probs = case.inputs["labels"].values, case.inputs["label_probs"].values.copy()
    if labels.shape[-1] != 2:
        return None
    probs[..., 0] = np.where(labels[..., 0] == labels[..., 1], 0, probs[..., 0])
    return solve(case, inputs_of(case, label_probs=probs))
