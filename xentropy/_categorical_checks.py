"""The arguments that the categorical losses share."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _checks as check
from ._backends.generic import Backend
from ._backends.numpy import BACKEND as NUMPY
from ._core.labels import inspect
from ._core.precision import is_floating, is_index, kind
from ._core.views import as_rows, without
from ._policy import resolve

__all__: list[str] = []


def labels_of(name: str, x: Any, axis: int, labels: Any, label_probs: Any, ignore_index: int | None) -> None:
    """Which of the three kinds the labels are, and whether they fit."""
    rows = without(tuple(x.shape), axis)
    if is_index(labels) and label_probs is None and tuple(labels.shape) == rows and ignore_index is None:
        return
    both = f"{check.about('labels', labels)}, {check.about(name, x)}, axis={axis}"
    if kind(labels.dtype) == "bool":
        raise TypeError(f"{both}: class indices are integers; booleans are labels of the binary losses")
    if is_floating(labels):
        if label_probs is not None:
            raise TypeError(f"{both}: label_probs are the probabilities of integer labels")
        if ignore_index is not None:
            raise ValueError(
                f"{both}: ignore_index = {ignore_index} marks integer labels; use sample_weight=0 for rows of a "
                "floating distribution"
            )
        if tuple(labels.shape) != tuple(x.shape):
            raise ValueError(f"{both}: floating labels are distributions with the shape of the {name}")
    elif not is_index(labels):
        raise TypeError(f"{both}: expected integer or real floating labels")
    elif label_probs is None:
        if tuple(labels.shape) != rows:
            raise ValueError(f"{both}: class indices have the shape of the {name} without that axis, {rows}")
    else:
        check.floating("label_probs", label_probs)
        if tuple(labels.shape[:-1]) != rows or labels.ndim == 0 or tuple(label_probs.shape) != tuple(labels.shape):
            raise ValueError(
                f"{both}, {check.about('label_probs', label_probs)}: indices and probabilities have one shape, "
                f"{(*rows, 'k')}"
            )
    if ignore_index is not None and (isinstance(ignore_index, bool) or not isinstance(ignore_index, int)):
        raise TypeError(f"ignore_index = {ignore_index!r}: expected an integer")


def class_weights(name: str, x: Any, axis: int, weight: Any) -> None:
    classes = x.shape[axis]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ValueError(
            f"{check.about('class_weight', weight)}: expected shape ({classes},), one a class of "
            f"{check.about(name, x)}"
        )


class Common(NamedTuple):
    """What the checks find out on their way."""

    v: Backend
    axis: int
    class_weight: Any
    sample_weight: Any
    label_smoothing: Any
    policy: str


def common(
    name: str, x: Any, labels: Any, *, axis: int, where: Any, label_probs: Any, class_weight: Any, sample_weight: Any,
    ignore_index: int | None, label_smoothing: Any, reduction: str, normalizer: Any, check_labels: str, **others: Any,
) -> Common:  # fmt: skip
    """Check what every categorical loss takes; `others` are arrays to be of the same library."""
    v = check.enter(
        **{name: x}, labels=labels, where=where, label_probs=label_probs, class_weight=class_weight,
        sample_weight=sample_weight, label_smoothing=label_smoothing, normalizer=normalizer, **others,
    )  # fmt: skip
    check.floating(name, x)
    axis = check.class_axis(name, x, axis)
    labels_of(name, x, axis, labels, label_probs, ignore_index)
    check.mask("where", where, tuple(x.shape), f"the shape of {name}")
    class_weights(name, x, axis, class_weight)
    check.row_weights(sample_weight, without(tuple(x.shape), axis), f"the rows of {name} have")
    check.zero_d("label_smoothing", label_smoothing)
    label_smoothing = check.number(v, "label_smoothing", label_smoothing, 0.0, 0.0, 1.0, closed=True)
    check.reduced(reduction, normalizer)
    class_weight = check.weights(v, "class_weight", class_weight, x)
    sample_weight = check.weights(v, "sample_weight", sample_weight, x)
    policy = resolve(v, check_labels, labels, label_probs, sample_weight)
    if policy == "look":  # bad labels that can be seen raise here, before any work
        seen = [v.peek(y) for y in (labels, label_probs, as_rows(v, v.peek(sample_weight), x.ndim, axis))]
        views = v.views(tuple(seen))
        with NUMPY.quiet():
            y, probs, rows = seen if views is None else views
            policy = inspect(v if views is None else NUMPY, y, probs, x.shape[axis], axis, ignore_index, rows)
    return Common(v, axis, class_weight, sample_weight, label_smoothing, policy)
