"""The commonest call, class indices and no options, with no more checks than it needs.

Anything else about it, and anything wrong with it, is left to the checks in full.
"""

from __future__ import annotations

from typing import Any

from ._backends import backend_of
from ._checks import REDUCTIONS
from ._core.indexed import NotInRange, in_range
from ._core.precision import is_index, kind
from ._policy import current

__all__: list[str] = []

_LOOKED = {reduction: {"reduction": reduction, "look": True} for reduction in REDUCTIONS}
_TRUSTED = {reduction: {"reduction": reduction, "look": False} for reduction in REDUCTIONS}
_OPTIONS = {"auto": _LOOKED, "raise": _LOOKED, "trust": _TRUSTED}


def quick(logits: Any, labels: Any, axis: int, reduction: str, check_labels: str) -> Any:
    """The loss; None of what is not arrays of one library and device, with labels that can be seen to be class
    indices along the last axis."""
    v = backend_of(logits)
    if v is None or not v.looks or backend_of(labels) is not v or v.place(labels) != v.place(logits):
        return None
    shape, options = logits.shape, _OPTIONS.get(current(check_labels))
    usual = kind(logits.dtype) == "float" and is_index(labels) and reduction in _LOOKED
    last = type(axis) is int and (axis == -1 or axis == len(shape) - 1)
    fits = shape and labels.shape == shape[:-1] and 0 not in shape
    if options is None or not (usual and last and fits):
        return None
    try:
        return v.run(in_range, (logits, labels), options[reduction])[0]
    except NotInRange:
        return None
