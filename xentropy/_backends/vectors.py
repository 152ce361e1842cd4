"""What NumPy computes with the vectors of this processor."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np


def log_is_faster(x: Any) -> bool:
    """Than log1p, for the numbers of this array: where NumPy has vectors for the one alone."""
    return x.dtype == np.float32 and x.ndim > 0 and vectors("log") and not vectors("log1p")


@cache
def vectors(function: str) -> bool:
    """Whether a function of float32 uses more of the processor than all of its kind have."""
    from numpy.lib import introspect

    found = introspect.opt_func_info(f"^{function}$", "float32").get(function, {})
    return any(not signature["current"].startswith("baseline") for signature in found.values())
