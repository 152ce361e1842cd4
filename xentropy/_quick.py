"""The commonest call, class indices and no options, with no more checks than it needs.

Anything else about it, and anything wrong with it, is left to the checks in full.
"""

from __future__ import annotations

from typing import Any

from ._backends import backend_of
from ._backends.numpy import BACKEND as NUMPY
from ._checks import REDUCTIONS
from ._core.indexed import indexed
from ._policy import current

__all__: list[str] = []

_OPTIONS = {word: {"ignore_index": None, "policy": "trust", "reduction": word} for word in REDUCTIONS}


def quick(logits: Any, labels: Any, axis: int, reduction: str, check_labels: str) -> Any:
    """The loss of arrays that NumPy can see, with labels that are classes, along the last axis; None of others."""
    v = backend_of(logits)
    alike = type(labels) is type(logits) or backend_of(labels) is v
    views = v.views((logits, labels)) if v is not None and alike else None
    if v is None or views is None:
        return None
    x, y = views
    shape, policy, options = x.shape, current(check_labels), _OPTIONS.get(reduction)
    last = type(axis) is int and (axis == -1 or axis == len(shape) - 1)
    fits = shape and y.shape == shape[:-1] and 0 not in shape
    kinds = x.dtype.kind == "f" and x.dtype.itemsize > 2 and y.dtype.kind in "iu"
    if options is None or not (last and fits and kinds):
        return None
    if policy == "trust" or (policy in ("auto", "raise") and NUMPY.in_range(y, shape[-1])):
        return v.run_on(views, indexed, (logits, labels), options)[0]
    return None
