"""What the properties are tested on: rows drawn by Hypothesis in each library's own namespace, and how to compare."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from backends import Backend
from hypothesis import strategies as st
from hypothesis.extra.array_api import make_strategies_namespace

import xentropy

Array = Any
ROWS, CLASSES = 3, (2, 5)  # few shapes: each is compiled once
EIGHTHS = st.integers(-64, 64).map(lambda k: k / 8)  # sums with a shift are exact in float32
PARTS = st.integers(0, 16).map(lambda k: k / 8)


@cache
def strategies(backend: Backend) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what a namespace lacks, and is not used here
        return make_strategies_namespace(backend.xp, api_version="2023.12")


@st.composite
def arrays(draw: Any, backend: Backend, dtype: str, shape: tuple[int, ...], elements: Any) -> Array:
    """An array of the library, on the device and of the kind that the backend is about."""
    own = strategies(backend).arrays(backend.dtype(dtype), shape, elements=elements, fill=st.nothing())
    x = draw(own)
    return backend.asarray(backend.to_numpy(x)) if ":" in backend.name else x


@st.composite
def rows(draw: Any, backend: Backend, least: int = 2, elements: Any = EIGHTHS) -> tuple[Array, Array]:
    """Logits (3, C), float32 or float64, and integer labels for them."""
    dtype = draw(st.sampled_from(["float32", "float64"]))
    classes = draw(st.sampled_from([n for n in CLASSES if n >= least]))
    logits = draw(arrays(backend, dtype, (ROWS, classes), elements))
    return logits, draw(arrays(backend, "int64", (ROWS,), st.integers(0, classes - 1)))


def like(backend: Backend, x: Array, values: Any) -> Array:
    """Numbers in the dtype and on the device of an array."""
    return backend.asarray(np.asarray(values).astype(backend.to_numpy(x).dtype))


def one_hot(backend: Backend, x: Array, labels: Array) -> Array:
    return like(backend, x, np.eye(x.shape[-1])[backend.to_numpy(labels)])


def solve(backend: Backend, logits: Array, labels: Array, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """The rows' losses, or their sum or mean, and the gradient with respect to the logits."""
    options = {"reduction": "none", **options}
    value, gradient = xentropy.value_and_grad(xentropy.cross_entropy)(logits, labels, **options)
    return backend.to_numpy(value), backend.to_numpy(gradient)


def close(one: Any, other: Any, *logits: np.ndarray, ulps: float = 16.0) -> bool:
    """Whether pairs of numbers are two roundings of the same, over rows of these logits."""
    size = max(float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x))) for x in logits)
    pairs = zip(one, other, strict=True)
    eps = float(np.finfo(logits[0].dtype).eps)
    return all(bool((np.abs(a - b) <= ulps * eps * (1 + size) * np.maximum(1, np.abs(b))).all()) for a, b in pairs)
