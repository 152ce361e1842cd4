"""The test vectors, read into NumPy.

    for case in load():
        print(case.id, case.about, case.inputs["logits"].values)

The file is `data/vectors.json`; `data/vectors.schema.json` says what stands in it, and what its numbers mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["FORMAT", "Array", "Case", "Expected", "Numbers", "Products", "Vectors", "load", "read"]

FORMAT = 1
FLOATS = ("float16", "bfloat16", "float32", "float64")
POSITIONAL = {  # the names of the arguments that come first, in their order; all others are keywords
    "logsumexp": ("x",),
    "softmax": ("x",),
    "log_softmax": ("x",),
    "sigmoid": ("x",),
    "log_sigmoid": ("x",),
    "softplus": ("x",),
    "xlogy": ("x", "y"),
    "cross_entropy": ("logits", "labels"),
    "nll_loss": ("log_probs", "labels"),
    "focal_loss": ("logits", "labels"),
    "entropy": ("logits",),
    "kl_divergence": ("log_q", "p"),
    "js_divergence": ("log_p", "log_q"),
    "binary_cross_entropy_with_logits": ("logits", "labels"),
    "binary_cross_entropy": ("probs", "labels"),
    "sigmoid_focal_loss": ("logits", "labels"),
}


@dataclass(frozen=True, eq=False)
class Array:
    """An input. `values` are of `dtype`; bfloat16 without ml_dtypes is float32, holding the rounded numbers."""

    dtype: str
    values: npt.NDArray[Any]

    @property
    def floating(self) -> bool:
        return self.dtype in FLOATS


@dataclass(frozen=True, eq=False)
class Numbers:
    """An expected array: the float64 nearest to the truth, and the size of the terms that it is a sum of.

    A computed number agrees if it is off by at most 4 eps(`dtype`) * `scale`, and half an ulp. A scale of 0 asks
    for the exact number, an infinite one for nothing. `raw` is the object of the file.
    """

    dtype: str
    data: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    raw: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape


@dataclass(frozen=True, eq=False)
class Products:
    """The Hessian of the value's sum times a direction. What `direction` does not name stands still."""

    direction: Mapping[str, Array]
    products: Mapping[str, Numbers]


@dataclass(frozen=True, eq=False)
class Expected:
    """The value, its gradients, and where a call returns a pair the second part of it.

    `sign` comes with `return_sign`, `lse` with `return_lse`. Gradients are those of the sum of the value.
    """

    value: Numbers
    gradients: Mapping[str, Numbers]
    hvp: Products | None
    sign: Numbers | None
    lse: Numbers | None

    @property
    def second(self) -> Numbers | None:
        return self.sign if self.sign is not None else self.lse


@dataclass(frozen=True, eq=False)
class Case:
    """One call and what it must give. `raw` is the object of the file."""

    id: str
    function: str
    rule: str
    about: str
    reports: tuple[str, ...]
    dtype: str
    inputs: Mapping[str, Array]
    options: Mapping[str, Any]
    expected: Expected
    raw: Mapping[str, Any]

    @property
    def args(self) -> tuple[Array, ...]:
        """The positional arguments."""
        return tuple(self.inputs[name] for name in POSITIONAL[self.function])

    @property
    def named(self) -> dict[str, Array]:
        """The arrays that are passed by name."""
        return {name: x for name, x in self.inputs.items() if name not in POSITIONAL[self.function]}

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, eq=False)
class Vectors:
    """A file of cases."""

    semantics: str
    source: str
    cases: tuple[Case, ...]

    def select(self, functions: Iterable[str] = (), dtypes: Iterable[str] = ()) -> tuple[Case, ...]:
        """The cases of some functions and dtypes; of all, where none is named."""
        functions, dtypes = tuple(functions), tuple(dtypes)
        return tuple(
            case
            for case in self.cases
            if (not functions or case.function in functions) and (not dtypes or case.dtype in dtypes)
        )


@cache
def _bfloat16() -> np.dtype[Any]:
    if find_spec("ml_dtypes") is None:
        return np.dtype(np.float32)
    import ml_dtypes

    found: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return found


def _floats(data: list[str], shape: list[int]) -> npt.NDArray[np.float64]:
    return np.asarray([float.fromhex(text) for text in data], dtype=np.float64).reshape(shape)


def _array(block: dict[str, Any]) -> Array:
    dtype, shape = block["dtype"], block["shape"]
    if dtype in FLOATS:
        return Array(dtype, _floats(block["data"], shape).astype(_bfloat16() if dtype == "bfloat16" else dtype))
    return Array(dtype, np.asarray(block["data"], dtype=dtype).reshape(shape))


def _numbers(block: dict[str, Any]) -> Numbers:
    shape = block["shape"]
    return Numbers(block["dtype"], _floats(block["data"], shape), _floats(block["scale"], shape), block)


def _expected(block: dict[str, Any]) -> Expected:
    hvp = block["hvp"]
    if hvp is not None:
        direction = {name: _array(x) for name, x in hvp["direction"].items()}
        hvp = Products(direction, {name: _numbers(x) for name, x in hvp["products"].items()})
    return Expected(
        value=_numbers(block["value"]),
        gradients={name: _numbers(x) for name, x in block["gradients"].items()},
        hvp=hvp,
        sign=_numbers(block["sign"]) if "sign" in block else None,
        lse=_numbers(block["lse"]) if "lse" in block else None,
    )


def _case(block: dict[str, Any]) -> Case:
    inputs = {name: _array(x) for name, x in block["inputs"].items()}
    head = {key: block[key] for key in ("id", "function", "rule", "about", "dtype", "options")}
    return Case(
        **head, reports=tuple(block["reports"]), inputs=inputs, expected=_expected(block["expected"]), raw=block
    )


def read(text: str) -> Vectors:
    """The cases of a file's text."""
    data = json.loads(text)
    if data.get("format") != FORMAT:
        raise ValueError(f"vectors of format {data.get('format')}; this reads format {FORMAT}")
    return Vectors(data["semantics"], data["source"], tuple(map(_case, data["cases"])))


@cache
def _embedded() -> Vectors:
    return read(files("xentropy_conformance").joinpath("data/vectors.json").read_text("utf-8"))


def load(path: str | Path | None = None) -> Vectors:
    """The vectors of a file, or those that come with this package."""
    return _embedded() if path is None else read(Path(path).read_text("utf-8"))
