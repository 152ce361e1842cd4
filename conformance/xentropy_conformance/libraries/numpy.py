"""NumPy: arrays of its own, read-only ones, and no derivatives but what a target brings along."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..vectors import Array
from .base import Answer, Job, Library, Mode, answer, written_array


def array(x: Array) -> Any:
    return np.array(x.values)  # a copy: the case stays as it is


def read_only(x: Array) -> Any:
    out = array(x)
    out.flags.writeable = False
    return out


def numbers(x: Any) -> np.ndarray:
    if not isinstance(x, (np.ndarray, np.generic)):
        raise TypeError(f"{type(x).__name__} instead of a NumPy array")
    return np.asarray(x)


def code(x: Array) -> str:
    if x.dtype == "bfloat16":
        return f"{written_array(x, 'np.asarray', 'np.zeros', 'np.float32')}.astype(ml_dtypes.bfloat16)"
    return written_array(x, "np.asarray", "np.zeros", "bool" if x.dtype == "bool" else f"np.{x.dtype}")


def eager(job: Job) -> list[Answer]:
    own = job.own_gradients or (lambda *_: {})
    return [answer(job.function(*example), own(*example)) for example in job.examples]


IMPORTS = ("import numpy as np",)
MODES = {"eager": Mode(eager, "value = f({args})")}
LIBRARY = Library("numpy", "numpy", IMPORTS, array, numbers, code, MODES, differentiates=False)
READ_ONLY = Library("numpy read-only", "numpy", IMPORTS, read_only, numbers, code, MODES, differentiates=False)
