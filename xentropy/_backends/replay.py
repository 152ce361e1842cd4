"""Small calls, whose time is Python's and not that of their numbers: the calls of NumPy that a formula comes to are
written down, once for arrays and options of a kind, and from then on are made without the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

SMALL = 1 << 12  # numbers
USES = 4  # of a kind of call, before it is worth writing down
KINDS = 256  # that are known, before all are forgotten: there may be new shapes for ever

_known: dict[Any, Any] = {}  # how often a kind was seen; then its script, or None where there can be none


def find(v: Any, formula: Callable[..., Any], arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What to call with arrays like these instead of `formula(v, *arrays, **options)`, or None."""
    kind: list[Any] = [formula, *options.values()]
    for x in arrays:
        if type(x) is np.ndarray:
            if x.size > SMALL or not x.flags.c_contiguous:
                return None
            kind += (x.shape, x.dtype)
        elif x is None or type(x) is float:
            kind.append(repr(x))  # 0.0 == -0.0
        else:
            return None
    key = tuple(kind)
    found = _known.get(key, 0)
    if type(found) is not int:
        return found
    if len(_known) >= KINDS:
        _known.clear()
    if found < USES:
        _known[key] = found + 1
        return None
    from .script import write

    _known[key] = script = write(v, formula, arrays, options)
    return script
