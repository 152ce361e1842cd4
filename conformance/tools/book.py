"""The book that the topics write their cases into.

    add = Book(3, "smoothing").add
    add("8", "mass goes to allowed classes", "cross_entropy", LOGITS, LABELS, label_smoothing=0.125)

adds one case in each of its dtypes. Positional arguments are arrays; so is every option that is a list or a NumPy
array. What is left are plain options. A topic owns a thousand of the numbers in the ids, so add new cases at the end
of a topic: the ids of all others stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import oracle

ALL = ("float16", "bfloat16", "float32", "float64")
WIDE = ("float32", "float64")
BESIDE = ("float64", "float16", "float64", "bfloat16")  # what goes with float32 where a case names no dtypes
LOSSES = ("cross_entropy", "nll_loss", "focal_loss", "entropy", "kl_divergence", "js_divergence")
BINARY = ("binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid_focal_loss")
NORMALIZERS = ("logsumexp", "softmax", "log_softmax")
# Along what a second-order product is taken by default: the first argument, or all of them where that is linear.
MOVED = dict.fromkeys(("nll_loss", "kl_divergence", "xlogy"), "all") | {"softmax": ""}


def numpy_dtype(name: str) -> Any:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def is_float(array: np.ndarray) -> bool:
    return array.dtype.name in ALL


@dataclass(frozen=True)
class Spec:
    """One case without its expected numbers."""

    id: str
    function: str
    rule: str
    about: str
    reports: tuple[str, ...]
    dtype: str
    inputs: dict[str, np.ndarray]
    options: dict[str, Any]
    moved: str

    def differentiable(self) -> list[str]:
        return [name for name, array in self.inputs.items() if is_float(array)]


@dataclass
class Book:
    topic: int
    specs: list[Spec] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        rule: str,
        about: str,
        function: str,
        *args: Any,
        reports: str = "",
        dtypes: Sequence[str] = (),
        moved: str | None = None,
        **options: Any,
    ) -> None:
        """`reports` is a list of repository#number, separated by blanks."""
        number = self.topic * 1000 + self.count[function]
        self.count[function] += 1
        if moved is None:  # every other case has second-order products, to keep the file small
            moved = "" if number % 2 else MOVED.get(function, "first")
        inputs = dict(zip(oracle.FUNCTIONS[function][1], map(np.asarray, args), strict=True))
        plain = defaults(function)
        for name, value in options.items():
            if isinstance(value, (list, np.ndarray)):
                inputs[name] = np.asarray(value)
                plain.pop(name, None)
            else:
                plain[name] = value
        for dtype in dtypes or ("float32", BESIDE[number % 4]):
            spec = Spec(
                f"{function}/{dtype}/{number:04}",
                function,
                rule,
                about,
                tuple(reports.split()),
                dtype,
                {name: rounded(array, dtype) for name, array in inputs.items()},
                plain,
                moved,
            )
            self.specs.append(spec)


def defaults(function: str) -> dict[str, Any]:
    """The options that every case of a function spells out."""
    plain: dict[str, Any] = {}
    if function in NORMALIZERS + LOSSES:
        plain["axis"] = -1
    if function in LOSSES + BINARY:
        plain["reduction"] = "mean"
    if function.endswith("focal_loss"):
        plain["gamma"] = 2.0
    return plain


def rounded(array: np.ndarray, dtype: str) -> np.ndarray:
    """Floating numbers in the dtype of the case; all others as they are."""
    if not is_float(array):
        return array
    with np.errstate(over="ignore"):
        out = array.astype(numpy_dtype(dtype))
    if not np.array_equal(np.isfinite(out.astype(float)), np.isfinite(array)):
        raise ValueError(f"{array} does not fit into {dtype}")
    return out


Add = Callable[..., None]


def one_hot(labels: Sequence[int], classes: int) -> np.ndarray:
    return np.eye(classes)[np.asarray(labels)]


def three_kinds(
    add: Add, rule: str, about: str, function: str, x: Any, labels: Sequence[int], **options: Any
) -> None:
    """The same rows labelled by indices, by one-hot rows, and by sparse labels."""
    x = np.asarray(x)
    index = np.asarray(labels)
    add(rule, about, function, x, index, **options)
    add(rule, f"{about}; one-hot", function, x, one_hot(labels, x.shape[-1]), **options)
    sparse = {"label_probs": np.ones((len(index), 1))}
    add(rule, f"{about}; sparse", function, x, index[:, None], **sparse, **options)
