"""The bar of the vectors in a few lines, apart from the package's own judge."""

from __future__ import annotations

from typing import Any

import numpy as np
from xentropy_conformance.vectors import Numbers

FORMATS = {  # eps, the smallest normal number
    "float16": (2.0**-10, 2.0**-14),
    "bfloat16": (2.0**-7, 2.0**-126),
    "float32": (2.0**-23, 2.0**-126),
    "float64": (2.0**-52, 2.0**-1022),
}
INF = float("inf")


def error(expected: Numbers, computed: Any) -> float:
    """The worst number of an array in bars, of which 1 agrees; infinite for another shape."""
    computed = np.asarray(computed)
    if computed.shape != expected.shape:
        return INF
    given, truth, scale = computed.astype(np.float64), expected.data, expected.scale
    eps, tiny = FORMATS[expected.dtype]
    with np.errstate(all="ignore"):
        same = (given == truth) | (np.isnan(given) & np.isnan(truth)) | np.isinf(scale)
        distance = abs(given - truth)
        small = (scale > 0) & (distance <= tiny)
        # half an ulp: of the expected number's own rounding, and of the result's
        bar = 4 * eps * scale + (2.0**-53 + np.where(scale > 0, eps / 2, 0)) * abs(truth)
        bars = np.where(np.isfinite(distance), distance / bar, INF)
    return float(np.max(np.where(same | small, 0, np.where(np.isnan(bars), INF, bars)), initial=0))
