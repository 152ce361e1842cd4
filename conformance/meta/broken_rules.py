"""xentropy with one semantic rule broken in its formulas, and the cases that have to do with that rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from xentropy_conformance.vectors import Case

from xentropy._core import binary, categorical, divergence, labels, losses, reduce

Function = Callable[..., Any]


class Broken(NamedTuple):
    rule: str
    about: str
    places: tuple[tuple[Any, str], ...]  # what is replaced
    by: Function  # of the function that stood there, and its arguments
    touches: Callable[[Case], bool]  # what may fail, under whatever rule it stands


def no_mask(_: Function, v: Any, where: Any, n: int) -> Any:
    return None


def nothing_is_gone(right: Function, v: Any, *more: Any) -> Any:
    entry = right(v, *more)
    return entry._replace(surprisal=v.xp.where(entry.gone, np.nan, entry.surprisal))


def no_counts(_: Function, *more: Any) -> Any:
    return None


def over_all_classes(right: Function, v: Any, labels: Any, d: Any, norm: Any, given: Any, axis: int) -> Any:
    uniform = right(v, labels, d, norm, given, axis)
    classes = 0.0 * uniform.classes + d.shape[axis]
    share = uniform.classes / classes
    entry = uniform.entry._replace(weight=uniform.entry.weight * share, given=uniform.entry.given * share)
    return uniform._replace(entry=entry, classes=classes)


def from_the_end(right: Function, v: Any, index: Any, classes: int, ignored: int | None, trust: bool) -> Any:
    wraps = (index < 0) if ignored is None else (index < 0) & (index != ignored)
    return right(v, v.xp.where(wraps, index + classes, index), classes, ignored, trust)


def as_they_are(_: Function, v: Any, weight: Any, n: Any) -> Any:
    return weight, n


def capped_masks(right: Function, self: Any, v: Any, x: Any, cap: Any, where: Any) -> Any:
    (out,) = right(self, v, x, cap, where)
    return (v.xp.where(x == -np.inf, -cap, out),)


def plain_lse(right: Function, self: Any, v: Any, loss: Any, lse: Any, z: Any) -> Any:
    return (loss + z * self._lse(v, lse),)


# ---------------------------------------------------------------------------------------------
# what a rule is about


def first(case: Case) -> Any:
    return case.args[0].values.astype(np.float64)


def masked(case: Case) -> bool:
    where = case.inputs.get("where")
    return bool(np.isneginf(first(case)).any()) or (where is not None and not where.values.all())


def asks_for(case: Case, *names: str) -> bool:
    return any(bool(np.any(case.inputs[n].values)) if n in case.inputs else bool(case.options.get(n)) for n in names)


def zero_labels(case: Case) -> bool:
    """Labels that can be 0, or become 0, at a class that is not there."""
    soft = "labels" in case.inputs and (case.inputs["labels"].floating or "label_probs" in case.inputs)
    return masked(case) and (soft or asks_for(case, "class_weight", "label_smoothing"))


def negative(case: Case) -> bool:
    return "labels" in case.inputs and bool((case.inputs["labels"].values < 0).any())


def at_an_end(case: Case) -> bool:
    x = first(case)
    ends = (x == 0) | (x == 1) if case.function == "binary_cross_entropy" else np.isinf(x)
    return case.function.startswith("binary") and bool(ends.any())


BROKEN = (
    Broken("1", "the mask is dropped", ((losses, "as_mask"),), no_mask, lambda case: "where" in case.inputs),
    Broken(
        "2",
        "0 log 0 is NaN",
        ((categorical, "given_entry"), (divergence, "given_entry")),
        nothing_is_gone,
        zero_labels,
    ),
    Broken(
        "6",
        "ignore_index is not looked at",
        ((labels, "wrapped"),),
        no_counts,
        lambda case: "ignore_index" in case.options,
    ),
    Broken(
        "7",
        "class weights are not in the denominator",
        ((losses, "class_counts"),),
        no_counts,
        lambda case: "class_weight" in case.inputs and case.options["reduction"] == "mean",
    ),
    Broken(
        "8",
        "smoothing is divided by all classes",
        ((categorical, "uniform_part"), (divergence, "uniform_part")),
        over_all_classes,
        lambda case: masked(case) and ("label_smoothing" in case.inputs or asks_for(case, "label_smoothing")),
    ),
    Broken("9", "a negative label counts from the end", ((labels, "class_indices"),), from_the_end, negative),
    Broken("10", "0 times infinity in the binary losses", ((binary, "_term"),), as_they_are, at_an_end),
    Broken(
        "11",
        "a softcap undoes a mask",
        ((reduce.Softcap, "value"),),
        capped_masks,
        lambda case: masked(case) and asks_for(case, "softcap"),
    ),
    Broken(
        "12",
        "z-loss with lse instead of its square",
        ((reduce.ZLoss, "value"),),
        plain_lse,
        lambda case: "z_loss" in {**case.inputs, **case.options},
    ),
)


def replacements(broken: Broken) -> list[tuple[Any, str, Function]]:
    """What to put where: a method stays one."""
    out = []
    for owner, name in broken.places:
        right = getattr(owner, name)
        wrong = partial(broken.by, right)
        out.append((owner, name, method(wrong) if isinstance(owner, type) else wrong))
    return out


def method(f: Function) -> Function:
    return lambda self, *args: f(self, *args)
