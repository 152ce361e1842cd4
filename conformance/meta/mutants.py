"""Mutants: the right implementation with one mistake in each, most of them ones that libraries have made.

A mutant answers a case, or gives None where its mistake does not show. Here are mistakes about what is meant; those
of arithmetic are in mutants_of_digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from right import Answer, inputs_of, solve
from xentropy_conformance.vectors import Case

Break = Callable[[Case], Answer | None]
CATEGORICAL = ("cross_entropy", "focal_loss", "nll_loss")


class Mutant(NamedTuple):
    rules: frozenset[str]  # that are meant to catch it
    functions: tuple[str, ...]  # in each of which they do
    broken: Break


MUTANTS: dict[str, Mutant] = {}


def mutant(rules: str, *functions: str) -> Callable[[Break], Break]:
    """Registers a mutant of some functions under its first line; the rules are divided by blanks."""

    def register(f: Break) -> Break:
        assert f.__doc__
        assert f.__doc__ not in MUTANTS
        MUTANTS[f.__doc__] = Mutant(frozenset(rules.split()), functions, f)
        return f

    return register


def index_labels(case: Case) -> Any:
    """The class indices of a case, or None."""
    labels = case.inputs.get("labels")
    return None if labels is None or labels.dtype[:3] not in ("int", "uin") else labels.values


def classes(case: Case) -> int:
    return int(case.args[0].values.shape[case.options["axis"]])


def rows(case: Case) -> int:
    return case.args[0].values.size // max(classes(case), 1)


def value_of(case: Case, name: str) -> Any:
    """An option that is an array or a number."""
    return case.inputs[name].values if name in case.inputs else case.options.get(name)


def with_option(case: Case, **options: Any) -> Answer:
    """An option in the place of the case's own; the gradient is that of the new value."""
    arrays = {name: np.asarray(x, case.args[0].values.dtype) for name, x in options.items() if name in case.inputs}
    return solve(case, inputs_of(case, **arrays), **{k: x for k, x in options.items() if k not in arrays})


def divided(case: Case, factor: float) -> Answer:
    answer = solve(case)
    return answer | {name: np.asarray(x) / factor for name, x in answer.items() if name != "second"}


# labels and masks


@mutant("1 3", *CATEGORICAL, "entropy", "kl_divergence", "js_divergence", "logsumexp", "softmax", "log_softmax")
def _(case: Case) -> Answer | None:
    """the mask is dropped"""
    return solve(case, inputs_of(case, where=None)) if "where" in case.inputs else None


@mutant("9", "cross_entropy", "nll_loss")
def _(case: Case) -> Answer | None:
    """a negative label counts from the end"""
    labels = index_labels(case)
    if labels is None or not (labels < 0).any() or "ignore_index" in case.options or "label_probs" in case.inputs:
        return None
    return solve(case, inputs_of(case, labels=np.where(labels < 0, labels + classes(case), labels)))


@mutant("9", "cross_entropy", "nll_loss")
def _(case: Case) -> Answer | None:
    """a label is clipped into the range"""
    labels = index_labels(case)
    if labels is None or "ignore_index" in case.options:
        return None
    return solve(case, inputs_of(case, labels=np.clip(labels, 0, classes(case) - 1)))


@mutant("9", "cross_entropy", "nll_loss", "focal_loss")
def _(case: Case) -> Answer | None:
    """where(bad, nan, loss): the gradient of a bad row is 0"""
    if "check_labels" not in case.options:
        return None
    answer = solve(case)
    name = next(iter(case.inputs))
    return answer | {name: np.nan_to_num(answer[name].astype(np.float64))}


@mutant("9", "cross_entropy")
def _(case: Case) -> Answer | None:
    """labels are cast to 8 bits"""
    labels = index_labels(case)
    return None if labels is None else solve(case, inputs_of(case, labels=labels.astype(np.int8)))


@mutant("9", "cross_entropy")
def _(case: Case) -> Answer | None:
    """ignore_index is compared in the dtype of the logits"""
    labels, dtype = index_labels(case), case.args[0].values.dtype
    if labels is None or "ignore_index" not in case.options:
        return None
    ignored = np.asarray(case.options["ignore_index"]).astype(dtype)
    same = labels.astype(dtype) == ignored
    return solve(case, inputs_of(case, labels=np.where(same, case.options["ignore_index"], labels)))


@mutant("2", "cross_entropy", "focal_loss")
def _(case: Case) -> Answer | None:
    """0 times infinity: a label of 0 at -inf makes the loss NaN"""
    logits, labels = (x.values for x in case.args)
    if index_labels(case) is not None or case.options["reduction"] != "none":
        return None
    answer, axis = solve(case), case.options["axis"]
    return answer | {
        "value": np.where(np.any((labels == 0) & np.isneginf(logits), axis=axis), np.nan, answer["value"])
    }


@mutant("2", "cross_entropy", "nll_loss")
def _(case: Case) -> Answer | None:
    """the gradient with respect to a label of 0 at -inf is infinite"""
    x, labels = (x.values for x in case.args)
    if index_labels(case) is not None:
        return None
    answer = solve(case)
    return answer | {"labels": np.where((labels == 0) & np.isneginf(x), np.inf, answer["labels"])}


@mutant("3", "cross_entropy", "focal_loss", "nll_loss")
def _(case: Case) -> Answer | None:
    """a label on a class at -inf has gradient 0 there"""
    name, x = next(iter(case.inputs.items()))
    answer = solve(case)
    return answer | {name: np.where(np.isneginf(x.values), 0, answer[name])}


@mutant("4", "cross_entropy", "focal_loss", "entropy", "softmax")
def _(case: Case) -> Answer | None:
    """a row of -inf is 0"""
    x = case.args[0].values
    if "where" in case.inputs or case.options.get("reduction") in ("sum", "mean"):
        return None
    dead = np.all(np.isneginf(x), axis=case.options["axis"], keepdims=case.function == "softmax")
    answer = solve(case)
    return answer | {"value": np.where(dead, 0, answer["value"])}


@mutant("4", "logsumexp")
def _(case: Case) -> Answer | None:
    """the gradient of a row of -inf is NaN"""
    x, answer = case.args[0].values, solve(case)
    dead = np.all(np.isneginf(x), axis=case.options["axis"], keepdims=True)
    return answer | {"x": np.where(dead, np.nan, answer["x"])}


@mutant("6", "cross_entropy", "focal_loss")
def _(case: Case) -> Answer | None:
    """the gradient of an ignored row that holds an infinity or NaN is NaN"""
    x, answer = case.args[0].values, solve(case)
    labels = index_labels(case)
    if labels is None or "ignore_index" not in case.options or labels.ndim != x.ndim - 1:
        return None
    axis = case.options["axis"]
    held = (labels == case.options["ignore_index"]) & ~np.isfinite(x).all(axis=axis)
    return answer | {"logits": np.where(np.expand_dims(held, axis), np.nan, answer["logits"])}


@mutant("5 9", "cross_entropy", "nll_loss", "entropy")
def _(case: Case) -> Answer | None:
    """one NaN row makes every gradient NaN"""
    answer = solve(case)
    name = next(iter(case.inputs))
    return answer | {name: answer[name] * np.nan} if np.isnan(answer["value"]).any() else None


@mutant("9", "cross_entropy", "nll_loss")
def _(case: Case) -> Answer | None:
    """the largest label is C, read as C - 1"""
    labels = index_labels(case)
    if labels is None or "ignore_index" in case.options:
        return None
    return solve(case, inputs_of(case, labels=np.where(labels == classes(case), classes(case) - 1, labels)))


@mutant("13", "cross_entropy", "focal_loss", "entropy", "logsumexp", "softmax", "log_softmax")
def _(case: Case) -> Answer | None:
    """the last class is left out of the sum"""
    x = case.args[0].values
    if "where" in case.inputs or case.options["axis"] != -1 or x.shape[-1] < 2:
        return None
    return solve(case, inputs_of(case, where=np.broadcast_to(np.arange(x.shape[-1]) < x.shape[-1] - 1, x.shape)))
